//! How affiliates want to be paid.

use sqlx::types::Json;

use crate::{
    db::{Connection, DbError},
    domain::{AffiliateId, MetaData, OrgId},
};

#[derive(Clone, Debug, PartialEq)]
pub struct PayoutMethod {
    /// Such as `paypal`.
    pub id: String,
    /// As they were sent.
    pub details: MetaData,
    pub is_primary: bool,
}

/// The payout methods of an affiliate, or the one of that id: the primary one first, the others as they came.
///
/// # Errors
/// When the database does not answer.
pub async fn of_affiliate(
    conn: &mut Connection,
    org: OrgId,
    affiliate: AffiliateId,
    method: Option<&str>,
) -> Result<Vec<PayoutMethod>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT method_id, details AS "details: Json<MetaData>", is_primary
         FROM payout_methods
         WHERE org_id = $1 AND affiliate_id = $2 AND ($3::text IS NULL OR method_id = $3)
         ORDER BY is_primary DESC, created_at, method_id"#,
        org.0,
        affiliate.0,
        method
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("payout_methods.of_affiliate", error))?;
    let methods = rows.into_iter().map(|row| PayoutMethod {
        id: row.method_id,
        details: row.details.0,
        is_primary: row.is_primary,
    });
    Ok(methods.collect())
}
