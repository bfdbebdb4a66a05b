//! Turns of the organisations among queued events: an import of a million rows holds up nobody's replay. Asked only when more is due
//! than a turn takes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Connection, DbError};

/// Organisations that share a turn, at most; of more a lot decides.
const MOST_ORGS: i64 = 64;

/// Of the events that are due, about `limit`: as many of each organisation, the longest due first.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn choose(
    connection: &mut Connection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!(
        r#"WITH RECURSIVE orgs (org) AS (
             (SELECT org_id FROM events WHERE status = 'queued' AND org_id IS NOT NULL ORDER BY org_id LIMIT 1)
             UNION ALL
             SELECT (SELECT e.org_id FROM events e WHERE e.status = 'queued' AND e.org_id > orgs.org
                     ORDER BY e.org_id LIMIT 1)
             FROM orgs WHERE orgs.org IS NOT NULL),
         chosen AS MATERIALIZED (SELECT org FROM orgs WHERE org IS NOT NULL ORDER BY random() LIMIT $3)
         SELECT turn.event_id AS "id!"
         FROM chosen CROSS JOIN LATERAL (
             SELECT e.event_id FROM events e
             WHERE e.status = 'queued' AND e.org_id = chosen.org AND e.due_at <= $1
             ORDER BY e.due_at, e.event_id LIMIT 1 + $2 / (SELECT count(*) FROM chosen)) turn"#,
        now,
        limit,
        MOST_ORGS
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("queued_turns.choose", error))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{db::Pool, runtime::Clock};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_long_import_leaves_room_for_others(pool: Pool) {
        let queue = "INSERT INTO events (event_id, org_id, kind, dialect, status, received_at, due_at, trusted, body)
                     SELECT gen_random_uuid(), $1, 'refund', 'native', 'queued', now(), now() - $2 * interval '1 minute', true, '{}'
                     FROM generate_series(1, $3) n";
        for (org, minutes, count) in [(1_i64, 9_i32, 500_i32), (2, 1, 3), (3, 2, 100), (4, -5, 5)] {
            sqlx::query(queue)
                .bind(org)
                .bind(minutes)
                .bind(count)
                .execute(&pool)
                .await
                .unwrap();
        }
        let mut conn = pool.acquire().await.unwrap();
        let chosen = choose(&mut conn, Clock::default().now(), 40).await.unwrap();
        let orgs: Vec<i64> = sqlx::query_scalar("SELECT org_id FROM events WHERE event_id = ANY ($1)")
            .bind(&chosen)
            .fetch_all(&pool)
            .await
            .unwrap();
        let mut counts: HashMap<i64, usize> = HashMap::new();
        for org in orgs {
            *counts.entry(org).or_default() += 1;
        }
        assert_eq!(
            counts,
            HashMap::from([(1, 11), (2, 3), (3, 11)]),
            "a quarter each; the fourth has nothing due"
        );
    }
}
