//! Amounts: exact decimals, one rounding rule, currencies with their own minor units.

use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The largest order amount accepted: a trillion units. Commissions and balances of it still fit their columns.
pub const MAX_AMOUNT: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

/// Decimals kept of an order's amount. Commissions are rounded to the currency's minor unit instead.
pub const ORDER_SCALE: u32 = 6;

/// Digits of a group of thousands. An amount that is written with as many behind the point keeps them, zeros too, until its
/// currency is known.
pub const THOUSANDS: u32 = 3;

/// An ISO 4217 currency with a minor unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "USD")]
pub struct Currency(iso_currency::Currency);

/// Why a text is no currency.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CurrencyError {
    #[error("`{0}` is not an ISO 4217 currency code")]
    Unknown(String),
    /// Gold, funds of banks, the code for tests: nothing says how to round them.
    #[error("`{0}` has no minor unit in ISO 4217: nobody is paid in it")]
    NoMinorUnit(&'static str),
}

impl Currency {
    /// The three letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimals of the minor unit: USD 2, JPY 0, KWD 3.
    pub fn scale(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// So many of the minor unit: 500 are 5 USD and 500 JPY.
    pub fn of_minor_units(self, units: i64) -> Decimal {
        Decimal::new(units, self.scale()).normalize()
    }

    /// The same amount with the decimals of the minor unit, for people: 10 is 10.00 in USD. Further decimals stay, as
    /// nothing is rounded for show.
    pub fn shown(self, amount: Decimal) -> Decimal {
        let mut amount = amount.normalize();
        if amount.scale() < self.scale() {
            amount.rescale(self.scale());
        }
        amount
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    /// Case is ignored: Affitor's SDK sends `usd`.
    fn from_str(code: &str) -> Result<Self, CurrencyError> {
        let currency = iso_currency::Currency::from_code(&code.to_ascii_uppercase())
            .ok_or_else(|| CurrencyError::Unknown(code.to_owned()))?;
        match currency.exponent() {
            Some(_) => Ok(Self(currency)),
            None => Err(CurrencyError::NoMinorUnit(currency.code())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;
    fn try_from(code: String) -> Result<Self, CurrencyError> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

/// An amount that the currency can express: never more decimals than its minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// Rounds to the currency's minor unit, midpoint away from zero. The only place where money is rounded.
    pub fn rounded(amount: Decimal, currency: Currency) -> Self {
        let strategy = RoundingStrategy::MidpointAwayFromZero;
        Self {
            amount: amount
                .round_dp_with_strategy(currency.scale(), strategy)
                .normalize(),
            currency,
        }
    }

    pub fn zero(currency: Currency) -> Self {
        Self {
            amount: Decimal::ZERO,
            currency,
        }
    }

    pub fn amount(self) -> Decimal {
        self.amount
    }

    pub fn currency(self) -> Currency {
        self.currency
    }
}

/// An amount as it was said, unless it has three digits behind the point and its currency has no decimals: there that is most likely
/// a separator of thousands, and a thousandth would be recorded.
///
/// # Errors
/// What is wrong with it, to be put behind the name of the field.
pub fn unambiguous(amount: Decimal, currency: Currency) -> Result<Decimal, String> {
    if currency.scale() == 0 && amount.scale() == THOUSANDS && !amount.is_zero() {
        return Err(format!(
            "has three digits behind the point, and {currency} has no decimals: is it a separator of thousands?"
        ));
    }
    Ok(amount.normalize())
}

/// An order's amount as it is stored: [`ORDER_SCALE`] decimals, no trailing zeros. `None` when it is negative or above
/// [`MAX_AMOUNT`].
pub fn order_amount(amount: Decimal) -> Option<Decimal> {
    let in_range = (amount.is_zero() || amount.is_sign_positive()) && amount <= MAX_AMOUNT;
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    in_range.then(|| {
        amount
            .abs()
            .round_dp_with_strategy(ORDER_SCALE, strategy)
            .normalize()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_largest_amount_is_a_trillion() {
        assert_eq!(MAX_AMOUNT, decimal("1000000000000"));
        assert_eq!(order_amount(MAX_AMOUNT), Some(MAX_AMOUNT));
        assert_eq!(order_amount(decimal("1000000000000.01")), None);
        assert_eq!(order_amount(decimal("-0.01")), None);
        assert_eq!(order_amount(decimal("-0")), Some(Decimal::ZERO));
        assert_eq!(order_amount(decimal("1.23456789")), Some(decimal("1.234568")));
    }

    #[test]
    fn a_separator_of_thousands_is_no_point() {
        for (amount, code, is_clear) in [
            ("1.234", "JPY", false),
            ("1.000", "CLP", false),
            ("1.230", "JPY", false),
            ("1234.567", "JPY", false),
            ("0.000", "JPY", true),
            ("1.5", "JPY", true),
            ("1.2345", "JPY", true),
            ("1234", "JPY", true),
            ("1.234", "USD", true),
            ("1.234", "KWD", true),
        ] {
            let said = unambiguous(decimal(amount), code.parse().unwrap());
            assert_eq!(said.is_ok(), is_clear, "{amount} {code}");
            assert!(said.is_ok_and(|said| said == decimal(amount)) == is_clear);
        }
        assert_eq!(
            unambiguous(decimal("1.500"), "USD".parse().unwrap())
                .unwrap()
                .to_string(),
            "1.5"
        );
    }

    #[test]
    fn midpoints_round_away_from_zero_at_the_minor_unit() {
        for (amount, code, want) in [
            ("9.999", "USD", "10"),
            ("0.005", "USD", "0.01"),
            ("0.0049", "USD", "0"),
            ("123456.785", "USD", "123456.79"),
            ("123.4", "JPY", "123"),
            ("123.5", "JPY", "124"),
            ("0.12345", "KWD", "0.123"),
            ("-2.5", "JPY", "-3"),
        ] {
            let money = Money::rounded(decimal(amount), code.parse().unwrap());
            assert_eq!(money.amount(), decimal(want), "{amount} {code}");
        }
    }

    #[test]
    fn currencies_are_known_by_their_code_in_any_case() {
        assert_eq!("usd".parse::<Currency>().unwrap().code(), "USD");
        assert_eq!("KWD".parse::<Currency>().unwrap().scale(), 3);
        assert_eq!(
            "XXXX".parse::<Currency>(),
            Err(CurrencyError::Unknown("XXXX".into()))
        );
    }

    #[test]
    fn what_has_no_minor_unit_is_no_money() {
        for code in ["XXX", "XAU", "xag", "XTS", "XDR"] {
            let refused = code.parse::<Currency>().unwrap_err().to_string();
            assert!(refused.contains("has no minor unit"), "{refused}");
        }
        for code in ["USD", "JPY", "KWD", "XAF", "XOF", "XPF", "XCD", "CLF"] {
            assert!(code.parse::<Currency>().is_ok(), "{code}");
        }
    }

    #[test]
    fn minor_units_are_the_currencys_own() {
        for (units, code, want) in [(9999, "USD", "99.99"), (500, "JPY", "500"), (1500, "KWD", "1.5")] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!(currency.of_minor_units(units), decimal(want), "{code}");
        }
    }

    #[test]
    fn amounts_are_shown_with_the_decimals_of_the_currency() {
        for (amount, code, want) in [
            ("10", "USD", "10.00"),
            ("-0.5000", "USD", "-0.50"),
            ("0.1250", "USD", "0.125"),
            ("-0", "USD", "0.00"),
            ("500.0000", "JPY", "500"),
            ("1.5", "KWD", "1.500"),
        ] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!(
                currency.shown(decimal(amount)).to_string(),
                want,
                "{amount} {code}"
            );
        }
    }

    proptest! {
        #[test]
        fn rounding_moves_by_half_a_unit_at_most(units in 0i64..10_000_000_000, scale in 0u32..9) {
            let amount = Decimal::new(units, scale);
            for code in ["USD", "JPY", "KWD"] {
                let currency: Currency = code.parse().unwrap();
                let moved = (Money::rounded(amount, currency).amount() - amount).abs();
                prop_assert!(moved <= Decimal::new(5, currency.scale() + 1));
            }
        }
    }
}
