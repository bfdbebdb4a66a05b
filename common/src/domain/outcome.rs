//! What became of an event: what the row stores, what a dialect prints to its caller.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AffiliateId, CommissionId, ConversionId, Currency, CustomerId, EventId, MetaData};

/// The result of deciding one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
}

impl Applied {
    pub fn conversion(&self) -> &ConversionView {
        let Self::Conversion(view) = self;
        view
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
}

impl Refusal {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            first: None,
        }
    }
}

/// The earlier event that a refused one repeats, and its outcome: a caller who lost the first answer learns it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct First {
    pub event_id: EventId,
    pub outcome: Option<Outcome>,
}

/// Reason codes: closed, stable, documented in docs/OPERATIONS.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing that was sent leads to an affiliate.
    UnknownPartner,
    /// The affiliate that was found may not earn in this program.
    PartnerNotApproved,
    /// The order id has been recorded before.
    DuplicateOrder,
    /// The `Idempotency-Key` was used for the same request: the caller gets the first outcome.
    IdempotentRepeat,
    /// The `Idempotency-Key` was used for another request.
    IdempotencyConflict,
    /// No conversion has this external id.
    UnknownOrder,
    UnknownCommissionType,
    /// A commission would be too large to record.
    AmountOutOfRange,
    /// Too many events already wait for this order.
    ParkingFull,
}

impl Reason {
    pub const ALL: [Self; 9] = [
        Self::UnknownPartner,
        Self::PartnerNotApproved,
        Self::DuplicateOrder,
        Self::IdempotentRepeat,
        Self::IdempotencyConflict,
        Self::UnknownOrder,
        Self::UnknownCommissionType,
        Self::AmountOutOfRange,
        Self::ParkingFull,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownPartner => "unknown_partner",
            Self::PartnerNotApproved => "partner_not_approved",
            Self::DuplicateOrder => "duplicate_order",
            Self::IdempotentRepeat => "idempotent_repeat",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::UnknownOrder => "unknown_order",
            Self::UnknownCommissionType => "unknown_commission_type",
            Self::AmountOutOfRange => "amount_out_of_range",
            Self::ParkingFull => "parking_full",
        }
    }
}

impl Outcome {
    /// The status of the event's row.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Refused(_) => "refused",
            Self::Parked => "parked",
            Self::Queued => "queued",
            Self::Dead(_) => "dead",
            Self::Discarded => "discarded",
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
}
