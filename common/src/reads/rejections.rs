//! Requests that were turned away, as people read them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::OrgId,
};

/// Which groups; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectionFilter {
    pub org: Option<OrgId>,
    pub dialect: Option<String>,
    pub reason: Option<String>,
    pub field: Option<String>,
    /// Seen from this time on.
    pub since: Option<DateTime<Utc>>,
}

/// Requests that became no event for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = native::Rejection)]
pub struct RejectionGroup {
    /// The organisation whose key was sent.
    pub org: String,
    /// `yaplet`, `tapfiliate`, `affitor`, `affy`, `pixel` or `native`.
    pub dialect: String,
    pub method: String,
    /// The pattern of the path; empty: no call is there.
    pub route: String,
    /// Such as `invalid`, `forbidden`, `rate_limited`.
    pub reason: String,
    /// The field that was wrong; empty: no single one.
    pub field: String,
    /// What the last one was answered.
    pub message: String,
    /// The names of what the last one sent, with the kind of each value; of the wrong field the value, unless it is personal.
    #[schema(value_type = Object)]
    pub sample: Value,
    pub count: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// At most `limit` groups that match, those seen last first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Connection,
    filter: &RejectionFilter,
    limit: u32,
) -> Result<Vec<RejectionGroup>, DbError> {
    let conditions = Conditions::default()
        .equals("r.org_id", filter.org.map(|org| org.0))
        .given("r.dialect = {}", filter.dialect.as_deref())
        .given("r.reason = {}", filter.reason.as_deref())
        .given("r.field = {}", filter.field.as_deref())
        .given("r.last_at >= {}", filter.since);
    let mut sql = conditions.statement(
        "SELECT o.slug AS org, r.dialect, r.method, r.route, r.reason, r.field, r.message, r.sample, r.count, r.first_at, r.last_at
           FROM rejections r JOIN orgs o USING (org_id) WHERE ",
    );
    sql.push(" ORDER BY r.last_at DESC, r.org_id, r.dialect, r.method, r.route, r.reason, r.field LIMIT ")
        .push_bind(i64::from(limit));
    sql.build_query_as()
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("rejections.list", error))
}
