//! API keys, by their hashes, and the keys of pixels. Only those that were not revoked.

use serde_json::{Map, Value};

use super::thing::{Known, object};
use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

/// An API key.
#[derive(Clone)]
pub(in crate::catalog) struct Key {
    /// SHA-256 in hex.
    pub(in crate::catalog) hash: String,
    pub(in crate::catalog) name: String,
    /// Neither the hash nor the name.
    pub(in crate::catalog) fields: Map<String, Value>,
}

/// What of pixel keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Pixels {
    WithSecrets,
    WithoutSecrets,
}

struct KeyRow {
    hash: String,
    name: String,
    fields: Value,
}

struct PixelRow {
    id: String,
    fields: Value,
    secret: String,
}

pub(super) async fn keys(connection: &mut Connection, org: OrgId) -> Result<Vec<Key>, DbError> {
    let rows = sqlx::query_as!(
        KeyRow,
        r#"SELECT encode(k.key_hash, 'hex') AS "hash!", k.name, jsonb_strip_nulls(jsonb_build_object(
               'hint', k.hint, 'scopes', k.scopes, 'program', p.slug,
               'owner', jsonb_build_object('id', k.owner_id, 'name', k.owner), 'timezone', k.timezone,
               'rate_per_minute', k.rate_per_minute, 'repeats', k.repeats)) AS "fields!"
           FROM api_keys k LEFT JOIN programs p USING (org_id, program_id)
           WHERE k.org_id = $1 AND k.revoked_at IS NULL ORDER BY k.key_id"#,
        org.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.keys", error))?;
    let each = rows.into_iter().map(|row| Key {
        hash: row.hash,
        name: row.name,
        fields: object(row.fields),
    });
    Ok(each.collect())
}

pub(super) async fn pixel_keys(
    connection: &mut Connection,
    org: OrgId,
    pixels: Pixels,
) -> Result<Vec<Known>, DbError> {
    let rows = sqlx::query_as!(
        PixelRow,
        r#"SELECT pixel_key AS id, secret, jsonb_build_object('address_ranges', address_ranges) AS "fields!"
           FROM pixel_keys WHERE org_id = $1 AND revoked_at IS NULL ORDER BY created_at, pixel_key COLLATE "C""#,
        org.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.pixel_keys", error))?;
    let each = rows.into_iter().map(|row| {
        let mut fields = object(row.fields);
        if pixels == Pixels::WithSecrets {
            fields.insert("secret".to_owned(), row.secret.into());
        }
        Known { id: row.id, fields }
    });
    Ok(each.collect())
}
