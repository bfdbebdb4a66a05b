//! Entries of the audit trail, latest first.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::OrgId,
};

/// Which entries; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub org: Option<OrgId>,
    /// A thing and all that is below it: `affiliate/janejameson`, or `affiliate` for all of them.
    pub subject: Option<String>,
    /// An action and all that is below it: `key.create`, or `key`.
    pub action: Option<String>,
    /// Who: the owner of the key, the user at the command line, or the kind of them (`key`, `cli`, `catalog`).
    pub actor: Option<String>,
    /// From this time on.
    pub since: Option<DateTime<Utc>>,
    /// Only entries with a lesser number: the next page of one organisation's trail.
    pub before: Option<i64>,
}

/// Who changed what.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = native::AuditEntry)]
pub struct AuditEntry {
    /// The organisation.
    pub org: String,
    /// Its number in the trail of its organisation, from 1.
    pub entry: i64,
    pub at: DateTime<Utc>,
    /// `key`, `cli`, `catalog` or `console`.
    pub actor_kind: String,
    /// The key's owner, or the user.
    pub actor: String,
    /// The API key that was used.
    pub key_id: Option<i64>,
    /// Of the HTTP request.
    pub request_id: Option<String>,
    /// The event that it was, or was about.
    pub event_id: Option<Uuid>,
    pub action: String,
    pub subject: String,
    /// Null: it was not there.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    /// Null: it is gone.
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
    /// In hexadecimal digits; covers the entry and the hash before it.
    pub hash: String,
}

impl AuditFilter {
    fn conditions(&self) -> Conditions {
        Conditions::default()
            .equals("e.org_id", self.org.map(|org| org.0))
            .given(
                "(e.subject = {} OR starts_with(e.subject, {} || '/'))",
                self.subject.as_deref(),
            )
            .given(
                "(e.action = {} OR starts_with(e.action, {} || '.'))",
                self.action.as_deref(),
            )
            .given("{} IN (e.actor, e.actor_kind)", self.actor.as_deref())
            .given("e.at >= {}", self.since)
            .given("e.entry < {}", self.before)
    }
}

/// At most `limit` entries that match: of one organisation by their numbers, of several by their times.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Connection,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditEntry>, DbError> {
    let mut sql = filter.conditions().statement(
        "SELECT o.slug AS org, e.entry, e.at, e.actor_kind, e.actor, e.key_id, e.request_id, e.event_id, e.action, e.subject,
                e.before, e.after, encode(e.hash, 'hex') AS hash
           FROM audit_entries e JOIN orgs o USING (org_id) WHERE ",
    );
    sql.push(match filter.org {
        Some(_) => " ORDER BY e.entry DESC LIMIT ",
        None => " ORDER BY e.at DESC, e.org_id, e.entry DESC LIMIT ",
    })
    .push_bind(i64::from(limit));
    sql.build_query_as()
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("audit.list", error))
}
