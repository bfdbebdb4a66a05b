//! How a decision came about, step by step, in the words of the domain: kept with the conversion or the refusal, so that
//! people can be told later why an order paid what it paid, even after codes and rules have changed.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CommissionId, Currency, EventId};

/// The steps of one decision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = explain::Trace)]
pub struct Trace {
    /// What was sent, in the order of the dialect's methods, up to the one that was chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// The affiliate who keeps the customer, where that is another than the one found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_by: Option<String>,
    /// The sale was authenticated, but what bound its customer to the affiliate was not: commissions wait for a person.
    #[serde(rename = "unsigned_binding", skip_serializing_if = "std::ops::Not::not")]
    pub unauthenticated_binding: bool,
    /// How each commission was calculated, in the order of the commissions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Commissions whose amount somebody has set by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<i64>)]
    pub set_by_hand: Vec<CommissionId>,
    /// Where the customer stood with the program's limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// Changes that came after a later one of the same field and changed nothing, [`MAX_OUTDATED`] at most: the last to come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outdated: Vec<Outdated>,
}

/// Changes without effect that a trace keeps.
pub const MAX_OUTDATED: usize = 20;

impl Trace {
    /// Notes a change that came too late.
    pub fn add_outdated(&mut self, outdated: Outdated) {
        self.outdated.push(outdated);
        let beyond = self.outdated.len().saturating_sub(MAX_OUTDATED);
        self.outdated.drain(..beyond);
    }
}

/// A change that came after a later one of the same field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = explain::Outdated)]
pub struct Outdated {
    /// amount, status, meta_data, chargeback
    pub field: String,
    pub event: EventId,
    /// Its time.
    pub at: DateTime<Utc>,
    /// The event that counts, as far as was known then.
    pub by: EventId,
    pub by_at: DateTime<Utc>,
}

/// Something that could have led to an affiliate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = explain::Candidate)]
pub struct Candidate {
    /// `coupon`, `click_id`, …
    #[serde(rename = "rank")]
    pub method: String,
    /// The value that was sent, or the customer's id.
    pub sent: String,
    pub verdict: Verdict,
    /// The affiliate's id, where it led to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliate: Option<String>,
    /// Whole days from the click to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click_age_days: Option<i64>,
    /// Days for which a click counts in the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = explain::Verdict)]
pub enum Verdict {
    Chosen,
    /// Leads to nobody.
    Unknown,
    /// Leads to an affiliate who is not approved.
    NotApproved,
    /// Leads to a program that is retired.
    ProgramRetired,
    /// Leads to a program that the key does not see.
    OtherProgram,
    /// The click is older than the program's window.
    Expired,
    /// The visitor came for the first time over an hour after the sale.
    AfterSale,
}

/// How one commission was calculated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = explain::Rule)]
pub struct Rule {
    pub source: RuleSource,
    /// The commission type, or `level-2`.
    pub commission_type: String,
    /// The version of the rule: since when it holds; Null: from the beginning of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Percent; Null: a fixed or explicit amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
    /// Before rounding.
    pub exact: Decimal,
    /// Of a fixed amount: the program's. Null: the sale's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = explain::RuleSource)]
pub enum RuleSource {
    /// The request said how much.
    Explicit,
    /// The affiliate's own rate.
    OwnRate,
    /// The override of the affiliate's group.
    Group,
    /// The commission type.
    Type,
    /// A level above the seller.
    Level,
}

/// The limits of a program, for one customer at one conversion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = explain::Cap)]
pub struct Cap {
    /// Conversions that counted before this one.
    #[serde(rename = "counted")]
    pub counted_before: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    /// Whole days since the customer's first sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_days: Option<i32>,
    /// No commission for this one.
    pub reached: bool,
}
