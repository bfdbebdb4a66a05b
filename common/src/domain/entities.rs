//! The rows that events change, as deciding sees them.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use strum::{EnumIter, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use super::{
    AffiliateId, ClickId, CommissionId, ConversionId, Currency, CustomerId, CustomerLifecycle, Dialect,
    EventId, Identity, MAX_AMOUNT, MetaData, OrgId, PaymentId, ProgramId, catalog::Bonus,
    ledger::CommissionBalance, names::named, trace::Trace, writer::Writer,
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
    /// In the program that it came to first: callers see the customer there.
    pub own: Standing,
    /// In other programs, by their numbers.
    pub elsewhere: Vec<Elsewhere>,
    /// As [`Customer::derived_status`] says.
    pub status: String,
    pub lifecycle: CustomerLifecycle,
    pub canceled: bool,
    /// Who said so last, or the opposite; of the meta data who replaced them or changed one of them. Earlier versions did not note it.
    pub canceled_by: Option<Writer>,
    pub meta_by: Option<Writer>,
    pub meta_data: MetaData,
    /// User agent, ip: kept for reports.
    pub details: MetaData,
    /// The event that recorded it; rows of earlier versions do not say.
    pub event: Option<EventId>,
    pub created_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Customer {
    /// The status that follows from the other fields: as it stands with its own program.
    pub fn derived_status(&self) -> &'static str {
        let has_bought = self.own.first_sale_at.is_some();
        self.lifecycle.status(self.canceled, self.own.capped, has_bought)
    }

    /// Whether an authenticated event has bound it. Then it is bound by one in its own program.
    pub fn is_authenticated(&self) -> bool {
        self.own.authenticated
    }
}

/// Where a customer stands with a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub program: ProgramId,
    /// The first affiliate, who keeps the customer there where the program is recurring.
    pub affiliate: AffiliateId,
    /// The click that the customer came by.
    pub click: Option<ClickId>,
    /// Whether an authenticated event bound it to its affiliate.
    pub authenticated: bool,
    /// Conversions and recurring commissions that have counted towards the program's cap.
    pub counted_towards_cap: i64,
    /// The time of the earliest sale in the program; `None`: there was none.
    pub first_sale_at: Option<DateTime<Utc>>,
    /// A limit of the program was reached: further conversions bring nothing there.
    pub capped: bool,
}

/// Where a customer stands with a program beside its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Elsewhere {
    pub change: Change,
    pub standing: Standing,
    /// The event that noted it first.
    pub event: EventId,
    pub created_at: DateTime<Utc>,
}

/// A visit by an affiliate's link.
#[derive(Clone, Debug, PartialEq)]
pub struct Click {
    pub change: Change,
    pub org: OrgId,
    pub id: ClickId,
    /// The client's own id (seed: AFFY).
    pub name: Option<String>,
    pub program: ProgramId,
    pub affiliate: AffiliateId,
    /// The code by which it came.
    pub referral_code: String,
    /// The customer that a lead or a sale has bound to it.
    pub customer: Option<CustomerId>,
    /// Whether an authenticated event bound it.
    pub customer_authenticated: bool,
    pub event: EventId,
    pub dialect: Dialect,
    pub authenticated: bool,
    pub referrer: Option<String>,
    pub landing_page: Option<String>,
    pub meta_data: MetaData,
    pub details: MetaData,
    /// The first moment, which is part of its names.
    pub created_at: DateTime<Utc>,
    /// The latest moment, from which its age counts.
    pub clicked_at: DateTime<Utc>,
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
    pub authenticated: bool,
    /// The name of the method that found the affiliate.
    pub attributed_by: String,
    pub click: Option<ClickId>,
    /// As the create sent it: updates are applied to shares of this, so that their order leaves no rounding behind.
    pub original_amount: Decimal,
    pub amount: Decimal,
    pub currency: Currency,
    /// The sum of partial refunds as sent. What exceeds the amount has no effect: see [`Conversion::given_back`].
    pub refunded: Decimal,
    /// A refund of "all that is left" has come.
    pub fully_refunded: bool,
    pub meta_data: MetaData,
    pub details: MetaData,
    pub created_at: DateTime<Utc>,
    /// The latest that set the fields.
    pub amount_by: Option<Writer>,
    /// What the latest status said: approved or not. Earlier versions did not note it.
    pub status: Option<bool>,
    pub status_by: Option<Writer>,
    pub meta_by: Option<Writer>,
    /// The bank has taken the money back.
    pub charged_back: bool,
    /// The latest that said so, or the opposite.
    pub chargeback_by: Option<Writer>,
    /// How often it counts towards its customer's cap: the sale itself, and its recurring commissions.
    pub counts_towards_cap: i32,
    pub warnings: Vec<String>,
    /// How it was decided, for people.
    pub trace: Trace,
    pub deleted_at: Option<DateTime<Utc>>,
    /// The authenticated conversion that took the place of this unauthenticated one.
    pub superseded_by: Option<ConversionId>,
    pub commissions: Vec<Commission>,
    /// Those that have been taken into account.
    pub refunds: Vec<RefundEntry>,
}

impl Conversion {
    /// Whether the sale is authenticated, and what bound its customer to the affiliate is, too: only then are its
    /// commissions approved without a person.
    pub fn is_fully_authenticated(&self) -> bool {
        self.authenticated && !self.trace.unauthenticated_binding
    }

    /// Takes another refund into account.
    pub fn add_refund(&mut self, entry: RefundEntry) {
        match entry.amount {
            None => self.fully_refunded = true,
            Some(amount) => {
                // The sum saturates: beyond the sale's amount refunds have no effect anyway.
                let sum = self.refunded.checked_add(amount).unwrap_or(MAX_AMOUNT);
                self.refunded = sum.min(MAX_AMOUNT);
            }
        }
        self.refunds.push(entry);
    }

    /// How much of the amount was given back, never above it.
    pub fn given_back(&self) -> Decimal {
        if self.fully_refunded {
            self.amount
        } else {
            self.refunded.min(self.amount)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr, VariantNames, ToSchema)]
#[strum(serialize_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum CommissionKind {
    Regular,
    /// Of a parent of the seller.
    Level,
    /// For reaching a target: belongs to no conversion.
    Bonus,
    /// Came by itself: a refund of the first sale does not touch it.
    Recurring,
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
    /// Its share of the conversion's original amount; `None`: it does not follow the amount. A fixed one follows in
    /// `sub_amount` alone.
    pub share: Option<Decimal>,
    /// The conversion's amount of which `sub_amount` is the share; `None`: `sub_amount` is exact.
    pub followed: Option<Decimal>,
    /// A fixed, explicit or edited amount as it was said; `None`: `rate` percent of the sub amount.
    pub exact: Option<Decimal>,
    /// Before refunds, rounded.
    pub gross: Decimal,
    /// After refunds: from the exact gross, rounded once.
    pub amount: Decimal,
    /// What was left of the sale when `amount` was calculated; `None`: by an earlier version, from the rounded gross.
    pub settled_on: Option<Decimal>,
    pub currency: Currency,
    /// `None`: pending.
    pub approved: Option<bool>,
    /// The last event that said so of this commission alone. It tells no time of its own.
    pub approved_by: Option<EventId>,
    /// When it is approved by itself, where the program holds commissions.
    pub finalised_at: Option<DateTime<Utc>>,
    /// Where the ledger holds its money.
    pub balance: CommissionBalance,
    /// The payment that covers it.
    pub payment: Option<PaymentId>,
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
    /// In the conversion's currency; `None`: all that was left.
    pub amount: Option<Decimal>,
    /// As sent, where the client counts in the currency's smallest unit.
    pub minor_units: Option<i64>,
    pub created_at: DateTime<Utc>,
}

impl RefundEntry {
    /// Versions before this one made ids of amounts and of lines of imports.
    const MADE_IDS: [&str; 3] = ["event:", "id:affitor:", "id:import:"];

    /// Whether its sender gave it an id.
    pub fn has_own_id(&self) -> bool {
        !Self::MADE_IDS.iter().any(|made| self.key.starts_with(made))
    }

    /// Whether this is `known` again: by its id, or without one by its amount.
    pub fn repeats(&self, known: &Self) -> bool {
        self.key == known.key || (!self.has_own_id() && !known.has_own_id() && self.amount == known.amount)
    }
}

/// Money that was paid to an affiliate.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    pub change: Change,
    pub org: OrgId,
    pub id: PaymentId,
    pub affiliate: AffiliateId,
    pub amount: Decimal,
    pub currency: Currency,
    pub event: EventId,
    pub created_at: DateTime<Utc>,
    pub canceled_at: Option<DateTime<Utc>>,
}

/// Something that falls due by itself; `what`, `subject` and `period` are its business key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub org: OrgId,
    pub what: ScheduleKind,
    /// Number of the conversion (hold) or of the commission that started it (recurrence).
    pub subject: i64,
    /// 0 for a hold; for a recurrence 1 is the first repetition.
    pub period: i32,
    pub conversion: ConversionId,
    pub due_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum ScheduleKind {
    Hold,
    Recurrence,
}

named! { CommissionKind, ScheduleKind }

/// What an affiliate sold in a program in one month, as a bonus is decided by it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonthlySales {
    pub month: NaiveDate,
    /// Living conversions.
    pub conversions: i64,
    /// Their amounts less refunds, by currency.
    pub amounts: Vec<(Currency, Decimal)>,
    /// The bonus has been given for this month.
    pub awarded: bool,
    /// What was given, and by what. Earlier versions did not keep it.
    pub given: Option<GivenBonus>,
}

/// A bonus as it was when it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenBonus {
    pub bonus: Bonus,
    pub commissions: Vec<CommissionId>,
}
