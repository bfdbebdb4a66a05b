//! What each lane has under way: a row a lane, written before a batch and left behind by a crash. Whoever takes up what such a row
//! lists knows that it may end processes, and applies it with care (see [`super::crash_marks`]).
//!
//! The table is unlogged, so that a row costs neither a flush nor a line of the log. A crash of the database empties it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Connection, DbError};
use crate::domain::EventId;

/// What waited when the table was found empty: nobody knows any more what of it was under way.
#[derive(Clone, Copy, Debug)]
pub struct Unknown {
    /// The last envelope of the spool.
    pub spool_id: i64,
    pub at: DateTime<Utc>,
}

/// Makes the table one that knows. `None`: it was.
///
/// # Errors
/// When the database does not answer.
pub async fn open(connection: &mut Connection) -> Result<Option<Unknown>, DbError> {
    sqlx::query_as!(
        Unknown,
        r#"WITH opened AS (
             INSERT INTO batches_under_way (taker) VALUES (0)
             ON CONFLICT ON CONSTRAINT batches_under_way_pkey DO NOTHING RETURNING taker)
         SELECT (SELECT COALESCE(max(spool_id), 0) FROM spool) AS "spool_id!", now() AS "at!" FROM opened"#
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| DbError::new("under_way.open", error))
}

/// Notes that `taker` applies these envelopes of the spool from now on, and nothing else. Returns whether somebody else had any of
/// them under way: it holds them no more, so it has crashed, or has lost its connection. In no transaction, or it is of no use.
///
/// # Errors
/// When the database does not answer.
pub async fn envelopes(connection: &mut Connection, taker: i64, spool_ids: &[i64]) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"WITH mine AS (
             INSERT INTO batches_under_way (taker, spool_ids) VALUES ($1, $2)
             ON CONFLICT ON CONSTRAINT batches_under_way_pkey DO UPDATE SET spool_ids = excluded.spool_ids, taken_at = now())
         SELECT EXISTS (SELECT FROM batches_under_way b WHERE b.taker <> $1 AND b.spool_ids && $2) AS "found!""#,
        taker,
        spool_ids
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("under_way.envelopes", error))
}

/// As [`envelopes`], for queued events. Returns whether any of them was under way elsewhere, or is marked from an earlier life: a
/// replay of what crashed workers.
///
/// # Errors
/// When the database does not answer.
pub async fn events(connection: &mut Connection, taker: i64, events: &[EventId]) -> Result<bool, DbError> {
    let ids: Vec<Uuid> = events.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"WITH mine AS (
             INSERT INTO batches_under_way (taker, event_ids) VALUES ($1, $2)
             ON CONFLICT ON CONSTRAINT batches_under_way_pkey DO UPDATE SET event_ids = excluded.event_ids, taken_at = now())
         SELECT EXISTS (SELECT FROM batches_under_way b WHERE b.taker <> $1 AND b.event_ids && $2)
             OR EXISTS (SELECT FROM crash_marks m WHERE m.event_id = ANY ($2)) AS "found!""#,
        taker,
        &ids
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("under_way.events", error))
}

/// Says that `taker` has nothing under way, and will not have.
///
/// # Errors
/// When the database does not answer.
pub async fn leave(connection: &mut Connection, taker: i64) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM batches_under_way WHERE taker = $1", taker)
        .execute(connection)
        .await
        .map_err(|error| DbError::new("under_way.leave", error))?;
    Ok(())
}

/// Removes the rows of crashes of which nothing waits any more.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(connection: &mut Connection) -> Result<u64, DbError> {
    let swept = sqlx::query!(
        "DELETE FROM batches_under_way b
         WHERE b.taker <> 0 AND b.taken_at < now() - interval '10 minutes'
           AND NOT EXISTS (SELECT FROM spool s WHERE s.spool_id = ANY (b.spool_ids))
           AND NOT EXISTS (SELECT FROM events e WHERE e.event_id = ANY (b.event_ids) AND e.status = 'queued')"
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("under_way.sweep", error))?;
    Ok(swept.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, spool};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn what_somebody_else_left_behind_is_found_until_it_is_gone(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        spool::put(&mut conn, b"waits").await.unwrap();
        let unknown = open(&mut conn).await.unwrap().unwrap();
        let waits = unknown.spool_id;
        assert!(waits > 0);
        assert!(open(&mut conn).await.unwrap().is_none(), "known from then on");

        assert!(!envelopes(&mut conn, 1, &[waits, 8]).await.unwrap());
        assert!(!envelopes(&mut conn, 1, &[waits]).await.unwrap(), "its own");
        assert!(envelopes(&mut conn, 2, &[waits, 9]).await.unwrap());
        assert!(!envelopes(&mut conn, 2, &[9]).await.unwrap());
        leave(&mut conn, 2).await.unwrap();
        assert!(!envelopes(&mut conn, 3, &[9]).await.unwrap());

        let old = "UPDATE batches_under_way SET taken_at = now() - interval '11 minutes'";
        sqlx::query(old).execute(&mut *conn).await.unwrap();
        assert_eq!(
            sweep(&mut conn).await.unwrap(),
            1,
            "of taker 3; another still says something"
        );
        spool::remove(&mut conn, &[waits]).await.unwrap();
        assert_eq!(sweep(&mut conn).await.unwrap(), 1);
        assert!(open(&mut conn).await.unwrap().is_none(), "nobody's row stays");
    }
}
