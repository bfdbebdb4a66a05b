//! Exact fractions of whole numbers of any size: what a commission is before its one rounding. Never negative, and never
//! rounded on the way: ten percent of 999,999,999,999.999999 less 0.05 has 28 digits, more than a [`Decimal`] multiplies exactly.

use num_bigint::BigUint;
use rust_decimal::Decimal;

/// A number of at least zero.
#[derive(Clone, Debug)]
pub struct Fraction {
    numerator: BigUint,
    /// Above zero.
    denominator: BigUint,
}

impl Fraction {
    /// The absolute value of `amount`.
    pub fn of(amount: Decimal) -> Self {
        let (numerator, denominator) = parts(amount);
        Self {
            numerator,
            denominator,
        }
    }

    #[must_use]
    pub fn times(self, factor: Decimal) -> Self {
        let (numerator, denominator) = parts(factor);
        Self {
            numerator: self.numerator * numerator,
            denominator: self.denominator * denominator,
        }
    }

    /// Divided by `divisor`; by zero it stays as it is.
    #[must_use]
    pub fn over(self, divisor: Decimal) -> Self {
        if divisor.is_zero() {
            return self;
        }
        let (numerator, denominator) = parts(divisor);
        Self {
            numerator: self.numerator * denominator,
            denominator: self.denominator * numerator,
        }
    }

    pub fn is_above(&self, limit: Decimal) -> bool {
        let (numerator, denominator) = parts(limit);
        &self.numerator * denominator > numerator * &self.denominator
    }

    /// With so many decimals, half a unit away from zero. `None`: more digits than a [`Decimal`] has.
    pub fn rounded(&self, decimals: u32) -> Option<Decimal> {
        let doubled = &self.numerator * BigUint::from(10_u32).pow(decimals) * 2_u32;
        let units = (doubled + &self.denominator) / (&self.denominator * 2_u32);
        let units = i128::try_from(units).ok()?;
        Decimal::try_from_i128_with_scale(units, decimals)
            .ok()
            .map(|amount| amount.normalize())
    }
}

/// Whole numbers whose quotient is the absolute value of `amount`.
fn parts(amount: Decimal) -> (BigUint, BigUint) {
    let denominator = BigUint::from(10_u32).pow(amount.scale());
    (BigUint::from(amount.mantissa().unsigned_abs()), denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_is_rounded_before_the_end() {
        let thirds = Fraction::of(decimal("0.15"))
            .times(decimal("2"))
            .over(decimal("3"));
        assert_eq!(thirds.clone().rounded(2), Some(decimal("0.1")));
        assert_eq!(thirds.over(decimal("2")).rounded(1), Some(decimal("0.1")));
        let long = Fraction::of(decimal("999999999999.999999"))
            .times(decimal("999999999999.949999"))
            .over(decimal("999999999999.999999"));
        assert_eq!(long.rounded(6), Some(decimal("999999999999.949999")));
    }

    #[test]
    fn halves_go_up_and_what_is_less_goes_down() {
        for (amount, decimals, want) in [
            ("0.125", 2, "0.13"),
            ("0.1249999999999999999999999999", 2, "0.12"),
            ("2.5", 0, "3"),
            ("0", 2, "0"),
        ] {
            let rounded = Fraction::of(decimal(amount)).rounded(decimals);
            assert_eq!(rounded, Some(decimal(want)), "{amount}");
        }
    }

    #[test]
    fn what_no_decimal_holds_is_none_and_still_compares() {
        let huge = Fraction::of(Decimal::MAX).times(Decimal::MAX);
        assert_eq!(huge.rounded(2), None);
        assert!(huge.is_above(Decimal::MAX));
        let one = Fraction::of(decimal("1"));
        assert!(!one.is_above(decimal("1")) && one.is_above(decimal("0.999999")));
    }
}
