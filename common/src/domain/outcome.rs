//! What became of an event: what the row stores, what a dialect prints to its caller.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use super::{
    AffiliateId, ClickId, CommissionId, ConversionId, Currency, CustomerId, EventId, MetaData, PaymentId,
    names::named, trace::Trace,
};

/// The result of deciding one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case")]
#[strum_discriminants(
    name(EventStatus),
    doc = "The status of an event's row: its [`Outcome`] without what belongs to it.",
    derive(
        Hash,
        Serialize,
        Deserialize,
        EnumIter,
        EnumString,
        IntoStaticStr,
        VariantNames,
        ToSchema
    ),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Outcome {
    /// It took effect. Final.
    Applied(Applied),
    /// Understood and refused. Visible, and replayable once the cause is mended.
    Refused(Refusal),
    /// Waits for the event that it depends on.
    Parked,
    /// Waits in the database for its turn: a replay, or a paused organisation.
    Queued,
    /// Could not be applied; the code says why. Operators replay or discard it.
    Dead(String),
    /// An operator gave it up.
    Discarded,
}

/// The effect of an applied event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// The conversion as it was when the event had taken effect.
    Conversion(Box<ConversionView>),
    Refund(Box<RefundView>),
    Recalculated(Box<RecalculatedView>),
    /// Commissions that were added to a conversion.
    Commissions(Vec<CommissionView>),
    Commission(Box<CommissionView>),
    Click(Box<ClickView>),
    Customer(Box<CustomerRecord>),
    Lead(Box<LeadView>),
    Payments(Vec<PaymentView>),
    /// A test event, with a number that callers are shown.
    Test {
        number: i64,
    },
    /// Nothing was left to do.
    Nothing,
}

impl Applied {
    /// The conversion that was created or changed.
    pub fn conversion(&self) -> Option<&ConversionView> {
        match self {
            Self::Conversion(view) => Some(view),
            Self::Refund(view) => Some(&view.conversion),
            Self::Recalculated(view) => Some(&view.conversion),
            _ => None,
        }
    }

    /// What its caller is told of the event itself, beside what the row that it changed says.
    pub fn warnings(&self) -> &[String] {
        match self {
            Self::Refund(view) => &view.warnings,
            _ => &[],
        }
    }
}

/// Why an event was refused, for programs and for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub reason: Reason,
    /// A sentence that names the field and the value.
    pub detail: String,
    /// The event that came first, when this one repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Box<First>>,
    /// How it was decided, where a partner was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<Trace>>,
}

impl Refusal {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            first: None,
            trace: None,
        }
    }
}

/// The earlier event that a refused one repeats, and its outcome: a caller who lost the first answer learns it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct First {
    pub event_id: EventId,
    pub outcome: Option<Outcome>,
    /// The coupon by which the first sale came, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
}

impl First {
    /// Of an event whose coupon, if it had one, nobody is told.
    pub fn new(event_id: EventId, outcome: Option<Outcome>) -> Self {
        Self {
            event_id,
            outcome,
            coupon: None,
        }
    }
}

/// Reason codes: closed, stable, documented in docs/OPERATIONS.md.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// Nothing that was sent leads to an affiliate. The word on the wire and in rows is older than its name here.
    #[serde(rename = "unknown_partner")]
    #[strum(serialize = "unknown_partner")]
    NotAttributed,
    /// The affiliate that was found may not earn in this program. The word is older than its name here, too.
    #[serde(rename = "partner_not_approved")]
    #[strum(serialize = "partner_not_approved")]
    AffiliateNotApproved,
    /// The program that was found is retired and takes nothing new.
    ProgramRetired,
    /// The order id has been recorded before.
    DuplicateOrder,
    /// The same request again, under one `Idempotency-Key` or as a key or an import wants it: the caller gets the first outcome.
    IdempotentRepeat,
    /// The `Idempotency-Key` was used for another request.
    IdempotencyConflict,
    /// No conversion has this external id.
    UnknownOrder,
    UnknownCommissionType,
    /// A commission would be too large to record, or the currency makes an amount ambiguous: `1.234` yen.
    AmountOutOfRange,
    /// Too many events already wait for this order.
    ParkingFull,
    /// No customer is known by what was sent.
    UnknownCustomer,
    /// The customer id has been recorded before.
    DuplicateCustomer,
    /// The customer belongs to a program that the key does not see.
    CustomerElsewhere,
    /// The customer has bought already and is no lead any more.
    CustomerConverted,
    /// The click is older than the program lets clicks count, or came over an hour after the sale.
    WindowExpired,
    /// No click is known by what was sent.
    UnknownClick,
    /// The client's own click id has the form of ours. Earlier versions also refused what another organisation had.
    ClickTaken,
    /// Several organisations have the click or the session, and the caller did not say which it means.
    AmbiguousClick,
    /// No commission has this number.
    UnknownCommission,
    /// No affiliate has this id.
    UnknownAffiliate,
    /// No payment has this number, or it is cancelled already.
    UnknownPayment,
    /// The customer or the sale of a recurring commission has ended.
    RecurrenceEnded,
    /// For now nothing comes again; it is looked at when it is due next.
    RecurrenceSkipped,
    /// The target of a bonus was not reached after all, or the bonus was given already.
    TargetMissed,
    /// More things at once than one event may carry.
    TooMany,
}

impl Reason {
    /// As it is stored and printed.
    pub fn code(self) -> &'static str {
        self.into()
    }
}

named! { EventStatus }

impl Outcome {
    /// The status of the event's row.
    pub fn status(&self) -> EventStatus {
        self.into()
    }

    /// As of [`Applied::warnings`], of the first event where this one repeats it.
    pub fn warnings(&self) -> &[String] {
        match self {
            Self::Applied(applied) => applied.warnings(),
            Self::Refused(refusal) if refusal.reason == Reason::IdempotentRepeat => {
                let first = refusal.first.as_ref().and_then(|first| first.outcome.as_ref());
                first.map_or(&[], Self::warnings)
            }
            Self::Refused(_) | Self::Parked | Self::Queued | Self::Dead(_) | Self::Discarded => &[],
        }
    }

    /// The reason code, where there is one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.reason.code()),
            Self::Dead(code) => Some(code),
            Self::Applied(_) | Self::Parked | Self::Queued | Self::Discarded => None,
        }
    }
}

/// A conversion with all names that any dialect prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversionView {
    pub id: ConversionId,
    pub external_id: Option<String>,
    pub amount: Decimal,
    pub currency: Currency,
    pub created_at: DateTime<Utc>,
    pub program: ProgramView,
    pub affiliate: AffiliateView,
    pub customer: Option<CustomerView>,
    pub meta_data: MetaData,
    pub commissions: Vec<CommissionView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click: Option<ClickSummary>,
    /// What the affiliate attached to the click.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliate_meta_data: Option<MetaData>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A click, as conversions and customers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickSummary {
    pub created_at: DateTime<Utc>,
    pub referrer: Option<String>,
    pub landing_page: Option<String>,
}

/// A recorded click with all its names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClickView {
    pub id: ClickId,
    /// The client's own id (seed: AFFY).
    pub name: Option<String>,
    pub session: Option<String>,
    pub created_at: DateTime<Utc>,
    pub referral_code: String,
    pub program: ProgramView,
    /// Days for which it counts.
    pub cookie_time: i32,
    pub affiliate: AffiliateView,
}

/// What a refund did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefundView {
    pub conversion: ConversionView,
    /// What it took from the commissions, in the currency's minor unit.
    pub deducted: Decimal,
    /// Nothing is left of the sale.
    pub is_full: bool,
    /// It had been taken into account before, or nothing was left.
    pub is_repeat: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What a recalculation did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecalculatedView {
    pub conversion: ConversionView,
    pub changes: Vec<ChangedCommission>,
    pub left: LeftAlone,
}

/// A commission that a recalculation has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedCommission {
    pub commission: CommissionId,
    /// What was left of it after refunds, in the currency's minor unit, before and after. Equal where nothing is left of the sale.
    pub from: Decimal,
    pub to: Decimal,
}

/// Commissions that a recalculation does not touch, though the rules of their time may give something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = native::LeftAlone)]
pub struct LeftAlone {
    /// The request said the amount.
    pub explicit: usize,
    /// Somebody has set the amount by hand.
    pub by_hand: usize,
    /// The rules of its time know its type or level no more.
    pub no_rule: usize,
    /// The rules of its time pay in another currency: an amount instead of a percentage, or the reverse.
    pub other_currency: usize,
    /// Of an earlier version, which did not record how it was calculated.
    pub unknown: usize,
    /// Commissions of parents that the rules of its time give and the conversion has not: none is added.
    pub missing_levels: usize,
}

impl LeftAlone {
    /// Counts those of another conversion, too.
    pub fn add(&mut self, other: Self) {
        self.explicit += other.explicit;
        self.by_hand += other.by_hand;
        self.no_rule += other.no_rule;
        self.other_currency += other.other_currency;
        self.unknown += other.unknown;
        self.missing_levels += other.missing_levels;
    }
}

/// A customer as a resource of its own (seed: Postback 1.7 and REST 1.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerRecord {
    pub id: CustomerId,
    /// The merchant's id.
    pub customer_id: Option<String>,
    pub status: String,
    pub created_at: DateTime<Utc>,
    pub click: Option<ClickSummary>,
    pub program: ProgramView,
    pub affiliate: AffiliateView,
    pub affiliate_meta_data: Option<MetaData>,
    pub meta_data: MetaData,
    pub warnings: Vec<String>,
}

/// What a lead did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadView {
    pub customer: CustomerRecord,
    /// The click that it was bound to.
    pub click: Option<ClickView>,
    /// It binds nobody: the program wants leads with a key.
    pub is_provisional: bool,
}

/// A payment (seed: REST 1.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentView {
    pub id: PaymentId,
    pub created_at: DateTime<Utc>,
    pub affiliate: AffiliateView,
    pub amount: Decimal,
    pub currency: Currency,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramView {
    pub slug: String,
    pub title: String,
    pub currency: Currency,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffiliateView {
    pub id: AffiliateId,
    pub slug: String,
    pub firstname: String,
    pub lastname: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    pub id: CustomerId,
    pub external_id: Option<String>,
    pub status: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommissionView {
    pub id: CommissionId,
    pub kind: String,
    pub affiliate: AffiliateView,
    pub commission_type: String,
    pub commission_name: String,
    pub sub_amount: Decimal,
    /// After refunds, in the currency's minor unit.
    pub amount: Decimal,
    pub currency: Currency,
    pub approved: Option<bool>,
    pub comment: Option<String>,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionId>,
    /// The payment that covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    /// When it is approved by itself.
    #[serde(default, rename = "final_at", skip_serializing_if = "Option::is_none")]
    pub finalised_at: Option<DateTime<Utc>>,
}
