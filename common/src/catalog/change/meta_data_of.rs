//! The meta data of an affiliate, whole and by key.

use serde_json::{Value, json};
use sqlx::types::Json;

use super::{
    ChangeError, Changeset,
    affiliate::{Living, living},
};
use crate::{
    db::DbError,
    domain::{AffiliateId, MAX_META_PROPERTIES, MetaData},
};

/// Replaces all of it.
///
/// # Errors
/// [`ChangeError::NotFound`] for the affiliate.
pub async fn replace(change: &mut Changeset, slug: &str, after: &MetaData) -> Result<(), ChangeError> {
    let Living { id, meta_data, .. } = living(change, slug).await?;
    write(change, slug, id, &meta_data, after).await
}

/// Sets one property; the others stay.
///
/// # Errors
/// [`ChangeError::NotFound`] for the affiliate, [`ChangeError::Invalid`] where there are as many as there may be.
pub async fn set(change: &mut Changeset, slug: &str, key: &str, value: Value) -> Result<(), ChangeError> {
    let Living { id, meta_data, .. } = living(change, slug).await?;
    let mut after = meta_data.clone();
    after.insert(key.to_owned(), value);
    if after.len() > MAX_META_PROPERTIES.max(meta_data.len()) {
        let message = format!("meta_data has more than {MAX_META_PROPERTIES} properties");
        return Err(ChangeError::Invalid(message));
    }
    write(change, slug, id, &meta_data, &after).await
}

/// Removes one property.
///
/// # Errors
/// [`ChangeError::NotFound`] for the affiliate, and for a property that is not there.
pub async fn remove(change: &mut Changeset, slug: &str, key: &str) -> Result<(), ChangeError> {
    let Living { id, meta_data, .. } = living(change, slug).await?;
    let mut after = meta_data.clone();
    after.remove(key).ok_or(ChangeError::NotFound)?;
    write(change, slug, id, &meta_data, &after).await
}

async fn write(
    change: &mut Changeset,
    slug: &str,
    id: AffiliateId,
    before: &MetaData,
    after: &MetaData,
) -> Result<(), ChangeError> {
    let org = change.org().0;
    sqlx::query!(
        "UPDATE affiliates SET profile = jsonb_set(profile, '{meta_data}', $3) WHERE org_id = $1 AND affiliate_id = $2",
        org,
        id.0,
        Json(after) as _
    )
    .execute(change.connection())
    .await
    .map_err(|error| DbError::new("affiliates.meta_data", error))?;
    let (before, after) = (json!({"meta_data": before}), json!({"meta_data": after}));
    change.note(
        "affiliate.meta_data",
        &format!("affiliate/{slug}"),
        Some(before),
        Some(after),
    );
    Ok(())
}
