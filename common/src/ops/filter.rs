//! Which events an operator means.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    db::{conditions::Conditions, id_range::first_id_at},
    domain::{EventId, EventKind, EventStatus, OrgId, Reason},
};

/// Refusals that only repeat an earlier event: hidden unless asked for.
pub const DUPLICATES: [Reason; 2] = [Reason::DuplicateOrder, Reason::IdempotentRepeat];

/// What is not given does not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub org: Option<OrgId>,
    /// Empty: all.
    pub statuses: Vec<EventStatus>,
    /// The reason of a refusal, or the code of a dead event.
    pub code: Option<String>,
    pub kind: Option<EventKind>,
    /// The external id of the conversion that the event is about.
    pub order: Option<String>,
    /// Received from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Received before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only events with a lesser id: the next page of a list.
    pub before: Option<EventId>,
    /// Also [`DUPLICATES`]. Naming one of them as `code` asks for it, too.
    pub duplicates: bool,
}

impl Filter {
    /// On `events e`. Times are bounds on the id, so that only the partitions of those days are read.
    pub(super) fn conditions(&self) -> Conditions {
        Conditions::default()
            .equals("e.org_id", self.org.map(|org| org.0))
            .given("e.status = ANY({})", self.status_names())
            .equals("e.reason", self.code.as_deref())
            .equals("e.kind", self.kind.map(EventKind::name))
            .equals("e.order_key", self.order.as_deref())
            .given("e.event_id >= {}", self.from.map(first_id_at))
            .given("e.event_id < {}", self.end_id())
            .given("(e.reason IS NULL OR e.reason <> ALL({}))", self.hidden())
    }

    fn status_names(&self) -> Option<Vec<&'static str>> {
        let names: Vec<_> = self.statuses.iter().map(|status| status.name()).collect();
        (!names.is_empty()).then_some(names)
    }

    fn end_id(&self) -> Option<Uuid> {
        let before = self.before.map(|id| id.0);
        let until = self.until.map(first_id_at);
        before.into_iter().chain(until).min()
    }

    /// Reasons of events that are left out.
    fn hidden(&self) -> Option<Vec<&'static str>> {
        let codes: Vec<_> = DUPLICATES.iter().map(|reason| reason.code()).collect();
        let is_asked_for = self.duplicates || self.code.as_deref().is_some_and(|code| codes.contains(&code));
        (!is_asked_for).then_some(codes)
    }
}
