//! Marks of suspect events: written in a transaction of their own before such an event is applied, gone when it has its outcome.
//! Whoever finds one knows that a process ended in the middle of that event, and counts it.

use uuid::Uuid;

use super::{Connection, DbError};
use crate::domain::{EVENT_RETENTION, EventId};

#[expect(clippy::cast_possible_truncation, reason = "a month")]
const RETENTION_DAYS: i32 = EVENT_RETENTION.num_days() as i32;

/// A mark that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub event: EventId,
    /// How often a process has ended in the middle of it, this time included.
    pub times: i32,
    /// Where it was begun last.
    pub place: String,
}

/// Marks of these events. What `taker` has begun itself is no crash.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    connection: &mut Connection,
    taker: i64,
    events: &[EventId],
) -> Result<Vec<Found>, DbError> {
    let ids: Vec<Uuid> = events.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Found,
        r#"SELECT event_id AS "event: EventId", place,
             finds + (taker IS NOT NULL AND taker <> $2)::integer AS "times!"
         FROM crash_marks WHERE event_id = ANY ($1)"#,
        &ids,
        taker
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("crash_marks.find", error))
}

/// Marks events as under way, and counts those that were found.
///
/// # Errors
/// When the database does not answer: then they may not be applied.
pub async fn begin(
    connection: &mut Connection,
    taker: i64,
    place: &str,
    events: &[EventId],
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = events.iter().map(|id| id.0).collect();
    sqlx::query!(
        "INSERT INTO crash_marks AS m (event_id, finds, taker, place)
         SELECT DISTINCT event_id, 0, $2::bigint, $3 FROM unnest($1::uuid[]) AS event_id ORDER BY event_id
         ON CONFLICT ON CONSTRAINT crash_marks_pkey DO UPDATE
         SET finds = m.finds + (m.taker IS NOT NULL AND m.taker <> excluded.taker)::integer, taker = excluded.taker,
             place = excluded.place, marked_at = excluded.marked_at",
        &ids,
        taker,
        place
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("crash_marks.begin", error))?;
    Ok(())
}

/// Removes the marks of events that have their outcome. It need not be durable: an event that is known is not suspected.
///
/// # Errors
/// When the database does not answer.
pub async fn clear(connection: &mut Connection, events: &[EventId]) -> Result<(), DbError> {
    let ids: Vec<Uuid> = events.iter().map(|id| id.0).collect();
    sqlx::query!(
        "DELETE FROM crash_marks WHERE event_id = ANY ($1) AND set_config('synchronous_commit', 'off', true) = 'off'",
        &ids
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("crash_marks.clear", error))?;
    Ok(())
}

/// Takes back what `taker` has begun and did not bring to an end: the database was away, which is no crash.
///
/// # Errors
/// When the database does not answer.
pub async fn release(connection: &mut Connection, taker: i64) -> Result<(), DbError> {
    sqlx::query!(
        "WITH forgotten AS (DELETE FROM crash_marks WHERE taker = $1 AND finds = 0)
         UPDATE crash_marks SET taker = NULL WHERE taker = $1 AND finds > 0",
        taker
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("crash_marks.release", error))?;
    Ok(())
}

/// Keeps one find of an event that is dead of it: when it is replayed it is alone from the start.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_one(connection: &mut Connection, event: EventId) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE crash_marks SET taker = NULL, finds = 1 WHERE event_id = $1",
        event.0
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("crash_marks.keep_one", error))?;
    Ok(())
}

/// Removes marks that say nothing any more: their events have an outcome, or come too late to be applied. Those of dead events stay
/// for a replay.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(connection: &mut Connection) -> Result<u64, DbError> {
    let swept = sqlx::query!(
        "DELETE FROM crash_marks m
         WHERE m.marked_at < now() - interval '10 minutes'
           AND (m.marked_at < now() - make_interval(days => $1)
             OR EXISTS (SELECT FROM events e WHERE e.event_id = m.event_id AND e.status NOT IN ('queued', 'dead')))",
        RETENTION_DAYS
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("crash_marks.sweep", error))?;
    Ok(swept.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Pool;

    fn id(n: u128) -> EventId {
        EventId(Uuid::from_u128((1_790_000_000_000 << 80) | n))
    }

    async fn times(conn: &mut Connection, taker: i64, event: EventId) -> Option<i32> {
        let found = find(conn, taker, &[event]).await.unwrap();
        found.first().map(|found| found.times)
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_mark_counts_those_who_find_it_and_not_whoever_wrote_it(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let (one, other) = (id(1), id(2));
        assert_eq!(times(&mut conn, 1, one).await, None);
        // The same event may be in two envelopes of a batch.
        begin(&mut conn, 1, "here", &[other, one, one]).await.unwrap();
        assert_eq!(times(&mut conn, 1, one).await, Some(0), "its own");
        begin(&mut conn, 1, "here", &[one]).await.unwrap();
        assert_eq!(times(&mut conn, 2, one).await, Some(1), "it crashed once");
        begin(&mut conn, 2, "there", &[one]).await.unwrap();
        assert_eq!(times(&mut conn, 2, one).await, Some(1));
        assert_eq!(times(&mut conn, 3, one).await, Some(2));
        assert_eq!(find(&mut conn, 3, &[one]).await.unwrap()[0].place, "there");

        release(&mut conn, 1).await.unwrap();
        assert_eq!(
            times(&mut conn, 3, other).await,
            None,
            "never found, so forgotten"
        );
        release(&mut conn, 2).await.unwrap();
        assert_eq!(
            times(&mut conn, 3, one).await,
            Some(1),
            "it ended well, and is suspected still"
        );
        begin(&mut conn, 3, "there", &[one]).await.unwrap();
        assert_eq!(times(&mut conn, 4, one).await, Some(2));
        keep_one(&mut conn, one).await.unwrap();
        assert_eq!(times(&mut conn, 4, one).await, Some(1));
        clear(&mut conn, &[one]).await.unwrap();
        assert_eq!(times(&mut conn, 4, one).await, None);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn marks_of_known_events_and_old_ones_are_swept(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let insert =
            "INSERT INTO events (event_id, org_id, kind, dialect, status, reason, received_at, trusted, body)
                      VALUES ($1, 1, 'refund', 'native', $2, NULLIF($3, ''), now(), true, '{}')";
        for (event, status, reason) in [(1, "applied", ""), (2, "dead", "crash_loop"), (3, "queued", "")] {
            let insert = sqlx::query(insert).bind(id(event).0).bind(status).bind(reason);
            insert.execute(&mut *conn).await.unwrap();
        }
        let all = [id(1), id(2), id(3), id(4)];
        begin(&mut conn, 1, "here", &all).await.unwrap();
        assert_eq!(sweep(&mut conn).await.unwrap(), 0, "they may be under way");
        let old = "UPDATE crash_marks SET marked_at = now() - interval '1 day'";
        sqlx::query(old).execute(&mut *conn).await.unwrap();
        assert_eq!(sweep(&mut conn).await.unwrap(), 1, "that of the applied one");
        let old = format!(
            "UPDATE crash_marks SET marked_at = now() - interval '{} days'",
            RETENTION_DAYS + 1
        );
        sqlx::query(sqlx::AssertSqlSafe(old))
            .execute(&mut *conn)
            .await
            .unwrap();
        assert_eq!(sweep(&mut conn).await.unwrap(), 3);
        assert_eq!(find(&mut conn, 2, &all).await.unwrap(), []);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_mark_is_one_of_its_event_and_counts_from_nothing(pool: Pool) {
        for (constraint, statement) in [
            (
                "crash_marks_pkey",
                "INSERT INTO crash_marks SELECT gen_random_uuid(), 0, 1, '' FROM generate_series(1, 1)
                 UNION ALL SELECT event_id, 0, 1, '' FROM crash_marks",
            ),
            ("crash_marks_finds_check", "UPDATE crash_marks SET finds = -1"),
        ] {
            begin(&mut pool.acquire().await.unwrap(), 1, "", &[id(9)])
                .await
                .unwrap();
            let error = sqlx::query(statement).execute(&pool).await.unwrap_err();
            let found = error.as_database_error().and_then(|error| error.constraint());
            assert_eq!(found, Some(constraint));
        }
        let twice = "INSERT INTO batches_under_way (taker) VALUES (1), (1)";
        let error = sqlx::query(twice).execute(&pool).await.unwrap_err();
        let found = error.as_database_error().and_then(|error| error.constraint());
        assert_eq!(found, Some("batches_under_way_pkey"));
    }
}
