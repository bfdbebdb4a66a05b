//! A rate as it is printed.

use common::domain::catalog::Rate;
use rust_decimal::Decimal;

/// Its form and its value.
pub(super) fn form_and_value(rate: Rate) -> (&'static str, Decimal) {
    match rate {
        Rate::Percentage(value) => ("percentage", value),
        Rate::Fixed(value) => ("fixed", value),
    }
}
