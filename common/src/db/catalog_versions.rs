//! Which version of its catalog an organisation has: whoever keeps what it has loaded of one asks whether that still holds.

use std::collections::HashMap;

use super::{Connection, DbError};
use crate::domain::OrgId;

/// Those of the organisations. One that has never declared anything has none.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn of(connection: &mut Connection, orgs: &[OrgId]) -> Result<HashMap<OrgId, i64>, DbError> {
    let orgs: Vec<i64> = orgs.iter().map(|org| org.0).collect();
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org: OrgId", version FROM catalog_versions WHERE org_id = ANY ($1)"#,
        &orgs
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("catalog_versions.of", error))?;
    Ok(rows.into_iter().map(|row| (row.org, row.version)).collect())
}
