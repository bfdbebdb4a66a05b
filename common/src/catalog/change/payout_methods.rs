//! How affiliates want to be paid.

use serde_json::Value;
use sqlx::types::Json;

use super::{ChangeError, Changeset};
use crate::{
    db::DbError,
    domain::{AffiliateId, MetaData},
};

/// Sets the details of a payout method of the affiliate `slug`; they replace `before`. The first method is the primary one.
///
/// # Errors
/// When the database does not answer.
pub async fn set(
    change: &mut Changeset,
    affiliate: AffiliateId,
    slug: &str,
    method: &str,
    details: &MetaData,
    before: Option<MetaData>,
) -> Result<(), ChangeError> {
    let (org, now) = (change.org(), change.author.now);
    sqlx::query!(
        "INSERT INTO payout_methods (org_id, affiliate_id, method_id, details, is_primary, created_at)
         SELECT $1, $2, $3, $4, NOT EXISTS (SELECT FROM payout_methods WHERE org_id = $1 AND affiliate_id = $2 AND is_primary), $5
         ON CONFLICT ON CONSTRAINT payout_methods_pkey DO UPDATE SET details = excluded.details",
        org.0,
        affiliate.0,
        method,
        Json(details) as _,
        now
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("payout_methods.set", error))?;
    change.note(
        "payout_method.set",
        &format!("affiliate/{slug}/payout_method/{method}"),
        before.map(Value::from),
        Some(details.clone().into()),
    );
    Ok(())
}
