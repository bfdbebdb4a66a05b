//! Idempotency keys: which event used a key first, and for which request.

use uuid::Uuid;

use super::{Connection, DbError, columns::columns};
use crate::domain::{EventId, Idempotency, OrgId, world::IdempotencyRecord};

/// The records of the keys that have been used.
///
/// # Errors
/// When the database does not answer.
pub async fn load(
    connection: &mut Connection,
    keys: &[(OrgId, &str)],
) -> Result<Vec<((OrgId, String), IdempotencyRecord)>, DbError> {
    let (orgs, names): (Vec<i64>, Vec<&str>) = keys.iter().map(|(org, key)| (org.0, *key)).unzip();
    let rows = sqlx::query!(
        r#"SELECT k.org_id AS "org: OrgId", k.key, k.event_id AS "event: EventId", k.request_hash
         FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, key)
         JOIN idempotency_keys k ON (k.org_id, k.key) = (sent.org_id, sent.key)"#,
        &orgs,
        &names as _
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("idempotency.load", error))?;
    let records = rows.into_iter().map(|row| {
        let record = IdempotencyRecord {
            event: row.event,
            hash: hex::encode(row.request_hash),
        };
        ((row.org, row.key), record)
    });
    Ok(records.collect())
}

columns! {
    /// Uses of keys, column by column.
    Columns<'a> of (org, Idempotency { key, hash, secret_bytes: _ }, event) in &'a (OrgId, Idempotency, EventId) {
        org_id: i64 = org.0,
        key: &'a str = key,
        event_id: Uuid = event.0,
        /// As Postgres prints bytes.
        request_hash: String = format!("\\x{hash}"),
    }
}

/// Notes first uses.
///
/// # Errors
/// When the database does not answer, or another transaction noted a key without holding its lock.
pub(crate) async fn insert(
    connection: &mut Connection,
    uses: &[(OrgId, Idempotency, EventId)],
) -> Result<(), DbError> {
    let Some(new) = Columns::of(uses) else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO idempotency_keys (org_id, key, event_id, request_hash)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[]::bytea[]) AS used (org_id, key)
         ORDER BY org_id, key",
        &new.org_id,
        &new.key as _,
        &new.event_id,
        &new.request_hash,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("idempotency.insert", error))?;
    Ok(())
}
