//! How many events of an organisation each ingest takes.

use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

/// The largest quota of events a minute.
pub const MAX_PER_MINUTE: i64 = 1_000_000_000;
/// The largest quota of events under way. Each is remembered until it is decided: some 200 bytes.
pub const MAX_UNDER_WAY: i64 = 100_000;

/// The quotas of an organisation that has one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrgQuota {
    pub org: OrgId,
    /// Events a minute.
    pub per_minute: Option<u32>,
    /// Events that were taken and are not decided yet.
    pub under_way: Option<u32>,
}

/// All quotas.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn all(connection: &mut Connection) -> Result<Vec<OrgQuota>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org: OrgId", events_per_minute, events_under_way FROM orgs
         WHERE events_per_minute IS NOT NULL OR events_under_way IS NOT NULL ORDER BY org_id"#
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("keys.quotas", error))?;
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let quotas = rows.into_iter().map(|row| OrgQuota {
        org: row.org,
        per_minute: number(row.events_per_minute),
        under_way: number(row.events_under_way),
    });
    Ok(quotas.collect())
}
