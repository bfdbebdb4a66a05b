//! The orders and customers for which parked events wait: rows beside them, found by the locks that whoever brings one holds.

use uuid::Uuid;

use super::{Connection, DbError, decode};
use crate::domain::{Dependency, EventId, OrgId, Parked};

/// What waits under the locks `keys`. Some may not be parked any more: their rows are swept later.
///
/// # Errors
/// When the database does not answer.
pub async fn load(connection: &mut Connection, keys: &[i64]) -> Result<Vec<Parked>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT event_id AS "event_id: EventId", org_id AS "org_id: OrgId", kind, name
         FROM parked_keys WHERE key = ANY ($1)"#,
        keys
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("parked_keys.load", error))?;
    let parked = rows.into_iter().map(|row| {
        let waits_for = Dependency::parse(&row.kind, &row.name);
        Ok(Parked {
            event: row.event_id,
            org: row.org_id,
            waits_for: waits_for.ok_or_else(|| decode("parked_keys.name", &row.name))?,
        })
    });
    parked.collect()
}

/// Notes what events wait for that are parked in the same transaction, each with its lock.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write(connection: &mut Connection, parked: &[(i64, &Parked)]) -> Result<(), DbError> {
    let keys: Vec<i64> = parked.iter().map(|(key, _)| *key).collect();
    let of = || parked.iter().map(|(_, parked)| *parked);
    let events: Vec<Uuid> = of().map(|parked| parked.event.0).collect();
    let orgs: Vec<i64> = of().map(|parked| parked.org.0).collect();
    let kinds: Vec<&str> = of().map(|parked| parked.waits_for.kind()).collect();
    let names: Vec<String> = of().map(|parked| parked.waits_for.name().into_owned()).collect();
    sqlx::query!(
        "INSERT INTO parked_keys (key, event_id, org_id, kind, name)
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])
         ON CONFLICT ON CONSTRAINT parked_keys_pkey DO NOTHING",
        &keys,
        &events,
        &orgs,
        &kinds as _,
        &names
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("parked_keys.write", error))?;
    Ok(())
}

/// Removes the rows of events that are parked no more.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(connection: &mut Connection) -> Result<u64, DbError> {
    let swept = sqlx::query!(
        "DELETE FROM parked_keys k
         WHERE NOT EXISTS (SELECT FROM events e WHERE e.event_id = k.event_id AND e.status = 'parked')"
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("parked_keys.sweep", error))?;
    Ok(swept.rows_affected())
}
