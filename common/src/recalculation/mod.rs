//! Calculating many commissions anew by what the rules of their time say now: the conversions of one moment are chosen, what would
//! change is found by doing it and rolling back, and on request it is done, each conversion by an event of its own.

mod recalculate;
mod report;
mod select;
#[cfg(test)]
mod tests;

pub use recalculate::{MAX_DIFFERENCES, RecalculateError, Request, Rules, recalculate};
pub use report::{Difference, Report, Total};
pub use select::{ConversionFilter, select};
