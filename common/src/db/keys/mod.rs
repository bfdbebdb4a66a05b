//! API keys: what a client proves itself with. Only their hashes are stored.
//!
//! The ingest reads all of them into memory and never asks the database on the request path; every change of keys
//! notifies [`notify::KEYS`] when it commits.

mod error;
mod public;
mod quotas;
mod repeats;
mod scope;
mod timezone;
mod token;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Serialize;

pub use error::KeyError;
pub use public::{Client, PixelKey, address_range, pixel_secret};
pub use quotas::{MAX_PER_MINUTE, MAX_UNDER_WAY, OrgQuota};
pub use repeats::{Repeats, UnknownRepeats};
pub use scope::{Scope, UnknownScope};
pub use timezone::{Timezone, UnknownTimezone};
pub use token::{generate_key, hash_key, is_mistyped};

pub(crate) use token::hint;

use self::error::org_id;
use super::{Connection, DbError, notify, programs, settings};
use crate::domain::{OrgId, ProgramId};

/// Requests a minute of a key for which nothing else was said.
pub const DEFAULT_RATE_PER_MINUTE: i32 = 100_000;

/// A key that counts, with what a request needs to know of its organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub org: OrgId,
    pub org_slug: String,
    pub key_id: i64,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    pub scopes: Vec<Scope>,
    /// The one program that the key sees.
    pub program: Option<ProgramId>,
    pub rate_per_minute: u32,
    pub owner: String,
    pub owner_id: String,
    /// In which the owner counts days, where that is asked for.
    pub timezone: Timezone,
    pub repeats: Repeats,
    /// Without it every dialect answers 403.
    pub affiliates_feature: bool,
}

impl ApiKey {
    /// Whether a repeated sale is answered as it was first.
    pub fn answers_first(&self) -> bool {
        self.repeats == Repeats::First
    }
}

/// All keys that count, and what else names an organisation.
#[derive(Clone, Debug)]
pub struct KeySnapshot {
    pub keys: Vec<ApiKey>,
    pub clients: Vec<Client>,
    pub pixels: Vec<PixelKey>,
    /// Of organisations that have one.
    pub quotas: Vec<OrgQuota>,
    /// Proves that an event id was issued by this installation.
    pub receipt_secret: SecretString,
}

/// A key as its organisation sees it: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyRow {
    pub key_id: i64,
    /// The first characters.
    pub hint: String,
    pub name: String,
    pub scopes: Vec<String>,
    /// The slug of the program that it is bound to.
    pub program: Option<String>,
    pub owner: String,
    pub owner_id: String,
    /// The owner's, an IANA name.
    pub timezone: String,
    pub rate_per_minute: i32,
    /// As of [`Repeats`].
    pub repeats: String,
    pub created_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A key to be created.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Slug of the organisation.
    pub org: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Slug of the program that it is to be bound to.
    pub program: Option<String>,
    /// Requests, from 1.
    pub rate_per_minute: i32,
    pub owner: String,
    pub owner_id: String,
    pub timezone: Timezone,
    pub repeats: Repeats,
}

struct ApiKeyRow {
    org: OrgId,
    org_slug: String,
    key_id: i64,
    hash: [u8; 32],
    scopes: Vec<String>,
    program: Option<ProgramId>,
    rate_per_minute: i32,
    owner: String,
    owner_id: String,
    timezone: String,
    repeats: String,
    affiliates_feature: bool,
}

/// Selects the [`ApiKeyRow`]s that count; `$which` says more.
macro_rules! select_api_keys {
    ($which:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            ApiKeyRow,
            r#"SELECT k.org_id AS "org: OrgId", o.slug AS org_slug, k.key_id, k.key_hash AS "hash: [u8; 32]", k.scopes,
                      k.program_id AS "program: ProgramId", k.rate_per_minute, k.owner, k.owner_id, k.timezone,
                      k.repeats, o.affiliates_feature
               FROM api_keys k JOIN orgs o USING (org_id)
               WHERE k.revoked_at IS NULL "# + $which
            $(, $argument)*
        )
    };
}

/// Selects [`KeyRow`]s from `$keys`, which may be made by a `$with`.
macro_rules! select_key_rows {
    ($with:literal, $keys:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            KeyRow,
            $with + r#" SELECT k.key_id, k.hint, k.name, k.scopes, p.slug AS "program?", k.owner, k.owner_id,
                      k.timezone, k.rate_per_minute, k.repeats, k.created_at, k.revoked_at
               FROM "# + $keys
            $(, $argument)*
        )
    };
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            org: row.org,
            org_slug: row.org_slug,
            key_id: row.key_id,
            hash: row.hash,
            // A newer version's scopes mean nothing to this one.
            scopes: row.scopes.iter().filter_map(|name| name.parse().ok()).collect(),
            program: row.program,
            rate_per_minute: row.rate_per_minute.unsigned_abs(),
            owner: row.owner,
            owner_id: row.owner_id,
            // A zone that only a newer version knows.
            timezone: row.timezone.parse().unwrap_or_default(),
            // As for a zone.
            repeats: row.repeats.parse().unwrap_or_default(),
            affiliates_feature: row.affiliates_feature,
        }
    }
}

/// All keys that are not revoked, of all organisations.
///
/// # Errors
/// When the database does not answer, or was not migrated.
pub async fn snapshot(connection: &mut Connection) -> Result<KeySnapshot, DbError> {
    let rows = select_api_keys!("ORDER BY k.org_id, k.key_id")
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| DbError::new("keys.snapshot", error))?;
    let clients = public::clients(connection).await?;
    let pixels = public::pixels(connection).await?;
    let quotas = quotas::all(connection).await?;
    let receipt_secret = settings::receipt_secret(connection).await?;
    Ok(KeySnapshot {
        keys: rows.into_iter().map(ApiKey::from).collect(),
        clients,
        pixels,
        quotas,
        receipt_secret,
    })
}

/// The key with this hash, if there is one that is not revoked.
///
/// # Errors
/// When the database does not answer.
pub async fn by_hash(connection: &mut Connection, hash: &[u8; 32]) -> Result<Option<ApiKey>, DbError> {
    let row = select_api_keys!("AND k.key_hash = $1", hash.as_slice())
        .fetch_optional(connection)
        .await
        .map_err(|error| DbError::new("keys.by_hash", error))?;
    Ok(row.map(ApiKey::from))
}

/// Creates a key and returns it: the only time that it can be seen.
///
/// # Errors
/// When organisation or program are unknown, or the database does not answer.
pub async fn create(
    connection: &mut Connection,
    new: &NewKey,
    now: DateTime<Utc>,
) -> Result<(String, KeyRow), KeyError> {
    let org = org_id(connection, &new.org).await?;
    let program = match &new.program {
        Some(program) => Some(program_id(connection, org, &new.org, program).await?),
        None => None,
    };
    let key = generate_key();
    let hash = hash_key(&key);
    let scopes: Vec<String> = new.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    let row = select_key_rows!(
        "WITH created AS (
             INSERT INTO api_keys
                 (org_id, key_hash, hint, name, scopes, program_id, owner, owner_id, timezone, rate_per_minute, created_at,
                  repeats)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             RETURNING *)",
        "created k LEFT JOIN programs p USING (org_id, program_id)",
        org,
        hash.as_slice(),
        hint(&key),
        new.name,
        &scopes,
        program,
        new.owner,
        new.owner_id,
        new.timezone.name(),
        new.rate_per_minute,
        now,
        new.repeats.name()
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| DbError::new("keys.create", error))?;
    notify(connection).await?;
    Ok((key, row))
}

/// The keys of an organisation, revoked ones too, the oldest first.
///
/// # Errors
/// When there is no such organisation, or the database does not answer.
pub async fn list(connection: &mut Connection, org: &str) -> Result<Vec<KeyRow>, KeyError> {
    let id = org_id(connection, org).await?;
    let rows = select_key_rows!(
        "",
        "api_keys k LEFT JOIN programs p USING (org_id, program_id) WHERE k.org_id = $1 ORDER BY k.key_id",
        id
    )
    .fetch_all(connection)
    .await;
    Ok(rows.map_err(|error| DbError::new("keys.list", error))?)
}

/// Revokes the key of an organisation that has this number or hint; every ingest forgets it within seconds. A key that
/// is revoked already stays as it is.
///
/// # Errors
/// When it names no key of the organisation, or several, or the database does not answer.
pub async fn revoke(
    connection: &mut Connection,
    org: &str,
    key: &str,
    now: DateTime<Utc>,
) -> Result<KeyRow, KeyError> {
    let id = org_id(connection, org).await?;
    let found = sqlx::query_scalar!(
        "SELECT key_id FROM api_keys WHERE org_id = $1 AND (key_id::text = $2 OR hint = $2)",
        id,
        key
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| DbError::new("keys.find", error))?;
    let (org, key) = (org.to_owned(), key.to_owned());
    let key_id = match found.as_slice() {
        [] => return Err(KeyError::UnknownKey { org, key }),
        [key_id] => *key_id,
        _ => return Err(KeyError::Ambiguous { org, key }),
    };
    let row = select_key_rows!(
        "WITH revoked AS (
             UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE org_id = $1 AND key_id = $2 RETURNING *)",
        "revoked k LEFT JOIN programs p USING (org_id, program_id)",
        id,
        key_id,
        now
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| DbError::new("keys.revoke", error))?;
    notify(connection).await?;
    Ok(row)
}

/// Tells every ingest to read the keys again, once the transaction commits.
pub(crate) async fn notify(connection: &mut Connection) -> Result<(), DbError> {
    notify::notify(connection, notify::KEYS).await
}

async fn program_id(
    connection: &mut Connection,
    org: i64,
    org_slug: &str,
    slug: &str,
) -> Result<i64, KeyError> {
    let found = programs::by_slug(connection, OrgId(org), slug).await?;
    let unknown = || KeyError::UnknownProgram {
        org: org_slug.to_owned(),
        program: slug.to_owned(),
    };
    found.map(|program| program.0).ok_or_else(unknown)
}
