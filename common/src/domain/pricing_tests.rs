//! What a commission is worth, by example and at the limits, against fractions that are calculated another way.

use chrono::DateTime;
use num_bigint::BigInt;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    AffiliateId, CommissionId, Currency, MAX_AMOUNT, Reason,
    entities::{Change, Commission, CommissionKind},
    fraction::Fraction,
    ledger::CommissionBalance,
    pricing::{adopt, exact_gross, follow_amount, money, net, percentage, set_amount, set_sub_amount},
};

/// The largest rate that a column holds.
const MAX_RATE: i128 = 99_999_999_999_999_999_999;
const MAX_MICROS: i128 = 1_000_000_000_000_000_000;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn micros(amount: i128) -> Decimal {
    Decimal::from_i128_with_scale(amount, 6)
}

/// A commission of a tenth of 30, which is a part of the sale.
fn commission(rate: Option<&str>, share: Option<&str>) -> Commission {
    Commission {
        change: Change::None,
        id: CommissionId(1),
        affiliate: AffiliateId(1),
        kind: CommissionKind::Regular,
        commission_type: String::new(),
        commission_name: String::new(),
        rate: rate.map(decimal),
        sub_amount: decimal("30"),
        share: share.map(decimal),
        followed: None,
        exact: None,
        gross: decimal("3"),
        amount: decimal("3"),
        settled_on: None,
        currency: currency("USD"),
        approved: None,
        approved_by: None,
        finalised_at: None,
        balance: CommissionBalance::default(),
        payment: None,
        comment: None,
        created_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn what_is_left_after_refunds() {
    for (exact, refunded, sale, want) in [
        ("10", "0", "100", "10"),
        ("10", "50", "100", "5"),
        ("10", "100", "100", "0"),
        ("10", "100.01", "100", "0"),
        ("9.999", "33.33", "99.99", "6.67"),
        ("9.999", "66.66", "99.99", "3.33"),
        ("10", "99.99", "99.99", "0"),
        ("0.01", "50", "100", "0.01"),
        ("0.01", "50.01", "100", "0"),
        // Not from the rounded gross of 0.01, half of which would be 0.01 again.
        ("0.005", "0.025", "0.05", "0"),
        ("5", "0", "0", "5"),
        ("5", "0.01", "0", "0"),
        ("1000000000000", "500000000000", "1000000000000", "500000000000"),
        // 28 digits on the way.
        (
            "99999999999.9999999",
            "0.05",
            "999999999999.999999",
            "99999999999.99",
        ),
    ] {
        let exact = Fraction::of(decimal(exact));
        let left = net(&exact, decimal(refunded), decimal(sale), currency("USD"));
        assert_eq!(left.amount(), decimal(want), "{refunded} of {sale}");
    }
}

#[test]
fn what_was_said_is_rounded_once() {
    for (amount, code, want) in [
        ("0.1249999999", "USD", "0.12"),
        ("0.1249999999999999999999999999", "USD", "0.12"),
        ("0.125", "USD", "0.13"),
        ("0.4999999999", "JPY", "0"),
        ("0.0004999999", "KWD", "0"),
    ] {
        let usual = money(decimal(amount), currency(code)).unwrap();
        assert_eq!(usual.amount(), decimal(want), "{amount} {code}");
    }
    for amount in ["-0.01", "1000000000000.0000001"] {
        let refused = money(decimal(amount), currency("USD")).unwrap_err();
        assert_eq!(refused.reason, Reason::AmountOutOfRange, "{amount}");
    }
    let negative = percentage(decimal("-1"), decimal("10"), currency("USD"));
    assert_eq!(negative.unwrap_err().reason, Reason::AmountOutOfRange);
}

#[test]
fn a_part_of_a_sale_is_not_rounded_before_its_commission() {
    // A third of 0.15 is 0.05 exactly; a third of 0.149999 is 0.0499996…, which shows as 0.05.
    let mut part = commission(Some("10"), Some("30"));
    follow_amount(&mut part, decimal("90"), decimal("0.149999")).unwrap();
    assert_eq!((part.sub_amount, part.gross), (decimal("0.05"), decimal("0")));
    follow_amount(&mut part, decimal("90"), decimal("0.15")).unwrap();
    assert_eq!((part.sub_amount, part.gross), (decimal("0.05"), decimal("0.01")));
}

#[test]
fn what_somebody_said_no_longer_follows_the_sale() {
    let mut edited = commission(Some("10"), Some("30"));
    set_amount(&mut edited, decimal("0.1249999999")).unwrap();
    assert_eq!(
        (edited.gross, edited.share, edited.exact),
        (decimal("0.12"), None, Some(decimal("0.1249999999")))
    );
    set_sub_amount(&mut edited, decimal("50")).unwrap();
    assert_eq!((edited.gross, edited.exact), (decimal("5"), None));
    let mut fixed = commission(None, None);
    fixed.exact = Some(decimal("3"));
    set_sub_amount(&mut fixed, decimal("50")).unwrap();
    assert_eq!((fixed.gross, fixed.exact), (decimal("3"), Some(decimal("3"))));
}

#[test]
fn rows_of_earlier_versions_keep_their_gross() {
    let adopted = |commission: &Commission, said: Option<&str>| {
        let mut commission = commission.clone();
        adopt(&mut commission, decimal("90"), said.map(decimal));
        assert_eq!(
            exact_gross(&commission, decimal("90")).rounded(2),
            Some(commission.gross)
        );
        (commission.exact, commission.followed)
    };
    let calculated = commission(Some("10"), Some("30"));
    assert_eq!(adopted(&calculated, None), (None, None));
    let mut edited = commission(Some("10"), None);
    edited.gross = decimal("3.07");
    assert_eq!(adopted(&edited, None), (Some(decimal("3.07")), None));
    assert_eq!(adopted(&commission(None, None), None), (Some(decimal("3")), None));
    let by_rule = adopted(&commission(None, None), Some("2.9999"));
    assert_eq!(by_rule, (Some(decimal("2.9999")), None));
    let of_another = adopted(&commission(None, None), Some("2"));
    assert_eq!(of_another, (Some(decimal("3")), None));
}

#[test]
fn what_an_earlier_version_changed_meanwhile_counts() {
    // It follows another amount, and leaves alone what this version follows.
    let mut followed = commission(Some("10"), Some("30"));
    (followed.followed, followed.sub_amount, followed.gross) =
        (Some(decimal("45")), decimal("20"), decimal("2"));
    adopt(&mut followed, decimal("90"), None);
    assert_eq!((followed.followed, followed.exact), (None, None));
    // It says another amount.
    let mut said = commission(None, None);
    (said.exact, said.gross) = (Some(decimal("7")), decimal("9"));
    adopt(&mut said, decimal("90"), None);
    assert_eq!(said.exact, Some(decimal("9")));
    // It calculates what somebody had said.
    let mut calculated = commission(Some("10"), None);
    calculated.exact = Some(decimal("7"));
    adopt(&mut calculated, decimal("90"), None);
    assert_eq!(calculated.exact, None);
}

/// Halves up.
fn rounded(numerator: &BigInt, denominator: &BigInt) -> BigInt {
    (numerator * 2 + denominator) / (denominator * 2)
}

/// Minor units of an amount.
fn minor(amount: Decimal, scale: u32) -> BigInt {
    let mut amount = amount.normalize();
    assert!(amount.scale() <= scale, "{amount}");
    amount.rescale(scale);
    amount.mantissa().into()
}

fn amounts() -> impl Strategy<Value = i128> {
    prop_oneof![
        Just(MAX_MICROS),
        Just(MAX_MICROS - 1),
        Just(1),
        1..=MAX_MICROS,
        1i128..10_000_000
    ]
}

fn rates() -> impl Strategy<Value = i128> {
    prop_oneof![
        Just(MAX_RATE),
        Just(100_000_000),
        Just(99_999_999),
        Just(1),
        1i128..100_000_000,
        1..=MAX_RATE
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Of any sale, followed by any amount and refunded in any part: the one rounding of the exact quotient, or out of range.
    #[test]
    fn the_amount_is_the_exact_quotient_rounded_once(
        sale in amounts(), share in 0u32..=1000, after in amounts(), rate in rates(), refunded in 0u32..=1001, code in 0usize..3,
    ) {
        let (code, scale) = [("USD", 2), ("JPY", 0), ("KWD", 3)][code];
        let share = sale * i128::from(share) / 1000;
        let refunded = after * i128::from(refunded) / 1000;
        let mut commission = commission(Some("10"), None);
        (commission.rate, commission.share) = (Some(micros(rate)), Some(micros(share)));
        commission.currency = currency(code);
        let unit = BigInt::from(10).pow(scale);
        // Rate and amounts are in millionths, the rate in hundredths.
        let exact = BigInt::from(rate) * share * after * &unit;
        let of = BigInt::from(sale) * 100_000_000i128 * 1_000_000i128;
        let is_above = exact > &of * BigInt::from(10).pow(12) * &unit;
        let followed = follow_amount(&mut commission, micros(sale), micros(after));
        prop_assert_eq!(followed.is_err(), is_above);
        if is_above {
            return Ok(());
        }
        prop_assert_eq!(minor(commission.gross, scale), rounded(&exact, &of));
        let left = net(&exact_gross(&commission, micros(sale)), micros(refunded), micros(after), commission.currency);
        let want = if refunded >= after {
            BigInt::ZERO
        } else {
            rounded(&(exact * (after - refunded)), &(of * after))
        };
        prop_assert_eq!(minor(left.amount(), scale), want);
        let mut adopted = commission.clone();
        adopt(&mut adopted, micros(sale), None);
        prop_assert_eq!(adopted, commission);
    }

    /// What was said, with any number of decimals.
    #[test]
    fn what_was_said_less_refunds_is_rounded_once(
        said in 0i128..=i128::from(i64::MAX), scale in 7u32..=28, sale in amounts(), refunded in 0u32..1000,
    ) {
        let said_amount = Decimal::from_i128_with_scale(said, scale);
        let refunded = sale * i128::from(refunded) / 1000;
        let left = net(&Fraction::of(said_amount), micros(refunded), micros(sale), currency("USD"));
        let exact = BigInt::from(said) * 100 * (sale - refunded);
        let of = BigInt::from(10).pow(scale) * sale;
        prop_assert_eq!(minor(left.amount(), 2), rounded(&exact, &of));
        let whole = money(said_amount, currency("USD")).unwrap();
        prop_assert!(left.amount() <= whole.amount() && whole.amount() <= MAX_AMOUNT);
    }
}
