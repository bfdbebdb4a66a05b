//! Hosts and assets are taken away from programs. They are added as a file adds them.

use serde_json::json;

use super::{ChangeError, Changeset};
use crate::db::DbError;

/// Takes a host away: clicks without a key that come from there find the program no more.
///
/// # Errors
/// [`ChangeError::NotFound`] where the program does not have it.
pub async fn remove_host(change: &mut Changeset, program: &str, host: &str) -> Result<(), ChangeError> {
    let org = change.org().0;
    let removed = sqlx::query!(
        "DELETE FROM program_hosts h USING programs p
         WHERE h.host = $3 AND h.org_id = $1 AND (p.org_id, p.program_id) = (h.org_id, h.program_id) AND p.slug = $2",
        org,
        program,
        host
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("hosts.remove", error))?;
    if removed.rows_affected() == 0 {
        return Err(ChangeError::NotFound);
    }
    let subject = format!("program/{program}");
    change.note("host.remove", &subject, Some(json!({ "host": host })), None);
    Ok(())
}

/// Takes away an asset that no affiliate of the program uses.
///
/// # Errors
/// [`ChangeError::NotFound`] where the program does not have it, [`ChangeError::Invalid`] where one does.
pub async fn remove_asset(change: &mut Changeset, program: &str, asset: &str) -> Result<(), ChangeError> {
    let org = change.org().0;
    let used_by = sqlx::query_scalar!(
        "SELECT a.slug FROM affiliations o
         JOIN programs p USING (org_id, program_id) JOIN affiliates a USING (org_id, affiliate_id)
         WHERE o.org_id = $1 AND p.slug = $2 AND o.asset_id = $3 ORDER BY a.slug LIMIT 1",
        org,
        program,
        asset
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("assets.used", error))?;
    if let Some(affiliate) = used_by {
        let message = format!("asset {asset:?} is used by affiliate {affiliate:?}");
        return Err(ChangeError::Invalid(message));
    }
    let removed = sqlx::query!(
        "DELETE FROM program_assets a USING programs p
         WHERE a.org_id = $1 AND a.asset_id = $3 AND (p.org_id, p.program_id) = (a.org_id, a.program_id) AND p.slug = $2",
        org,
        program,
        asset
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("assets.remove", error))?;
    if removed.rows_affected() == 0 {
        return Err(ChangeError::NotFound);
    }
    let subject = format!("asset/{program}/{asset}");
    change.note("asset.remove", &subject, Some(json!({})), None);
    Ok(())
}
