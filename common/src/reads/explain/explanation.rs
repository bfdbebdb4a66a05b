//! What is known of an order, as plain data. It is what `--json` and the api print.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::{
    Currency, EventStatus, MetaData,
    ledger::TransferCode,
    trace::{Rule, Trace},
};

/// All that is known of an order. Money is text in JSON, with the decimals of its currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chapter {
    pub title: String,
    pub lines: Vec<String>,
}

/// A conversion and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sale {
    pub conversion: i64,
    /// The event that created it.
    pub event: Uuid,
    /// The program's slug.
    pub program: Option<String>,
    /// The slug of the affiliate who earns.
    pub affiliate: Option<String>,
    pub dialect: String,
    /// Whether a secret vouched for it.
    #[serde(rename = "signed")]
    pub authenticated: bool,
    /// The time of the sale.
    pub created_at: DateTime<Utc>,
    /// The attribution method that found the affiliate.
    pub attributed_by: String,
    /// How it was decided. `None`: it is older than the version that records it.
    pub trace: Option<Trace>,
    pub click: Option<SaleClick>,
    pub customer: Option<SaleCustomer>,
    /// How often it counts towards the cap of its customer: itself, and its recurring commissions.
    #[serde(rename = "counted")]
    pub counts_towards_cap: i32,
    pub warnings: Vec<String>,
    /// What was sent for reports (user agent, ip, notes, products), without e-mail addresses.
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
    pub deleted_at: Option<DateTime<Utc>>,
    /// The authenticated conversion that took its place.
    pub superseded_by: Option<i64>,
    pub commissions: Vec<SaleCommission>,
    pub refunds: Vec<SaleRefund>,
    /// Events that changed it or its commissions, the oldest first.
    pub events: Vec<SaleEvent>,
}

/// The click by which a sale came, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SaleClick {
    pub click: i64,
    pub referral_code: String,
    pub created_at: DateTime<Utc>,
    /// The latest moment, from which its age counts.
    pub clicked_at: DateTime<Utc>,
}

/// The customer of a sale, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SaleCustomer {
    pub customer: i64,
    /// The merchant's id.
    pub customer_id: Option<String>,
    pub status: String,
    /// The slug of the affiliate who brought the customer first.
    pub affiliate: Option<String>,
    /// Conversions and recurring commissions that count towards the cap.
    pub counted: i64,
    pub first_sale_at: Option<DateTime<Utc>>,
}

/// A commission, its rule, and each movement of its money.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SaleCommission {
    pub commission: i64,
    /// `regular`, `level` or `recurring`.
    pub kind: String,
    /// The slug of the affiliate who gets it.
    pub affiliate: Option<String>,
    pub commission_type: String,
    pub commission_name: String,
    /// How it was calculated at first. `None`: not recorded.
    pub rule: Option<Rule>,
    /// Percent; `None`: a fixed or explicit amount.
    pub rate: Option<Decimal>,
    pub sub_amount: Decimal,
    /// Before refunds.
    pub gross: Decimal,
    /// After refunds.
    pub amount: Decimal,
    pub currency: Currency,
    /// `None`: pending.
    pub approved: Option<bool>,
    /// When it is approved by itself.
    #[serde(rename = "final_at")]
    pub finalised_at: Option<DateTime<Utc>>,
    pub comment: Option<String>,
    /// The payment that covers it.
    pub payment: Option<SalePayment>,
    pub transfers: Vec<SaleTransfer>,
    /// Its share of the conversion's original amount; `None`: it does not follow that.
    #[serde(skip)]
    pub(super) share: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SalePayment {
    pub payment: i64,
    /// Of the whole payment.
    pub amount: Decimal,
    pub created_at: DateTime<Utc>,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SaleTransfer {
    pub transfer: i64,
    pub time: DateTime<Utc>,
    pub code: TransferCode,
    pub from: String,
    pub to: String,
    pub amount: Decimal,
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SaleRefund {
    /// The client's refund id.
    pub refund_id: Option<String>,
    /// `None`: all that was left.
    pub amount: Option<Decimal>,
    pub created_at: DateTime<Utc>,
    pub event: Uuid,
}

/// An event that took effect on a sale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SaleEvent {
    pub event: Uuid,
    /// The time is in the id: it is known when the row is gone.
    pub received_at: Option<DateTime<Utc>>,
    /// Of the row, while it is kept.
    pub row: Option<EventRow>,
    /// What of the sale still stands by it: amount, status, meta_data, chargeback.
    pub set: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventRow {
    #[serde(skip)]
    pub(super) event_id: Uuid,
    pub kind: String,
    pub dialect: String,
    pub status: EventStatus,
    #[serde(rename = "signed")]
    pub authenticated: bool,
    pub applied_at: Option<DateTime<Utc>>,
    /// What fell due, where it came by itself: `hold_ends`, `recur`.
    pub due: Option<String>,
    /// It deletes the conversion.
    pub deletes: bool,
    /// It takes a chargeback back.
    pub reverses: bool,
}

/// An event that named the order and had no effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    pub event: Uuid,
    pub kind: String,
    pub dialect: String,
    /// refused, parked or dead.
    pub status: EventStatus,
    pub reason: Option<String>,
    pub detail: Option<String>,
    #[serde(rename = "signed")]
    pub authenticated: bool,
    pub received_at: DateTime<Utc>,
    /// parked: dead after.
    pub due_at: Option<DateTime<Utc>>,
    /// The event that it repeats.
    pub first: Option<Uuid>,
    /// How an affiliate was looked for.
    pub trace: Option<Trace>,
}
