//! Organisations, as the command line names them.

use super::{Connection, DbError};
use crate::domain::OrgId;

/// The organisation that `slug` names.
///
/// # Errors
/// When the database does not answer.
pub async fn by_slug(conn: &mut Connection, slug: &str) -> Result<Option<OrgId>, DbError> {
    sqlx::query_scalar!(r#"SELECT org_id AS "org: OrgId" FROM orgs WHERE slug = $1"#, slug)
        .fetch_optional(conn)
        .await
        .map_err(|error| DbError::new("orgs.by_slug", error))
}
