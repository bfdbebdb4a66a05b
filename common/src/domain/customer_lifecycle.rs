//! How a customer begins, and the words for where it stands (WIRE: customers and statuses).

use serde::{Deserialize, Serialize};
use strum::{EnumIter, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use super::names::named;

/// The three ways of a customer's life. It is chosen at the start and never changes.
// seed: Postback 1.7, status
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CustomerLifecycle {
    /// new, active, stopped
    #[default]
    New,
    /// trial, paying, canceled
    Trial,
    /// lead, won, lost
    Lead,
}

named! { CustomerLifecycle }

impl CustomerLifecycle {
    /// The customer's status: canceled before capped, capped before bought.
    pub fn status(self, canceled: bool, capped: bool, has_bought: bool) -> &'static str {
        match (self, canceled, capped, has_bought) {
            (Self::New, true, _, _) => "stopped",
            (Self::Trial, true, _, _) => "canceled",
            (Self::Lead, true, _, _) => "lost",
            (_, false, true, _) => "capped",
            (Self::New, false, false, true) => "active",
            (Self::Trial, false, false, true) => "paying",
            (Self::Lead, false, false, true) => "won",
            (Self::New, false, false, false) => "new",
            (Self::Trial, false, false, false) => "trial",
            (Self::Lead, false, false, false) => "lead",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lifecycle_has_its_words() {
        for (lifecycle, words) in [
            (CustomerLifecycle::New, ["new", "active", "capped", "stopped"]),
            (
                CustomerLifecycle::Trial,
                ["trial", "paying", "capped", "canceled"],
            ),
            (CustomerLifecycle::Lead, ["lead", "won", "capped", "lost"]),
        ] {
            let steps = [
                (false, false, false),
                (false, false, true),
                (false, true, true),
                (true, true, true),
            ];
            let said =
                steps.map(|(canceled, capped, has_bought)| lifecycle.status(canceled, capped, has_bought));
            assert_eq!(said, words);
        }
    }
}
