//! The keys of pixels, and the secrets by which links are signed: both may be generated, both are shown to whoever makes them.

use rand::distr::{Alphanumeric, SampleString as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::{ChangeError, Changeset, things};
use crate::db::{DbError, keys};

/// Letters and digits of a generated key, after its beginning: it is public and only has to be nobody else's.
const KEY_LENGTH: usize = 16;
/// Letters and digits of a generated secret: 190 bits.
const SECRET_LENGTH: usize = 32;

/// A key for somebody who names none.
pub fn generate_key() -> String {
    format!("px_{}", Alphanumeric.sample_string(&mut rand::rng(), KEY_LENGTH))
}

/// A secret for somebody who sends none.
pub fn generate_secret() -> SecretString {
    Alphanumeric.sample_string(&mut rand::rng(), SECRET_LENGTH).into()
}

/// Makes a key that is not there, and never was: what was revoked stays revoked. Returns it without the secret.
///
/// # Errors
/// [`ChangeError::Exists`], else as [`things::create`].
pub async fn create(
    change: &mut Changeset,
    org: &str,
    key: &str,
    secret: &SecretString,
    mut fields: Map<String, Value>,
) -> Result<Map<String, Value>, ChangeError> {
    let id = change.org();
    let was_revoked = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pixel_keys WHERE org_id = $1 AND pixel_key = $2 AND revoked_at IS NOT NULL) AS "was!""#,
        id.0,
        key
    )
    .fetch_one(change.connection())
    .await
    .map_err(|error| DbError::new("pixel_keys.was_revoked", error))?;
    if was_revoked {
        return Err(ChangeError::Exists(format!("{key:?} was revoked: name another")));
    }
    fields.insert("secret".to_owned(), secret.expose_secret().into());
    things::create(change, org, &["pixel_keys", key], &fields, None).await
}

/// Gives a key another secret: links that were signed by the one before count as unsigned. Returns it without the secret.
///
/// # Errors
/// As [`things::set`].
pub async fn rotate(
    change: &mut Changeset,
    org: &str,
    key: &str,
    secret: &SecretString,
) -> Result<Map<String, Value>, ChangeError> {
    let fields = Map::from_iter([("secret".to_owned(), secret.expose_secret().into())]);
    things::set(change, org, &["pixel_keys", key], &fields, None).await
}

/// Revokes a key, for good. Again it changes nothing.
///
/// # Errors
/// [`ChangeError::NotFound`].
pub async fn revoke(change: &mut Changeset, key: &str) -> Result<(), ChangeError> {
    let (org, now) = (change.org().0, change.author.now);
    let before = sqlx::query_scalar!(
        "UPDATE pixel_keys k SET revoked_at = coalesce(k.revoked_at, $3)
         FROM pixel_keys before
         WHERE k.org_id = $1 AND k.pixel_key = $2 AND (before.org_id, before.pixel_key) = (k.org_id, k.pixel_key)
         RETURNING before.revoked_at",
        org,
        key,
        now
    )
    .fetch_optional(change.connection())
    .await
    .map_err(|error| DbError::new("pixel_keys.revoke", error))?;
    let before = before.ok_or(ChangeError::NotFound)?;
    keys::notify(change.connection()).await?;
    change.note(
        "pixel_key.revoke",
        &format!("pixel_key/{key}"),
        Some(json!({"revoked_at": before})),
        Some(json!({"revoked_at": before.unwrap_or(now)})),
    );
    Ok(())
}
