//! Which events an operator means.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::fingerprint::{fingerprint, group_id};
use crate::{
    db::{conditions::Conditions, id_range::first_id_at},
    domain::{Dialect, EventId, EventKind, EventStatus, OrgId, Reason},
};

/// In the words of the index of failures: only then it serves.
const HIDDEN: &str = "(e.reason IS NULL OR e.reason NOT IN ('duplicate_order', 'idempotent_repeat'))";
const OF_GROUP: &str = concat!(
    "e.status IN ('refused', 'dead') AND (",
    group_id!(),
    " = lower({}) OR ",
    fingerprint!(),
    " = {})"
);
const OF_CUSTOMER: &str = "EXISTS (SELECT FROM unnest({}::text[]) part WHERE strpos(e.body::text, part) > 0)";
const OF_TEXT: &str = "(strpos(lower(e.body::text), lower({}::text)) > 0
    OR position(convert_to({}::text, 'UTF8') IN f.original) > 0
    OR strpos(lower(encode(f.original, 'escape')), lower({}::text)) > 0)";

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
    pub dialect: Option<Dialect>,
    /// What failures of the same cause have in common, whole or by its short name.
    pub fingerprint: Option<String>,
    /// Only events that were tried more than once.
    pub again: bool,
    /// The customer by the merchant's id or by e-mail address, as the body names them.
    pub customer: Option<String>,
    /// Somewhere in the body, or in bytes that could not be decoded, in whatever case.
    pub text: Option<String>,
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
            .equals("e.dialect", self.dialect.map(Dialect::name))
            .given(OF_GROUP, self.fingerprint.as_deref())
            .and_some(self.again.then_some("e.attempt > 1"))
            .given(OF_CUSTOMER, self.customer.as_deref().map(customer_in_json))
            .given(OF_TEXT, self.text.as_deref())
            .equals("e.order_key", self.order.as_deref())
            .given("e.event_id >= {}", self.from.map(first_id_at))
            .given("e.event_id < {}", self.end_id())
            .and_some(self.hides_duplicates().then_some(HIDDEN))
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

    /// Whether events that only repeat an earlier one are left out.
    fn hides_duplicates(&self) -> bool {
        let is_duplicate = |code: &str| DUPLICATES.iter().any(|reason| reason.code() == code);
        !self.duplicates && !self.code.as_deref().is_some_and(is_duplicate)
    }
}

/// The parts of a body that name this customer, as they are written there.
fn customer_in_json(name: &str) -> Vec<String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (name, address) = (quoted(name), quoted(&name.trim().to_lowercase()));
    vec![
        format!("\"customer_id\":{name}"),
        format!("\"id\":{name}"),
        format!("\"email\":{name}"),
        format!("\"email\":{address}"),
        // Of a sale's customer; an order's is followed by something else.
        format!("\"external_id\":{name},\"email\":"),
    ]
}
