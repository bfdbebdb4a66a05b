//! What is known of an order, as plain data. It is what `--json` and the api print.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{
        Currency, Dialect, EventKind, EventStatus, MetaData,
        attribution::AttributionMethod,
        entities::CommissionKind,
        ledger::{Account, TransferCode},
        trace::{Rule, Trace},
    },
    tapfiliate_json::CustomerStatus,
};

/// All that is known of an order. Money is text in JSON, with the decimals of its currency.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Explanation {
    /// The organisation's slug.
    pub org: String,
    /// The order's external id.
    pub order: String,
    /// Told in sentences.
    pub story: Vec<Chapter>,
    /// The oldest first. Deleted and superseded ones too.
    pub conversions: Vec<Sale>,
    /// Events that named the order and had no effect (refused, parked, dead), the oldest first.
    pub attempts: Vec<Attempt>,
    /// There is more than the limits of this module let through.
    pub is_cut: bool,
}

/// Sentences about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = explain::Chapter)]
pub struct Chapter {
    pub title: String,
    pub lines: Vec<String>,
}

/// A conversion and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Sale)]
pub struct Sale {
    pub conversion: i64,
    /// The event that created it.
    pub event: Uuid,
    /// The program's slug.
    #[schema(required)]
    pub program: Option<String>,
    /// The slug of the affiliate who earns.
    #[schema(required)]
    pub affiliate: Option<String>,
    #[schema(value_type = Dialect)]
    pub dialect: String,
    /// Whether it came with a key or a signature.
    #[serde(rename = "signed")]
    pub authenticated: bool,
    /// The time of the sale.
    pub created_at: DateTime<Utc>,
    /// The attribution method that found the affiliate.
    #[schema(value_type = AttributionMethod)]
    pub attributed_by: String,
    /// How it was decided. Null: it is older than the version that records it.
    #[schema(required)]
    pub trace: Option<Trace>,
    #[schema(required)]
    pub click: Option<SaleClick>,
    #[schema(required)]
    pub customer: Option<SaleCustomer>,
    /// How often it counts towards the cap of its customer: itself, and its recurring commissions.
    #[serde(rename = "counted")]
    pub counts_towards_cap: i32,
    pub warnings: Vec<String>,
    /// What was sent for reports (user agent, ip, notes, products), without e-mail addresses.
    #[schema(value_type = Object)]
    pub details: MetaData,
    /// As the create sent it.
    #[serde(rename = "base_amount")]
    pub original_amount: Decimal,
    pub amount: Decimal,
    pub currency: Currency,
    /// The sum of partial refunds as sent.
    pub refunded: Decimal,
    pub fully_refunded: bool,
    pub charged_back: bool,
    #[schema(required)]
    pub deleted_at: Option<DateTime<Utc>>,
    /// The authenticated conversion that took its place.
    #[schema(required)]
    pub superseded_by: Option<i64>,
    pub commissions: Vec<SaleCommission>,
    pub refunds: Vec<SaleRefund>,
    /// Events that changed it or its commissions, the oldest first.
    pub events: Vec<SaleEvent>,
}

/// The click by which a sale came, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Click)]
pub struct SaleClick {
    pub click: i64,
    pub referral_code: String,
    pub created_at: DateTime<Utc>,
    /// The latest moment, from which its age counts.
    pub clicked_at: DateTime<Utc>,
}

/// The customer of a sale, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Customer)]
pub struct SaleCustomer {
    pub customer: i64,
    /// The merchant's id.
    #[schema(required)]
    pub customer_id: Option<String>,
    /// In its own program.
    #[schema(value_type = CustomerStatus)]
    pub status: String,
    /// The slug of the customer's own program, which need not be the sale's. Null: one that the key does not see.
    #[schema(required)]
    pub program: Option<String>,
    /// The slug of the affiliate who brought the customer to the sale's program first.
    #[schema(required)]
    pub affiliate: Option<String>,
    /// Conversions and recurring commissions that count towards the cap of the sale's program.
    pub counted: i64,
    /// In the sale's program.
    #[schema(required)]
    pub first_sale_at: Option<DateTime<Utc>>,
}

/// A commission, its rule, and each movement of its money.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Commission)]
pub struct SaleCommission {
    pub commission: i64,
    #[schema(value_type = CommissionKind)]
    pub kind: String,
    /// The slug of the affiliate who gets it.
    #[schema(required)]
    pub affiliate: Option<String>,
    pub commission_type: String,
    pub commission_name: String,
    /// How it was calculated at first. Null: not recorded.
    #[schema(required)]
    pub rule: Option<Rule>,
    /// Percent; Null: a fixed or explicit amount.
    #[schema(required)]
    pub rate: Option<Decimal>,
    pub sub_amount: Decimal,
    /// Before refunds.
    pub gross: Decimal,
    /// After refunds.
    pub amount: Decimal,
    pub currency: Currency,
    /// Null: pending.
    #[schema(required)]
    pub approved: Option<bool>,
    /// When it is approved by itself.
    #[serde(rename = "final_at")]
    #[schema(required)]
    pub finalised_at: Option<DateTime<Utc>>,
    #[schema(required)]
    pub comment: Option<String>,
    /// The payment that covers it.
    #[schema(required)]
    pub payment: Option<SalePayment>,
    pub transfers: Vec<SaleTransfer>,
    /// Its share of the conversion's original amount; Null: it does not follow that.
    #[serde(skip)]
    pub(super) share: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Payment)]
pub struct SalePayment {
    pub payment: i64,
    /// Of the whole payment.
    pub amount: Decimal,
    pub created_at: DateTime<Utc>,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Transfer)]
pub struct SaleTransfer {
    pub transfer: i64,
    pub time: DateTime<Utc>,
    pub code: TransferCode,
    #[schema(value_type = Account)]
    pub from: String,
    #[schema(value_type = Account)]
    pub to: String,
    pub amount: Decimal,
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Refund)]
pub struct SaleRefund {
    /// The client's refund id.
    #[schema(required)]
    pub refund_id: Option<String>,
    /// Null: all that was left.
    #[schema(required)]
    pub amount: Option<Decimal>,
    pub created_at: DateTime<Utc>,
    pub event: Uuid,
}

/// An event that took effect on a sale.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Event)]
pub struct SaleEvent {
    pub event: Uuid,
    /// The time is in the id: it is known when the row is gone.
    #[schema(required)]
    pub received_at: Option<DateTime<Utc>>,
    /// Of the row, while it is kept.
    #[schema(required)]
    pub row: Option<EventRow>,
    /// What of the sale still stands by it: amount, status, meta_data, chargeback.
    pub set: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::EventRow)]
pub struct EventRow {
    #[serde(skip)]
    pub(super) event_id: Uuid,
    #[schema(value_type = EventKind)]
    pub kind: String,
    #[schema(value_type = Dialect)]
    pub dialect: String,
    /// What was left out or cut of what was sent.
    #[schema(value_type = Vec<String>)]
    pub warnings: Json<Vec<String>>,
    pub status: EventStatus,
    #[serde(rename = "signed")]
    pub authenticated: bool,
    #[schema(required)]
    pub applied_at: Option<DateTime<Utc>>,
    /// What fell due, where it came by itself: `hold_ends`, `recur`.
    #[schema(required)]
    pub due: Option<String>,
    /// It deletes the conversion.
    pub deletes: bool,
    /// It takes a chargeback back.
    pub reverses: bool,
}

/// An event that named the order and had no effect.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = explain::Attempt)]
pub struct Attempt {
    pub event: Uuid,
    #[schema(value_type = EventKind)]
    pub kind: String,
    #[schema(value_type = Dialect)]
    pub dialect: String,
    /// refused, parked or dead.
    pub status: EventStatus,
    #[schema(required)]
    pub reason: Option<String>,
    #[schema(required)]
    pub detail: Option<String>,
    #[serde(rename = "signed")]
    pub authenticated: bool,
    pub received_at: DateTime<Utc>,
    /// parked: dead after.
    #[schema(required)]
    pub due_at: Option<DateTime<Utc>>,
    /// The event that it repeats.
    #[schema(required)]
    pub first: Option<Uuid>,
    /// How an affiliate was looked for.
    #[schema(required)]
    pub trace: Option<Trace>,
    /// What was left out or cut of what was sent.
    pub warnings: Vec<String>,
}
