//! What REST 1.6 prints, in the shapes of the seed: keys, nulls, numbers and both of its date styles.
//!
//! Here and not with a caller, because the ingest prints what it has written and the api what it has read. Pure: views in,
//! serde out.

mod affiliate;
mod commission;
mod conversion;
mod customer;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Number;
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

pub use affiliate::{AffiliateProfile, CreatedAffiliate, InProgram, JoinedProgram};
pub use commission::{Commission, CommissionLine};
pub use conversion::Conversion;
pub use customer::Customer;

use crate::domain::{AffiliateView, ClickSummary, ProgramView};

/// A conversion, for descriptions.
pub const CONVERSION_EXAMPLE: &str = include_str!("examples/conversion.json");
/// A commission as a resource of its own, for descriptions.
pub const COMMISSION_EXAMPLE: &str = include_str!("examples/commission.json");
/// An affiliate as a resource of its own, for descriptions.
pub const AFFILIATE_EXAMPLE: &str = include_str!("examples/affiliate.json");
/// An affiliate in a program, for descriptions.
pub const AFFILIATE_IN_PROGRAM_EXAMPLE: &str = include_str!("examples/affiliate_in_program.json");
/// A customer, for descriptions.
pub const CUSTOMER_EXAMPLE: &str = include_str!("examples/customer.json");

/// A program, as everything shows it that belongs to one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = tapfiliate::Program)]
pub struct Program<'a> {
    id: &'a str,
    title: &'a str,
    /// ISO 4217
    currency: &'a str,
}

/// An affiliate, as everything shows it that belongs to one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = tapfiliate::Affiliate)]
pub struct Affiliate<'a> {
    id: &'a str,
    firstname: &'a str,
    lastname: &'a str,
}

/// A click, as conversions and customers show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = rest::CustomerClick)]
pub struct Click<'a> {
    created_at: String,
    #[schema(required)]
    referrer: Option<&'a str>,
    #[schema(required)]
    landing_page: Option<&'a str>,
}

impl<'a> From<&'a ProgramView> for Program<'a> {
    fn from(view: &'a ProgramView) -> Self {
        Self {
            id: &view.slug,
            title: &view.title,
            currency: view.currency.code(),
        }
    }
}

impl<'a> From<&'a AffiliateView> for Affiliate<'a> {
    fn from(view: &'a AffiliateView) -> Self {
        Self {
            id: &view.slug,
            firstname: &view.firstname,
            lastname: &view.lastname,
        }
    }
}

impl<'a> From<&'a ClickSummary> for Click<'a> {
    fn from(view: &'a ClickSummary) -> Self {
        Self {
            created_at: plain_time(view.created_at),
            referrer: view.referrer.as_deref(),
            landing_page: view.landing_page.as_deref(),
        }
    }
}

/// For a field that is always null: `#[schema(schema_with = null)]`.
pub fn null() -> Object {
    ObjectBuilder::new().schema_type(Type::Null).build()
}

/// The track on which a customer began, and how far it has come.
// For descriptions alone: `domain::customer_status` finds the words.
#[derive(Debug, ToSchema)]
#[schema(as = tapfiliate::CustomerStatus, rename_all = "snake_case")]
pub enum CustomerStatus {
    New,
    Active,
    Stopped,
    Trial,
    Paying,
    Canceled,
    Lead,
    Won,
    Lost,
    Capped,
}

/// Warnings are null or a list, never an empty one.
pub fn warnings(texts: &[String]) -> Option<&[String]> {
    (!texts.is_empty()).then_some(texts)
}

/// The amount as a JSON number, digit by digit, without trailing zeros. It never passes through a float.
#[expect(
    clippy::expect_used,
    reason = "digits with a point between them are a JSON number"
)]
pub fn number(amount: Decimal) -> Number {
    let digits = amount.normalize().to_string();
    digits.parse().expect("the text of a decimal is a JSON number")
}

/// `2021-03-03T12:39:19+0000`: conversions, commissions, and the time of a click in them.
pub fn plain_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

/// `2021-07-02T09:55:20+00:00`: customers and clicks, and all of Postback 1.7.
pub fn colon_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator as _;
    use utoipa::PartialSchema;

    use super::*;
    use crate::domain::CustomerLifecycle;

    #[test]
    fn amounts_are_exact_numbers() {
        for (amount, want) in [
            ("550.0000", "550"),
            ("10.0500", "10.05"),
            ("-3.5", "-3.5"),
            ("0.000", "0"),
            ("100", "100"),
            ("1000000000000.000001", "1000000000000.000001"),
        ] {
            let printed = serde_json::to_string(&number(amount.parse().unwrap())).unwrap();
            assert_eq!(printed, want);
        }
    }

    #[test]
    fn times_have_the_style_of_their_place() {
        let at = DateTime::from_timestamp_millis(1_614_775_159_250).unwrap();
        assert_eq!(plain_time(at), "2021-03-03T12:39:19+0000");
        assert_eq!(colon_time(at), "2021-03-03T12:39:19+00:00");
    }

    #[test]
    fn all_words_of_a_status_are_described() {
        let shown = serde_json::to_value(CustomerStatus::schema()).unwrap();
        let described: BTreeSet<&str> = shown["enum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        let mut found = BTreeSet::new();
        for lifecycle in CustomerLifecycle::iter() {
            for [canceled, capped, has_bought] in [
                [false, false, false],
                [false, false, true],
                [false, true, false],
                [true, false, false],
            ] {
                found.insert(lifecycle.status(canceled, capped, has_bought));
            }
        }
        assert_eq!(found, described);
    }

    #[test]
    fn no_warning_is_null() {
        assert_eq!(warnings(&[]), None);
        assert_eq!(warnings(&["w".to_owned()]), Some(["w".to_owned()].as_slice()));
    }
}
