//! The rate of a commission, a level or a bonus.

use rust_decimal::Decimal;

use crate::{
    catalog::fields::Fields,
    domain::{MAX_AMOUNT, catalog::Rate},
};

/// The columns of rates keep as many decimals; more would be lost, and found changed again at every apply.
pub(super) const RATE_SCALE: u32 = 6;

/// `percentage` or `fixed`, not both.
pub(super) fn rate(fields: &mut Fields<'_>) -> Option<Rate> {
    let percentage = fields.decimal("percentage", Decimal::ONE_HUNDRED, RATE_SCALE);
    let fixed = fields.decimal("fixed", MAX_AMOUNT, RATE_SCALE);
    if fields.has("percentage") && fields.has("fixed") {
        fields.wrong(&fields.span, "percentage and fixed exclude each other");
    }
    percentage.map(Rate::Percentage).or(fixed.map(Rate::Fixed))
}

/// A [`rate`] that must be there.
pub(super) fn required_rate(fields: &mut Fields<'_>) -> Option<Rate> {
    if !fields.has("percentage") && !fields.has("fixed") {
        fields.missing(&fields.span, "percentage or fixed is missing");
    }
    rate(fields)
}
