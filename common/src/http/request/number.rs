//! Numbers without floats: from the text that was sent to an exact decimal, and back to JSON.

use crate::domain::{MAX_AMOUNT, money::order_amount};
use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// Characters of a number, at most.
pub const MAX_NUMBER_TEXT: usize = 64;
/// The exponent's absolute value, at most: beyond it a decimal has no digits.
pub const MAX_EXPONENT: i64 = 28;

/// Digits that every decimal of so many has room for.
const MAX_DIGITS: usize = 28;

/// An exact decimal from a JSON number or its look-alike in a form: no NaN, no infinity, no separators.
///
/// # Errors
/// What is wrong with the text, to be put behind the name of the field.
pub(super) fn decimal(text: &str) -> Result<Decimal, &'static str> {
    const NOT_A_NUMBER: &str = "must be a number";
    const OUT_OF_RANGE: &str = "is out of range";
    let text = text.trim();
    if text.len() > MAX_NUMBER_TEXT {
        return Err(OUT_OF_RANGE);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent).ok_or(NOT_A_NUMBER)?),
        None => (text, 0),
    };
    if !is_plain(mantissa) {
        return Err(NOT_A_NUMBER);
    }
    let mantissa: Decimal = mantissa.parse().map_err(|_too_many_digits| OUT_OF_RANGE)?;
    if exponent.abs() > MAX_EXPONENT {
        return Err(OUT_OF_RANGE);
    }
    let shift = u32::try_from(exponent.unsigned_abs()).map_err(|_too_large| OUT_OF_RANGE)?;
    let step = Decimal::from_i128_with_scale(1, shift);
    let shifted = if exponent < 0 {
        mantissa.checked_mul(step)
    } else {
        mantissa.checked_div(step)
    };
    shifted.ok_or(OUT_OF_RANGE)
}

/// A sign at most, digits, a point among or beside them.
fn is_plain(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// Saturates, so that an absurd exponent is out of range and not a word.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(i64::MAX))
}

/// The amount of an order: not negative, not above [`MAX_AMOUNT`], 6 decimals.
///
/// # Errors
/// As [`decimal`].
pub(super) fn amount(text: &str) -> Result<Decimal, String> {
    let value = decimal(text)?;
    order_amount(value).ok_or_else(|| {
        if value.is_sign_negative() {
            "must not be negative".to_owned()
        } else {
            format!("must not be above {MAX_AMOUNT}")
        }
    })
}

/// An amount that a commission or a payment is said to be: as [`amount`], with all decimals that were sent, as it is rounded once
/// and later. Digits beyond those of a [`Decimal`] are cut, not rounded: that changes no later rounding.
///
/// # Errors
/// As [`decimal`].
pub(super) fn exact_amount(text: &str) -> Result<Decimal, String> {
    amount(text)?;
    let text = text.trim();
    let cut = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.contains(['e', 'E']) => {
            let digits = whole.trim_start_matches(['-', '+', '0']).len();
            let kept = MAX_DIGITS.saturating_sub(digits).min(fraction.len());
            format!("{whole}.{}", fraction.get(..kept).unwrap_or_default())
        }
        _ => text.to_owned(),
    };
    // The sign of a zero goes.
    Ok(decimal(&cut)?.normalize().abs())
}

/// Whether a number in free data is small enough to be stored and printed by anybody.
pub(super) fn is_sane(number: &Number) -> bool {
    let text = number.as_str();
    let exponent = text
        .split_once(['e', 'E'])
        .and_then(|(_, exponent)| exponent_of(exponent));
    text.len() <= MAX_NUMBER_TEXT && exponent.unwrap_or(0).unsigned_abs() <= MAX_EXPONENT.unsigned_abs()
}

/// The JSON number with exactly the digits of `value`, and at least `decimals` of them behind the point.
pub fn json_number(value: Decimal, decimals: u32) -> Value {
    let mut value = value.normalize();
    if value.scale() < decimals {
        value.rescale(decimals);
    }
    value.to_string().parse().map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_of_numbers_become_exact_decimals() {
        for (text, want) in [
            ("100", "100"),
            (" 99.99 ", "99.99"),
            ("+5", "5"),
            ("-0", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("1E+12", "1000000000000"),
            ("0.1234565", "0.123457"),
            ("123456789012.1234564999", "123456789012.123456"),
        ] {
            assert_eq!(amount(text), Ok(want.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_somebody_says_keeps_its_decimals() {
        for (text, want) in [
            ("0.1249999999", "0.1249999999"),
            (" 7.50 ", "7.5"),
            (
                "0.12499999999999999999999999999999999",
                "0.1249999999999999999999999999",
            ),
            (
                "123456789012.1249999999999999999999",
                "123456789012.1249999999999999",
            ),
            ("-0", "0"),
            ("1.249999999e-1", "0.1249999999"),
            ("1000000000000", "1000000000000"),
        ] {
            assert_eq!(exact_amount(text), Ok(want.parse().unwrap()), "{text}");
        }
        for text in ["-1", "abc", "1000000000000.01", ""] {
            assert_eq!(exact_amount(text), amount(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_the_reason() {
        for (text, want) in [
            ("abc", "must be a number"),
            ("", "must be a number"),
            (".", "must be a number"),
            ("1,000", "must be a number"),
            ("1_000", "must be a number"),
            ("0x10", "must be a number"),
            ("NaN", "must be a number"),
            ("inf", "must be a number"),
            ("-Infinity", "must be a number"),
            ("1e", "must be a number"),
            ("1e2e3", "must be a number"),
            ("--1", "must be a number"),
            ("1e30", "is out of range"),
            ("1e99999999999999999999", "is out of range"),
            ("9e28", "is out of range"),
            ("-1", "must not be negative"),
            ("-1e-9", "must not be negative"),
            ("1e13", "must not be above 1000000000000"),
            ("1000000000000.01", "must not be above 1000000000000"),
        ] {
            assert_eq!(amount(text).unwrap_err(), want, "{text}");
        }
        assert_eq!(amount(&"0".repeat(MAX_NUMBER_TEXT)), Ok(Decimal::ZERO));
        assert!(amount(&"0".repeat(MAX_NUMBER_TEXT + 1)).is_err());
    }

    #[test]
    fn numbers_are_printed_with_their_digits() {
        for (value, decimals, want) in [
            ("10", 0, "10"),
            ("10.50", 0, "10.5"),
            ("10", 1, "10.0"),
            ("0", 1, "0.0"),
            ("123456789012.123456", 1, "123456789012.123456"),
        ] {
            assert_eq!(json_number(value.parse().unwrap(), decimals).to_string(), want);
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[-+0-9.eE_, ]{0,40}") {
            drop(amount(&text));
        }

        #[test]
        fn what_is_printed_reads_back(units in 0i64..i64::MAX, scale in 0u32..7) {
            let value = Decimal::new(units, scale);
            prop_assert_eq!(decimal(&json_number(value, 1).to_string()), Ok(value));
        }
    }
}
