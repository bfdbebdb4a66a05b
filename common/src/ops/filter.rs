//! Which events an operator means.

use chrono::{DateTime, Utc};

use crate::{
    db::{Connection, DbError, id_range::first_id_at},
    domain::{EventId, EventKind, OrgId, Reason},
};

/// Refusals that only repeat an earlier event: hidden unless asked for.
pub const DUPLICATES: [Reason; 2] = [Reason::DuplicateOrder, Reason::IdempotentRepeat];

/// The status of an event's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Queued,
    Applied,
    Refused,
    Parked,
    Dead,
    Discarded,
}

impl Status {
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Applied,
        Self::Refused,
        Self::Parked,
        Self::Dead,
        Self::Discarded,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Parked => "parked",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

/// What is not given does not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub org: Option<OrgId>,
    /// Empty: all.
    pub statuses: Vec<Status>,
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

/// The condition of [`Filter`] on `events e`, with the parameters $1 to $8. Times are bounds on the id, so that only the
/// partitions of those days are read.
macro_rules! matching {
    () => {
        "($1::bigint IS NULL OR e.org_id = $1)
         AND ($2::text[] IS NULL OR e.status = ANY($2))
         AND ($3::text IS NULL OR e.reason = $3)
         AND ($4::text IS NULL OR e.kind = $4)
         AND ($5::text IS NULL OR e.order_key = $5)
         AND ($6::uuid IS NULL OR e.event_id >= $6)
         AND ($7::uuid IS NULL OR e.event_id < $7)
         AND ($8::text[] IS NULL OR e.reason IS NULL OR e.reason <> ALL($8))"
    };
}
pub(super) use matching;

/// Binds the parameters of `matching!`.
macro_rules! bind_filter {
    ($query:expr, $filter:expr) => {
        $query
            .bind($filter.org.map(|org| org.0))
            .bind($filter.status_names())
            .bind($filter.code.as_deref())
            .bind($filter.kind.map(crate::domain::EventKind::name))
            .bind($filter.order.as_deref())
            .bind($filter.least_id())
            .bind($filter.end_id())
            .bind($filter.hidden())
    };
}
pub(super) use bind_filter;

impl Filter {
    pub(super) fn status_names(&self) -> Option<Vec<&'static str>> {
        let names: Vec<_> = self.statuses.iter().map(|status| status.name()).collect();
        (!names.is_empty()).then_some(names)
    }

    pub(super) fn least_id(&self) -> Option<uuid::Uuid> {
        self.from.map(first_id_at)
    }

    pub(super) fn end_id(&self) -> Option<uuid::Uuid> {
        let before = self.before.map(|id| id.0);
        let until = self.until.map(first_id_at);
        before.into_iter().chain(until).min()
    }

    pub(super) fn hidden(&self) -> Option<Vec<&'static str>> {
        let codes: Vec<_> = DUPLICATES.iter().map(|reason| reason.code()).collect();
        let asked = self.duplicates || self.code.as_deref().is_some_and(|code| codes.contains(&code));
        (!asked).then_some(codes)
    }
}

/// The organisation that `slug` names.
pub async fn org_by_slug(conn: &mut Connection, slug: &str) -> Result<Option<OrgId>, DbError> {
    let found = sqlx::query_scalar("SELECT org_id FROM orgs WHERE slug = $1")
        .bind(slug)
        .fetch_optional(conn)
        .await
        .map_err(|error| DbError::new("ops.org", error))?;
    Ok(found.map(OrgId))
}
