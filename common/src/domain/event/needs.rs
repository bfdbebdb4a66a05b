//! What deciding an event needs of the database. Each body says it beside its fields; `apply` locks the keys, loads the
//! rows and draws the numbers by this alone, so that it knows no kind of event.

use super::{attribution_fields::AttributionFields, bonus_due::BonusDue, identity::Identity};
use crate::domain::{CommissionId, ConversionId, CustomerId, PaymentId};

/// The keys that an event must hold alone, the rows that it reads or changes, and what it may create. What is named here
/// may not exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs<'a> {
    /// The external id of the order that it is about.
    pub order: Option<&'a str>,
    /// It can have no effect before that order is there, and waits for it.
    pub waits_for_order: bool,
    /// The external id that a conversion is to get.
    pub new_order: Option<&'a str>,
    /// The conversion that it is about, by its number.
    pub conversion: Option<ConversionId>,
    /// The commission that it is about, which may be a bonus, by its number.
    pub commission: Option<CommissionId>,
    /// The payment that it is about, by its number.
    pub payment: Option<PaymentId>,
    /// Customers that it creates, reads or changes.
    pub customers: Vec<Identity>,
    /// The customer that it is about, by its number.
    pub customer: Option<CustomerId>,
    /// Clicks, in any of their names.
    pub clicks: Vec<&'a str>,
    /// The visitor's session (seed: AFFY).
    pub session: Option<&'a str>,
    /// By what the affiliate who earns may be found.
    pub attribution: Option<&'a AttributionFields>,
    /// The code of an affiliate's link, or an affiliate's own id.
    pub link: Option<&'a str>,
    /// Ids of the affiliates who are paid: payments to one of them are decided one after the other.
    pub payees: Vec<&'a str>,
    /// A bonus, which is given once.
    pub bonus: Option<&'a BonusDue>,
    /// What tells the organisation where no key was sent.
    pub org_clue: Option<OrgClue<'a>>,
    pub new_rows: NewRows,
}

/// Rows that an event creates at most. The commissions of a bonus depend on what was sold: they are not counted here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewRows {
    pub conversions: usize,
    /// Lines of a sale: each brings a commission for the seller and one for each level above.
    pub commission_lines: usize,
    pub customers: usize,
    pub clicks: usize,
    pub payments: usize,
}

/// By what an event without a key finds its organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrgClue<'a> {
    /// The code of a link, and the host of the page that was visited.
    Link { code: &'a str, host: Option<&'a str> },
    /// Clicks, the best first, and a session.
    Visit {
        clicks: &'a [String],
        session: Option<&'a str>,
    },
}
