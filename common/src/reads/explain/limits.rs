//! How much of an order is explained.

/// Conversions of one order that are explained, the latest: all but one of them are deleted or superseded.
pub const MAX_CONVERSIONS: i64 = 20;
/// Events without effect that are explained, the latest.
pub const MAX_ATTEMPTS: i64 = 50;
/// Commissions, refunds, transfers, and events with effect that are explained, each, the earliest.
pub const MAX_ROWS: i64 = 1_000;
/// Organisations that are named when several have the order.
pub const MAX_NAMED_ORGS: i64 = 10;

/// Leaves out what was read beyond the limit, and says whether there was any.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    is_cut
}
