//! API keys and pixel keys. A key is known by its hash, so a new key under an old name lives beside the old one.

use sqlx::types::Json;

use super::{
    error::SyncError,
    target::{Target, Written, WrittenRow},
};
use crate::catalog::report::Thing;

pub(super) async fn write(target: &mut Target<'_>) -> Result<(), SyncError> {
    let org = target.org;
    let mut written = update(target).await?;
    written.extend(insert(target).await?);
    target.add(Thing::Key, org.keys.len(), written);
    for (name, _) in revoked(target).await? {
        let note = format!(
            "key {name:?} of org {:?} was revoked and stays revoked",
            org.id.get_ref()
        );
        target.report.notes.push(note);
    }
    let written = upsert_pixel_keys(target).await?;
    target.add(Thing::PixelKey, org.pixel_keys.len(), written);
    Ok(())
}

async fn update(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let keys = &target.org.keys;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"UPDATE api_keys k
         SET name = f.name, hint = f.hint, scopes = f.scopes, program_id = p.program_id, owner = f.owner,
             owner_id = f.owner_id, timezone = f.timezone, rate_per_minute = f.rate_per_minute,
             repeats = f.repeats
         FROM jsonb_to_recordset($2) AS f (
             name text, hash text, hint text, scopes text[], program text, owner text, owner_id text,
             timezone text, rate_per_minute integer, repeats text)
         LEFT JOIN programs p ON p.org_id = $1 AND p.slug = f.program
         WHERE k.org_id = $1 AND k.key_hash = decode(f.hash, 'hex')
             AND (k.name, k.hint, k.scopes, k.program_id, k.owner, k.owner_id, k.timezone, k.rate_per_minute,
                  k.repeats)
                 IS DISTINCT FROM
                   (f.name, f.hint, f.scopes, p.program_id, f.owner, f.owner_id, f.timezone, f.rate_per_minute, f.repeats)
         RETURNING f.name AS "id!", false AS "is_new!""#,
        target.org_id,
        Json(keys) as _
    );
    target.run("keys.update", keys.len(), query).await
}

/// Not an upsert: a key of another organisation must be a conflict, not a change.
async fn insert(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let keys = &target.org.keys;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"INSERT INTO api_keys
             (org_id, key_hash, hint, name, scopes, program_id, owner, owner_id, timezone, rate_per_minute,
              repeats, created_at)
         SELECT $1, decode(f.hash, 'hex'), f.hint, f.name, f.scopes, p.program_id, f.owner, f.owner_id,
             f.timezone, f.rate_per_minute, f.repeats, $3
         FROM jsonb_to_recordset($2) AS f (
             name text, hash text, hint text, scopes text[], program text, owner text, owner_id text,
             timezone text, rate_per_minute integer, repeats text)
         LEFT JOIN programs p ON p.org_id = $1 AND p.slug = f.program
         WHERE NOT EXISTS (SELECT FROM api_keys k WHERE k.org_id = $1 AND k.key_hash = decode(f.hash, 'hex'))
         RETURNING name AS id, true AS "is_new!""#,
        target.org_id,
        Json(keys) as _,
        target.now
    );
    target.run("keys.insert", keys.len(), query).await
}

/// The keys of the file that have been revoked.
async fn revoked(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let keys = &target.org.keys;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"SELECT f.name AS "id!", false AS "is_new!"
         FROM jsonb_to_recordset($2) AS f (name text, hash text)
         JOIN api_keys k ON k.org_id = $1 AND k.key_hash = decode(f.hash, 'hex')
         WHERE k.revoked_at IS NOT NULL"#,
        target.org_id,
        Json(keys) as _
    );
    target.run("keys.revoked", keys.len(), query).await
}

async fn upsert_pixel_keys(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let keys = &target.org.pixel_keys;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"INSERT INTO pixel_keys AS k (org_id, pixel_key, secret, address_ranges, created_at)
         SELECT $1, id, secret, address_ranges, $3
         FROM jsonb_to_recordset($2) AS f (id text, secret text, address_ranges cidr[])
         ON CONFLICT (org_id, pixel_key) DO UPDATE
         SET secret = excluded.secret, address_ranges = excluded.address_ranges
         WHERE (k.secret, k.address_ranges) IS DISTINCT FROM (excluded.secret, excluded.address_ranges)
         RETURNING pixel_key AS id, xmax = 0 AS "is_new!""#,
        target.org_id,
        Json(keys) as _,
        target.now
    );
    target.run("pixel_keys.upsert", keys.len(), query).await
}
