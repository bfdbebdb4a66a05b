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
    /// `None`: any.
    pub org: Option<OrgId>,
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
    let orgs: Vec<i64> = needs.iter().map(|need| OrgId::stored(need.org)).collect();
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
    let from: Vec<i64> = needs.iter().map(|need| OrgId::stored(need.org)).collect();
    let to: Vec<i64> = needs
        .iter()
        .map(|need| need.org.map_or(i64::MAX, |org| org.0))
        .collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::Pool,
        domain::{ClickId, Identity},
    };

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_790_000_000_000).unwrap()
    }

    fn id(n: u128) -> EventId {
        EventId(Uuid::from_u128((1_790_000_000_000 << 80) | n))
    }

    /// Since which barrier a queued event waits for what it needs itself, and until when its caller waits.
    type Waits = (Option<i64>, Option<DateTime<Utc>>);

    const READY: Waits = (None, None);

    /// A queued event.
    async fn queued(pool: &Pool, n: u128, kind: &str, order: &str, body: &str, waits: Waits) {
        sqlx::query(
            "INSERT INTO events (event_id, org_id, kind, dialect, status, order_key, received_at, trusted, body,
                 waits_since, wait_until)
             VALUES ($1, 1, $2, 'native', 'queued', $3, $4, true, $5::json, $6, $7)",
        )
        .bind(id(n).0)
        .bind(kind)
        .bind(order)
        .bind(now())
        .bind(body)
        .bind(waits.0)
        .bind(waits.1)
        .execute(pool)
        .await
        .unwrap();
    }

    /// Whether what the 50th event of an organisation needs may come from a queued event.
    async fn may_come(pool: &Pool, org: i64, of: Dependency) -> bool {
        let need = Need {
            event: id(50),
            org: OrgId::from_stored(org),
            of,
        };
        let mut conn = pool.acquire().await.unwrap();
        let found = find(&mut conn, &[need], now()).await.unwrap();
        assert!(found.is_empty() || found == [id(50)]);
        !found.is_empty()
    }

    fn order(name: &str) -> Dependency {
        Dependency::Order(name.to_owned())
    }

    fn customer(name: &str) -> Dependency {
        Dependency::Customer(Identity::Id(name.to_owned()))
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn what_is_queued_brings_what_it_names(pool: Pool) {
        let sale = r#"{"create_conversion":{"external_id":"o1","customer":{"identity":{"id":"c\"1"}}}}"#;
        queued(&pool, 90, "create_conversion", "o1", sale, READY).await;
        queued(
            &pool,
            91,
            "refund",
            "o2",
            r#"{"refund":{"external_id":"o2"}}"#,
            READY,
        )
        .await;
        queued(
            &pool,
            92,
            "click",
            "",
            r#"{"click":{"name":"x","session":"s"}}"#,
            READY,
        )
        .await;
        assert!(may_come(&pool, 1, order("o1")).await);
        assert!(!may_come(&pool, 1, order("o")).await, "a name is the whole of it");
        assert!(!may_come(&pool, 1, order("o2")).await, "a refund brings no order");
        assert!(!may_come(&pool, 2, order("o1")).await, "of another organisation");
        assert!(may_come(&pool, 1, customer("c\"1")).await);
        assert!(!may_come(&pool, 1, customer("c")).await);
        assert!(!may_come(&pool, 2, customer("c\"1")).await);
        let clicked = |name: &str| Dependency::Click(name.to_owned());
        assert!(may_come(&pool, 1, clicked("x")).await);
        assert!(!may_come(&pool, 2, clicked("x")).await);
        assert!(may_come(&pool, 0, clicked("x")).await, "of any");
        assert!(may_come(&pool, 1, Dependency::Session("s".to_owned())).await);
        assert!(!may_come(&pool, 1, Dependency::Customer(Identity::Click(ClickId(7)))).await);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn what_waits_itself_is_asked_for_by_those_that_came_after_it(pool: Pool) {
        let later = now() + chrono::TimeDelta::seconds(1);
        let cases = [
            (10, "earlier", (Some(1), None), true),
            (60, "later", (Some(1), None), false),
            (50, "itself", (Some(1), None), false),
            (11, "awaited", (Some(1), Some(later)), false),
            (12, "awaited-before", (Some(1), Some(now())), true),
        ];
        for (n, name, waits, _) in cases {
            let body = format!(r#"{{"create_conversion":{{"customer":{{"identity":{{"id":"{name}"}}}}}}}}"#);
            queued(&pool, n, "create_conversion", name, &body, waits).await;
        }
        for (_, name, _, is_asked_for) in cases {
            assert_eq!(may_come(&pool, 1, order(name)).await, is_asked_for, "{name}");
            assert_eq!(may_come(&pool, 1, customer(name)).await, is_asked_for, "{name}");
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn of_more_than_can_be_searched_nobody_knows(pool: Pool) {
        let many = "INSERT INTO events (event_id, org_id, kind, dialect, status, order_key, received_at, trusted, body)
                    SELECT gen_random_uuid(), 1, 'create_conversion', 'native', 'queued', 'many' || n, now(), true, '{}'
                    FROM generate_series(1, $1) n";
        let limit = i32::try_from(MAX_SEARCHED).unwrap();
        sqlx::query(many).bind(limit - 1).execute(&pool).await.unwrap();
        assert!(!may_come(&pool, 1, customer("c")).await);
        sqlx::query(many).bind(1).execute(&pool).await.unwrap();
        assert!(may_come(&pool, 1, customer("c")).await);
        assert!(!may_come(&pool, 1, order("o")).await, "orders have an index");
        assert!(
            !may_come(&pool, 2, customer("c")).await,
            "another organisation's import is no matter"
        );
        assert!(
            !may_come(&pool, 1, Dependency::Click("x".to_owned())).await,
            "sales bring no clicks"
        );
    }
}
