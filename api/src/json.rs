//! How values of the domain look in JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde_json::Number;

/// The amount as a JSON number, digit by digit, without trailing zeros. It never passes through a float.
#[expect(
    clippy::expect_used,
    reason = "digits with a point between them are a JSON number"
)]
pub(crate) fn number(amount: Decimal) -> Number {
    let digits = amount.normalize().to_string();
    digits.parse().expect("the text of a decimal is a JSON number")
}

/// `2021-03-03T12:39:19+0000` (seed: REST 1.6, conversions and commissions).
pub(crate) fn rest_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

/// RFC 3339 to the millisecond: our own `/v1`.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn times_have_the_format_of_their_place() {
        let at = DateTime::from_timestamp_millis(1_614_775_159_250).unwrap();
        assert_eq!(rest_time(at), "2021-03-03T12:39:19+0000");
        assert_eq!(time(at), "2021-03-03T12:39:19.250Z");
    }
}
