//! Events that nobody sent: what falls due by itself.

use chrono::{DateTime, Utc};
use common::{
    domain::{Body, Dialect, Event, OrgId, Scheduled},
    message::EventIds,
};

/// An event that nobody sent.
pub(super) fn internal_event(ids: &EventIds, org: OrgId, scheduled: Scheduled, now: DateTime<Utc>) -> Event {
    Event {
        id: ids.issue(org, now),
        org: Some(org),
        dialect: Dialect::Internal,
        received_at: now,
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings: Vec::new(),
        body: Body::Scheduled(scheduled),
    }
}
