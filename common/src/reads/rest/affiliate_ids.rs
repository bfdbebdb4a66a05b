//! Whom an affiliate's id in a path names.

use crate::{
    db::{Connection, DbError},
    domain::{AffiliateId, OrgId, ProgramId},
};

/// The affiliate of that id who is not deleted; for a key that is bound to a program, one who takes part in it.
///
/// # Errors
/// When the database does not answer.
pub async fn affiliate(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
) -> Result<Option<AffiliateId>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT a.affiliate_id AS "affiliate: AffiliateId"
           FROM affiliates a
          WHERE a.org_id = $1 AND a.slug = $2 AND a.deleted_at IS NULL
            AND ($3::bigint IS NULL OR EXISTS (
                SELECT FROM affiliations f
                 WHERE f.org_id = a.org_id AND f.program_id = $3 AND f.affiliate_id = a.affiliate_id))"#,
        org.0,
        slug,
        scope.map(|program| program.0)
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| DbError::new("affiliates.by_slug", error))
}
