//! Numbers without floats: from the text that was sent to an exact decimal, and back to JSON.

use std::borrow::Cow;

use super::invisible::trimmed;
use crate::domain::{
    MAX_AMOUNT,
    money::{ORDER_SCALE, THOUSANDS, order_amount},
};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

/// Characters of a number, at most.
pub const MAX_NUMBER_TEXT: usize = 64;
/// The exponent of a number in free data, at most: beyond it a decimal has no digits.
pub const MAX_EXPONENT: i64 = 28;

const NOT_A_NUMBER: &str = "must be a number";
const OUT_OF_RANGE: &str = "is out of range";
const AMBIGUOUS: &str = "is ambiguous: it must be a number such as 1234.50, without separators of thousands";
/// Digits that every decimal of so many has room for, and characters of a number that is read as it stands.
const MAX_DIGITS: usize = 28;
/// Below it, whatever its digits (64 at most), a number is nothing at the scale of amounts.
const LEAST_EXPONENT: i64 = -100;

/// A number as it was written: its sign, its digits, and how many of them are before the point.
struct Written {
    is_negative: bool,
    digits: String,
    point: i64,
}

/// A JSON number or its look-alike in a form: no NaN, no infinity. Separators of thousands are read where a point proves them:
/// `1,234.50`.
///
/// # Errors
/// What is wrong with the text, to be put behind the name of the field.
fn written(text: &str) -> Result<Written, &'static str> {
    let text = trimmed(text);
    if text.len() > MAX_NUMBER_TEXT {
        return Err(OUT_OF_RANGE);
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent).ok_or(NOT_A_NUMBER)?),
        None => (text, 0),
    };
    let mantissa = ungrouped(mantissa)?;
    if !is_plain(&mantissa) {
        return Err(NOT_A_NUMBER);
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let bare = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    Ok(Written {
        is_negative: whole.starts_with('-'),
        digits: format!("{bare}{fraction}"),
        point: i64::try_from(bare.len())
            .unwrap_or(i64::MAX)
            .saturating_add(exponent),
    })
}

/// Without separators of thousands. A comma alone may be a point elsewhere, and a second point a separator.
fn ungrouped(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let points = text.bytes().filter(|byte| *byte == b'.').count();
    if !text.contains(',') && points < 2 {
        return Ok(text.into());
    }
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !bare
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.'))
    {
        return Err(NOT_A_NUMBER);
    }
    let (whole, fraction) = bare.split_once('.').ok_or(AMBIGUOUS)?;
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped =
        (1..=3).contains(&first.len()) && !first.starts_with('0') && groups.all(|group| group.len() == 3);
    if !is_grouped || fraction.is_empty() || fraction.contains([',', '.']) {
        return Err(AMBIGUOUS);
    }
    Ok(text.replace(',', "").into())
}

/// An exact decimal, as far as 28 digits go.
///
/// # Errors
/// What is wrong with the text, to be put behind the name of the field.
pub(super) fn decimal(text: &str) -> Result<Decimal, &'static str> {
    let text = trimmed(text);
    // As nearly all are written.
    if text.len() <= MAX_DIGITS && is_plain(text) {
        return text.parse().map_err(|_too_many_digits| OUT_OF_RANGE);
    }
    let Written {
        is_negative,
        digits,
        point,
    } = written(text)?;
    let significant = digits.trim_start_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).unwrap_or(i64::MAX);
    // Where the first digit that says something stands: 1 is that of the units.
    let first = point.saturating_sub(zeros);
    if significant.is_empty() || first < LEAST_EXPONENT {
        return Ok(Decimal::ZERO);
    }
    if first > MAX_EXPONENT + 1 {
        return Err(OUT_OF_RANGE);
    }
    let plain = if first <= 0 {
        let zeros = usize::try_from(first.unsigned_abs()).map_err(|_too_large| OUT_OF_RANGE)?;
        format!("0.{}{significant}", "0".repeat(zeros))
    } else {
        let place = usize::try_from(first).map_err(|_too_large| OUT_OF_RANGE)?;
        let padded = format!("{significant:0<place$}");
        let (whole, fraction) = padded.split_at(place);
        format!("{whole}.{fraction}")
    };
    let mut value: Decimal = plain.parse().map_err(|_too_many_digits| OUT_OF_RANGE)?;
    value.set_sign_negative(is_negative && !value.is_zero());
    Ok(value.normalize())
}

/// A number without a fraction, told before anything is rounded: 0.9999999 is none.
///
/// # Errors
/// As [`decimal`].
pub(super) fn whole(text: &str) -> Result<i64, &'static str> {
    const NOT_WHOLE: &str = "must be a whole number";
    let Written {
        is_negative,
        digits,
        point,
    } = written(text)?;
    let point = usize::try_from(point.max(0)).map_err(|_too_large| OUT_OF_RANGE)?;
    let fraction = digits.get(point..).unwrap_or_default();
    if fraction.bytes().any(|digit| digit != b'0') {
        return Err(NOT_WHOLE);
    }
    let significant = digits.get(..point).unwrap_or(&digits).trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    if point > MAX_NUMBER_TEXT {
        return Err(OUT_OF_RANGE);
    }
    let missing = point.saturating_sub(digits.len());
    let whole = format!(
        "{}{significant}{}",
        if is_negative { "-" } else { "" },
        "0".repeat(missing)
    );
    whole.parse().map_err(|_too_large| OUT_OF_RANGE)
}

/// Whether exactly three digits are written behind the point: where a currency has no decimals, that is a separator of thousands.
fn has_three_decimals(text: &str) -> bool {
    let fraction = trimmed(text).split_once('.').map(|(_, fraction)| fraction);
    fraction.is_some_and(|fraction| fraction.len() == 3 && fraction.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A whole number as an id is written: 1001 of `1001.0` and `1.001e3`. Other numbers stay as they are.
pub(super) fn id_of_number(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    whole(text).map_or_else(|_no_id| text.to_owned(), |whole| whole.to_string())
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
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    // The sign is judged of what is recorded: -3.5e-15 is what floats leave of nothing.
    let value = decimal(text)?.round_dp_with_strategy(ORDER_SCALE, strategy);
    let amount = order_amount(value).map(|value| with_thousands(value, text));
    amount.ok_or_else(|| {
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
    if amount(text)?.is_zero() && decimal(text)?.is_sign_negative() {
        return Ok(Decimal::ZERO);
    }
    let text = trimmed(text);
    let cut = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.contains(['e', 'E']) => {
            let digits = whole.trim_start_matches(['-', '+', '0']).len();
            let kept = MAX_DIGITS.saturating_sub(digits).min(fraction.len());
            format!("{whole}.{}", fraction.get(..kept).unwrap_or_default())
        }
        _ => text.to_owned(),
    };
    // The sign of a zero goes.
    Ok(with_thousands(decimal(&cut)?.normalize().abs(), text))
}

/// With three digits behind the point where three were written: whoever knows the currency tells whether that can be.
fn with_thousands(mut value: Decimal, text: &str) -> Decimal {
    if has_three_decimals(text) {
        value.rescale(THOUSANDS);
    }
    value
}

/// How many digits behind the point say something.
///
/// # Errors
/// As [`decimal`].
pub(super) fn decimals(text: &str) -> Result<usize, &'static str> {
    let Written { digits, point, .. } = written(text)?;
    let significant = i64::try_from(digits.trim_end_matches('0').len()).map_err(|_too_long| OUT_OF_RANGE)?;
    Ok(usize::try_from(significant.saturating_sub(point)).unwrap_or_default())
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
            ("-3.5e-15", "0"),
            ("-0.0000004", "0"),
            ("1e-300", "0"),
            ("0.5e-6", "0.000001"),
            ("1,234.50", "1234.5"),
            ("1,234,567.891", "1234567.891"),
            ("\u{200b}12\u{feff}", "12"),
            ("0000000000000000000000000000000012.5", "12.5"),
            ("1000000000000000000e-6", "1000000000000"),
            ("123456789012.1234564999", "123456789012.123456"),
        ] {
            assert_eq!(amount(text), Ok(want.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn three_digits_behind_the_point_are_kept_until_the_currency_is_known() {
        for (text, want) in [
            ("1.000", "1.000"),
            (" 1.230 ", "1.230"),
            ("1.23", "1.23"),
            ("1.2300", "1.23"),
            ("1,234.500", "1234.500"),
        ] {
            assert_eq!(amount(text).unwrap().to_string(), want, "{text}");
            assert_eq!(exact_amount(text).unwrap().to_string(), want, "{text}");
        }
    }

    #[test]
    fn decimals_are_counted_before_anything_is_rounded() {
        for (text, want) in [
            ("10", 0),
            ("10.00", 0),
            ("10.10", 1),
            ("10.0000001", 7),
            ("1e-9", 9),
            ("1.50e1", 0),
            ("0.00", 0),
            ("1,234.50", 1),
            ("10.00000000000000000000000000000000001", 35),
        ] {
            assert_eq!(decimals(text), Ok(want), "{text}");
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
            ("1,234.1249999999", "1234.1249999999"),
            ("-3.5e-15", "0"),
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
            ("1,000", AMBIGUOUS),
            ("1,00", AMBIGUOUS),
            ("1.234,50", AMBIGUOUS),
            ("1,234", AMBIGUOUS),
            ("1,234,567", AMBIGUOUS),
            ("1.234.567", AMBIGUOUS),
            ("12,34.5", AMBIGUOUS),
            ("0,123.5", AMBIGUOUS),
            ("1,234.", AMBIGUOUS),
            ("1234,567.5", AMBIGUOUS),
            ("1,a", "must be a number"),
            ("1 234", "must be a number"),
            ("1\u{200b}2", "must be a number"),
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
            ("-0.0000005", "must not be negative"),
            ("-1e-6", "must not be negative"),
            ("1e13", "must not be above 1000000000000"),
            ("1000000000000.01", "must not be above 1000000000000"),
        ] {
            assert_eq!(amount(text).unwrap_err(), want, "{text}");
        }
        assert_eq!(amount(&"0".repeat(MAX_NUMBER_TEXT)), Ok(Decimal::ZERO));
        assert!(amount(&"0".repeat(MAX_NUMBER_TEXT + 1)).is_err());
    }

    #[test]
    fn whole_numbers_are_whole_before_they_are_rounded() {
        for (text, want) in [
            ("100", Ok(100)),
            ("100.00", Ok(100)),
            ("1e2", Ok(100)),
            ("1.5e1", Ok(15)),
            ("1500e-2", Ok(15)),
            ("-7", Ok(-7)),
            ("0e999", Ok(0)),
            ("1,234.00", Ok(1_234)),
            ("0.9999999", Err("must be a whole number")),
            ("100.0000001", Err("must be a whole number")),
            ("0.0000001", Err("must be a whole number")),
            ("1e-7", Err("must be a whole number")),
            ("1e-400", Err("must be a whole number")),
            (
                "100.000000000000000000000000000000000000001",
                Err("must be a whole number"),
            ),
            ("1e19", Err("is out of range")),
            ("1e999", Err("is out of range")),
            ("", Err("must be a number")),
        ] {
            assert_eq!(whole(text), want, "{text}");
        }
        for (text, want) in [
            ("1001", "1001"),
            ("1001.0", "1001"),
            ("1.001e3", "1001"),
            ("1.50", "1.50"),
            ("007", "007"),
        ] {
            assert_eq!(id_of_number(text), want);
        }
    }

    #[test]
    fn three_digits_behind_the_point_are_seen() {
        for text in ["139.980", "1,139.980", " 0.125 "] {
            assert!(has_three_decimals(text), "{text}");
        }
        for text in ["139.98", "139", "139.9800", "1.5e3", ".", "139.9a0"] {
            assert!(!has_three_decimals(text), "{text}");
        }
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
            drop((amount(&text), whole(&text)));
        }

        #[test]
        fn a_grouped_number_is_the_number(units in 0i64..1_000_000_000_000, cents in 0u32..100) {
            let plain = format!("{units}.{cents:02}");
            let digits = units.to_string();
            let grouped = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
            let grouped = format!("{}.{cents:02}", grouped.collect::<Vec<_>>().join(","));
            prop_assert_eq!(decimal(&grouped), decimal(&plain));
            prop_assert_eq!(decimal(&plain).unwrap(), plain.parse::<Decimal>().unwrap().normalize());
        }

        #[test]
        fn a_whole_number_is_the_decimal_without_a_fraction(units in any::<i32>(), scale in 0u32..9, exponent in -9i64..9) {
            let text = format!("{}e{exponent}", Decimal::new(units.into(), scale));
            let value = decimal(&text).unwrap();
            let want = value.fract().is_zero().then(|| value.to_string());
            prop_assert_eq!(whole(&text).ok().map(|whole| whole.to_string()), want);
        }

        #[test]
        fn what_is_printed_reads_back(units in 0i64..i64::MAX, scale in 0u32..7) {
            let value = Decimal::new(units, scale);
            prop_assert_eq!(decimal(&json_number(value, 1).to_string()), Ok(value));
        }
    }
}
