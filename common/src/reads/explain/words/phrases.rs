//! Phrases of several chapters.

use chrono::{DateTime, Utc};

use crate::reads::explain::explanation::SaleEvent;

pub(super) fn name(slug: Option<&str>) -> &str {
    slug.unwrap_or("somebody who is gone")
}

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What an event was, as far as its row is kept.
pub(super) fn event_name(event: &SaleEvent) -> String {
    let Some(row) = &event.row else {
        return format!("event {}, which is no longer kept", event.event);
    };
    let what = match (row.kind.as_str(), row.due.as_deref()) {
        ("scheduled", Some("hold_ends")) => "the end of its hold",
        ("scheduled", Some("recur")) => "its repetition",
        ("edit_conversion", _) if row.deletes => "its deletion",
        ("recalculate_commissions", _) => "its recalculation by the rules of its time",
        ("chargeback", _) if row.reverses => "the reversal of the chargeback",
        (kind, _) => kind,
    };
    format!("{what} (event {})", event.event)
}
