//! Idempotency keys: which event used a key first, and for which request.

use uuid::Uuid;

use super::{Connection, DbError};
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
    let rows: Vec<(i64, String, Uuid, Vec<u8>)> = sqlx::query_as(
        "SELECT k.org_id, k.key, k.event_id, k.request_hash
         FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, key)
         JOIN idempotency_keys k ON (k.org_id, k.key) = (sent.org_id, sent.key)",
    )
    .bind(orgs)
    .bind(names)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("idempotency.load", error))?;
    let record = |(org, key, event, hash)| {
        (
            (OrgId(org), key),
            IdempotencyRecord {
                event: EventId(event),
                hash: hex::encode::<Vec<u8>>(hash),
            },
        )
    };
    Ok(rows.into_iter().map(record).collect())
}

/// Notes first uses.
///
/// # Errors
/// When the database does not answer, or another transaction noted a key without holding its lock.
pub async fn insert(
    connection: &mut Connection,
    uses: &[(OrgId, Idempotency, EventId)],
) -> Result<(), DbError> {
    let orgs: Vec<i64> = uses.iter().map(|one| one.0.0).collect();
    let keys: Vec<&str> = uses.iter().map(|one| one.1.key.as_str()).collect();
    let events: Vec<Uuid> = uses.iter().map(|one| one.2.0).collect();
    let hashes: Vec<&str> = uses.iter().map(|one| one.1.hash.as_str()).collect();
    sqlx::query(
        "INSERT INTO idempotency_keys (org_id, key, event_id, request_hash)
         SELECT org_id, key, event_id, decode(hash, 'hex')
         FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[]) AS used (org_id, key, event_id, hash)
         ORDER BY org_id, key",
    )
    .bind(orgs)
    .bind(keys)
    .bind(events)
    .bind(hashes)
    .execute(connection)
    .await
    .map_err(|error| DbError::new("idempotency.insert", error))?;
    Ok(())
}
