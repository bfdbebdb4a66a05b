//! Queued events that may bring what others wait for: imports, replays, and what waits itself. They were accepted, and are under way
//! although no queue holds them.
//!
//! What waits is asked for by those only that came after it, and not before its own caller has been told something: else two of
//! them could wait for each other.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{Connection, DbError};
use crate::domain::{Dependency, EventId, OrgId};

/// Queued events of an organisation that are searched for a customer, a click or a session. Of more it is not known whether one
/// brings it.
const MAX_SEARCHED: i64 = 1_000;

/// An event, and what it needs.
#[derive(Clone, Debug)]
pub struct Need {
    pub event: EventId,
    pub org: OrgId,
    pub of: Dependency,
}

/// Events for which something that they need may still come from a queued event.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    connection: &mut Connection,
    needs: &[Need],
    now: DateTime<Utc>,
) -> Result<Vec<EventId>, DbError> {
    let (orders, others): (Vec<&Need>, Vec<&Need>) = needs
        .iter()
        .partition(|need| matches!(need.of, Dependency::Order(_)));
    let mut found = Vec::new();
    if !orders.is_empty() {
        found.extend(of_orders(connection, &orders, now).await?);
    }
    if !others.is_empty() {
        found.extend(of_others(connection, &others, now).await?);
    }
    Ok(found)
}

async fn of_orders(
    connection: &mut Connection,
    needs: &[&Need],
    now: DateTime<Utc>,
) -> Result<Vec<EventId>, DbError> {
    let events: Vec<Uuid> = needs.iter().map(|need| need.event.0).collect();
    let orgs: Vec<i64> = needs.iter().map(|need| need.org.0).collect();
    let names: Vec<String> = needs.iter().map(|need| need.of.name().into_owned()).collect();
    sqlx::query_scalar!(
        r#"SELECT need.event_id AS "id!: EventId"
         FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS need (event_id, org_id, name)
         WHERE EXISTS (
             SELECT FROM events q
             WHERE q.status = 'queued' AND q.kind = 'create_conversion'
               AND q.org_id = need.org_id AND q.order_key = need.name
               AND (q.waits_since IS NULL OR (q.event_id < need.event_id AND COALESCE(q.wait_until <= $4, true))))"#,
        &events,
        &orgs,
        &names,
        now
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("suppliers.orders", error))
}

/// Their names have no column: they stand in the bodies.
async fn of_others(
    connection: &mut Connection,
    needs: &[&Need],
    now: DateTime<Utc>,
) -> Result<Vec<EventId>, DbError> {
    let events: Vec<Uuid> = needs.iter().map(|need| need.event.0).collect();
    // A click that tells an event's organisation may be of any.
    let any = |need: &&Need| need.org == OrgId::UNLOCATED;
    let from: Vec<i64> = needs.iter().map(|need| need.org.0).collect();
    let to = needs
        .iter()
        .map(|need| if any(need) { i64::MAX } else { need.org.0 });
    let to: Vec<i64> = to.collect();
    let names: Vec<String> = needs
        .iter()
        .map(|need| Value::from(need.of.sent()).to_string())
        .collect();
    let kinds: Vec<String> = needs.iter().map(|need| kinds(&need.of)).collect();
    sqlx::query_scalar!(
        r#"SELECT need.event_id AS "id!: EventId"
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
           AS need (event_id, org_from, org_to, name, kinds)
         CROSS JOIN LATERAL (
             SELECT count(*) AS searched, bool_or(strpos(body, need.name) > 0) AS is_found
             FROM (SELECT q.body::text AS body FROM events q
                   WHERE q.status = 'queued' AND q.kind = ANY (string_to_array(need.kinds, ' '))
                     AND q.org_id BETWEEN need.org_from AND need.org_to AND q.event_id <> need.event_id
                     AND (q.waits_since IS NULL OR (q.event_id < need.event_id AND COALESCE(q.wait_until <= $6, true)))
                   LIMIT $7) searched) queued
         WHERE queued.is_found OR queued.searched >= $7"#,
        &events,
        &from,
        &to,
        &names,
        &kinds,
        now,
        MAX_SEARCHED
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("suppliers.others", error))
}

/// The kinds of events that bring it, as one text: an array of arrays would have to be rectangular.
fn kinds(of: &Dependency) -> String {
    let kinds: Vec<&str> = of.brought_by().iter().map(|kind| kind.name()).collect();
    kinds.join(" ")
}
