//! The organisations that may be meant.

use super::limits::MAX_NAMED_ORGS;
use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

/// The organisation's name.
pub(super) async fn slug(conn: &mut Connection, org: OrgId) -> Result<Option<String>, DbError> {
    sqlx::query_scalar!("SELECT slug FROM orgs WHERE org_id = $1", org.0)
        .fetch_optional(conn)
        .await
        .map_err(|error| DbError::new("explain.org", error))
}

/// The organisations that know the order, with their slugs: at most [`MAX_NAMED_ORGS`] and one more.
///
/// # Errors
/// When the database does not answer.
pub async fn orgs_with(conn: &mut Connection, order: &str) -> Result<Vec<(OrgId, String)>, DbError> {
    // Each kind of row has an index of its own.
    let orgs = sqlx::query!(
        r#"SELECT o.org_id AS "org: OrgId", o.slug FROM orgs o
          WHERE EXISTS (SELECT FROM conversions c
                         WHERE c.org_id = o.org_id AND c.external_id = $1 AND c.deleted_at IS NULL)
             OR EXISTS (SELECT FROM conversions c
                         WHERE c.org_id = o.org_id AND c.external_id = $1 AND c.deleted_at IS NOT NULL)
             OR EXISTS (SELECT FROM events e
                         WHERE e.org_id = o.org_id AND e.order_key = $1 AND e.status IN ('refused', 'dead'))
             OR EXISTS (SELECT FROM events e
                         WHERE e.org_id = o.org_id AND e.order_key = $1 AND e.status = 'parked')
          ORDER BY o.slug
          LIMIT $2"#,
        order,
        MAX_NAMED_ORGS + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.orgs", error))?;
    Ok(orgs.into_iter().map(|row| (row.org, row.slug)).collect())
}
