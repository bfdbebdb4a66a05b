//! The rows that events change, as deciding sees them.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    AffiliateId, CommissionId, ConversionId, Currency, CustomerId, Dialect, EventId, Identity, MetaData,
    OrgId, ProgramId, ledger::Position,
};

/// Whether a row must be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change {
    #[default]
    None,
    Insert,
    Update,
}

impl Change {
    /// A row that has not been written yet stays an insert.
    pub fn touch(&mut self) {
        if *self == Self::None {
            *self = Self::Update;
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    pub change: Change,
    pub org: OrgId,
    pub id: CustomerId,
    pub identity: Identity,
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub program: ProgramId,
    /// The first affiliate, who keeps the customer where the program is recurring.
    pub affiliate: AffiliateId,
    pub status: String,
    pub meta_data: MetaData,
    pub trusted: bool,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Conversion {
    pub change: Change,
    pub org: OrgId,
    pub id: ConversionId,
    pub external_id: Option<String>,
    pub program: ProgramId,
    pub affiliate: AffiliateId,
    pub customer: Option<CustomerId>,
    /// The event that created it.
    pub event: EventId,
    pub dialect: Dialect,
    pub trusted: bool,
    /// The rank that found the affiliate.
    pub attributed_by: String,
    pub amount: Decimal,
    pub currency: Currency,
    /// The sum of partial refunds as sent. What exceeds the amount has no effect: see [`Conversion::given_back`].
    pub refunded: Decimal,
    /// A refund of "all that is left" has come.
    pub fully_refunded: bool,
    pub meta_data: MetaData,
    pub details: MetaData,
    pub created_at: DateTime<Utc>,
    /// The latest events that set the fields; a later event id is a later time.
    pub amount_by: Option<EventId>,
    pub status_by: Option<EventId>,
    pub meta_by: Option<EventId>,
    pub commissions: Vec<Commission>,
    /// Keys of refunds that have been taken into account.
    pub refunds: Vec<String>,
}

impl Conversion {
    /// How much of the amount was given back, never above it.
    pub fn given_back(&self) -> Decimal {
        if self.fully_refunded {
            self.amount
        } else {
            self.refunded.min(self.amount)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionKind {
    Regular,
    Level,
}

impl CommissionKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Level => "level",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Regular, Self::Level]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Commission {
    pub change: Change,
    pub id: CommissionId,
    pub affiliate: AffiliateId,
    pub kind: CommissionKind,
    pub commission_type: String,
    pub commission_name: String,
    /// Percent of `sub_amount`; `None`: a fixed or explicit amount, which does not follow the order's amount.
    pub rate: Option<Decimal>,
    pub sub_amount: Decimal,
    /// Before refunds.
    pub gross: Decimal,
    /// After refunds.
    pub amount: Decimal,
    pub currency: Currency,
    /// `None`: pending.
    pub approved: Option<bool>,
    /// What the ledger holds for it.
    pub position: Position,
    pub comment: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A refund that has been taken into account.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundEntry {
    pub org: OrgId,
    pub conversion: ConversionId,
    pub key: String,
    pub event: EventId,
    pub amount: Option<Decimal>,
    pub created_at: DateTime<Utc>,
}
