//! What each process says of itself, every few seconds.

use chrono::{DateTime, Utc};

use super::{Connection, DbError};

/// What a process says.
#[derive(Clone, Debug)]
pub struct Beat {
    /// A random number of this life of the process.
    pub process: i64,
    /// `ingest`, `worker`, `api`, or `dev`, which is all of them.
    pub role: &'static str,
    pub host: String,
    pub pid: i32,
    pub version: &'static str,
    pub started_at: DateTime<Utc>,
    /// By the clock of the process.
    pub clock_at: DateTime<Utc>,
    /// For people.
    pub doing: String,
    /// Why it cannot do its work.
    pub trouble: Option<String>,
    /// When the oldest event was received that it applies at this moment.
    pub oldest_at: Option<DateTime<Utc>>,
    /// When the latest event was received that the broker delivered to it.
    pub delivered_at: Option<DateTime<Utc>>,
    /// What it saw last at the broker.
    pub queue: Option<QueueSeen>,
}

/// The broker's queues of events and bulk together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSeen {
    pub messages: i32,
    /// Of the queue of events.
    pub consumers: i32,
    /// Since when messages have been seen there.
    pub waits_since: Option<DateTime<Utc>>,
}

/// What a process said last.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    pub role: String,
    pub host: String,
    pub pid: i32,
    pub version: String,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub clock_at: DateTime<Utc>,
    pub doing: String,
    pub trouble: Option<String>,
    pub oldest_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub queue_messages: Option<i32>,
    pub queue_consumers: Option<i32>,
    pub queue_waits_since: Option<DateTime<Utc>>,
}

impl Heartbeat {
    /// Whether it is one of those that apply events.
    pub fn applies(&self) -> bool {
        matches!(self.role.as_str(), "worker" | "dev")
    }
}

/// Says that the process lives, and forgets those that have said nothing for a day.
///
/// # Errors
/// When the database does not answer.
pub async fn beat(connection: &mut Connection, beat: &Beat) -> Result<(), DbError> {
    let queue = beat.queue;
    sqlx::query!(
        "WITH forgotten AS (
             DELETE FROM heartbeats WHERE seen_at < now() - interval '1 day' AND process_id <> $1)
         INSERT INTO heartbeats (process_id, role, host, pid, version, started_at, seen_at, clock_at, doing, trouble,
             oldest_at, delivered_at, queue_messages, queue_consumers, queue_waits_since)
         VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT ON CONSTRAINT heartbeats_pkey DO UPDATE
         SET seen_at = excluded.seen_at, clock_at = excluded.clock_at, doing = excluded.doing, trouble = excluded.trouble,
             oldest_at = excluded.oldest_at, delivered_at = excluded.delivered_at,
             queue_messages = excluded.queue_messages, queue_consumers = excluded.queue_consumers,
             queue_waits_since = excluded.queue_waits_since",
        beat.process,
        beat.role,
        beat.host,
        beat.pid,
        beat.version,
        beat.started_at,
        beat.clock_at,
        beat.doing,
        beat.trouble,
        beat.oldest_at,
        beat.delivered_at,
        queue.map(|queue| queue.messages),
        queue.map(|queue| queue.consumers),
        queue.and_then(|queue| queue.waits_since)
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("heartbeats.beat", error))?;
    Ok(())
}

/// Says that the process ends well.
///
/// # Errors
/// When the database does not answer.
pub async fn leave(connection: &mut Connection, process: i64) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM heartbeats WHERE process_id = $1", process)
        .execute(connection)
        .await
        .map_err(|error| DbError::new("heartbeats.leave", error))?;
    Ok(())
}

/// What all said last, the latest first.
///
/// # Errors
/// When the database does not answer.
pub async fn all(connection: &mut Connection) -> Result<Vec<Heartbeat>, DbError> {
    sqlx::query_as!(
        Heartbeat,
        "SELECT role, host, pid, version, started_at, seen_at, clock_at, doing, trouble, oldest_at, delivered_at,
             queue_messages, queue_consumers, queue_waits_since
         FROM heartbeats ORDER BY seen_at DESC"
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("heartbeats.all", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{db::Pool, runtime::Clock};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_process_has_one_row_until_it_leaves_or_a_day_after(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let now = Clock::default().now();
        let of = |process| Beat {
            process,
            role: "worker",
            host: "here".to_owned(),
            pid: 7,
            version: "1",
            started_at: now,
            clock_at: now,
            doing: "applies".to_owned(),
            trouble: None,
            oldest_at: None,
            delivered_at: None,
            queue: Some(QueueSeen {
                messages: 3,
                consumers: 2,
                waits_since: Some(now),
            }),
        };
        beat(&mut conn, &of(1)).await.unwrap();
        let trouble = Some("the database cannot be used".to_owned());
        beat(
            &mut conn,
            &Beat {
                trouble,
                queue: None,
                ..of(1)
            },
        )
        .await
        .unwrap();
        let rows = all(&mut conn).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].trouble.is_some() && rows[0].queue_messages.is_none());
        let old = "UPDATE heartbeats SET seen_at = now() - interval '25 hours'";
        sqlx::query(old).execute(&mut *conn).await.unwrap();
        beat(&mut conn, &of(2)).await.unwrap();
        let rows = all(&mut conn).await.unwrap();
        assert_eq!(rows.len(), 1, "the first is forgotten");
        assert_eq!(
            (rows[0].queue_messages, rows[0].queue_consumers),
            (Some(3), Some(2))
        );
        leave(&mut conn, 2).await.unwrap();
        assert_eq!(all(&mut conn).await.unwrap(), []);
    }
}
