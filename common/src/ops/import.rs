//! Imports of files: their events as queued rows, and how far each file has come.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    db::{Connection, DbError, event_writes},
    domain::{Event, EventId, EventStatus, OrgId, Reason},
};

/// How far a file has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Records read, the invalid ones among them.
    pub records_done: i64,
    pub invalid: i64,
    /// Events that were reported as decided, but not applied.
    pub unapplied: i64,
    /// When the last queued event is due.
    pub due_until: DateTime<Utc>,
    /// All records are queued.
    pub is_finished: bool,
}

/// A file's content, as an organisation's import.
#[derive(Clone, Copy, Debug)]
pub struct ImportKey<'a> {
    pub org: OrgId,
    pub fingerprint: &'a str,
}

/// Some records of a file, in its order.
#[derive(Debug)]
pub struct Chunk<'a> {
    /// The valid ones: line, event, and when it is due.
    pub events: &'a [(i64, Event, DateTime<Utc>)],
    /// Records read before, which must still be so.
    pub records_before: i64,
    pub records: i64,
    pub invalid: i64,
    pub due_until: DateTime<Utc>,
}

/// A line of a file, and what became of its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub line: i64,
    pub event_id: Uuid,
    pub status: EventStatus,
    pub reason: Option<String>,
    pub detail: Option<String>,
    /// When it is looked at next; for a parked event, until when it waits for its order.
    pub due_at: Option<DateTime<Utc>>,
}

/// The reason of a refund that had no effect: it had been taken into account before, or nothing was left.
const REPEATED_REFUND: &str = "repeated_refund";

/// How far the file has come; it is entered if it is new.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(
    connection: &mut Connection,
    key: ImportKey<'_>,
    file: &str,
    now: DateTime<Utc>,
) -> Result<Import, DbError> {
    let failed = |error| DbError::new("import.begin", error);
    sqlx::query!(
        "INSERT INTO imports (org_id, fingerprint, file, due_until, started_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (org_id, fingerprint) DO NOTHING",
        key.org.0,
        key.fingerprint,
        file,
        now
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query_as!(
        Import,
        r#"SELECT records_done, invalid, unapplied, due_until, finished_at IS NOT NULL AS "is_finished!" FROM imports
         WHERE org_id = $1 AND fingerprint = $2"#,
        key.org.0,
        key.fingerprint
    )
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Forgets how far the file has come: it can be imported again. Its events stay.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(connection: &mut Connection, key: ImportKey<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "WITH lines AS (DELETE FROM import_lines WHERE org_id = $1 AND fingerprint = $2)
         DELETE FROM imports WHERE org_id = $1 AND fingerprint = $2",
        key.org.0,
        key.fingerprint
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("import.forget", error))?;
    Ok(())
}

/// Queues a chunk and notes how far the file has come; both belong into one transaction. `false`, and nothing is done,
/// when somebody else has imported records meanwhile.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn queue(
    connection: &mut Connection,
    key: ImportKey<'_>,
    chunk: &Chunk<'_>,
) -> Result<bool, DbError> {
    let failed = |error| DbError::new("import.queue", error);
    let moved = sqlx::query!(
        "UPDATE imports SET records_done = records_done + $4, invalid = invalid + $5, due_until = $6
         WHERE org_id = $1 AND fingerprint = $2 AND records_done = $3",
        key.org.0,
        key.fingerprint,
        chunk.records_before,
        chunk.records,
        chunk.invalid,
        chunk.due_until
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    let (lines, ids): (Vec<i64>, Vec<Uuid>) = chunk
        .events
        .iter()
        .map(|(line, event, _)| (*line, event.id.0))
        .unzip();
    sqlx::query!(
        "INSERT INTO import_lines (org_id, fingerprint, line, event_id)
         SELECT $1, $2, line, event_id FROM unnest($3::bigint[], $4::uuid[]) AS new (line, event_id)",
        key.org.0,
        key.fingerprint,
        &lines,
        &ids
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    let events = chunk
        .events
        .iter()
        .map(|(_, event, due_at)| (event.clone(), *due_at));
    event_writes::enqueue_each(connection, events).await?;
    Ok(true)
}

/// Notes that all records are queued.
///
/// # Errors
/// When the database does not answer.
pub async fn finish(
    connection: &mut Connection,
    key: ImportKey<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE imports SET finished_at = $3 WHERE org_id = $1 AND fingerprint = $2",
        key.org.0,
        key.fingerprint,
        now
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("import.finish", error))?;
    Ok(())
}

/// What became of the lines after `after`, at most `limit`, in their order.
///
/// # Errors
/// When the database does not answer.
pub async fn lines(
    connection: &mut Connection,
    key: ImportKey<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<Line>, DbError> {
    // Only rows of applied events are ever dropped.
    sqlx::query_as!(
        Line,
        r#"SELECT l.line, l.event_id, COALESCE(e.status, 'applied') AS "status!: EventStatus",
             CASE WHEN e.outcome #>> '{applied,refund,is_repeat}' = 'true' THEN $5 ELSE e.reason END AS reason,
             e.outcome #>> '{refused,detail}' AS detail, e.due_at AS "due_at?"
         FROM (SELECT line, event_id FROM import_lines WHERE org_id = $1 AND fingerprint = $2 AND line > $3
               ORDER BY line LIMIT $4) l
         LEFT JOIN events e ON e.event_id = l.event_id
         ORDER BY l.line"#,
        key.org.0,
        key.fingerprint,
        after,
        limit,
        REPEATED_REFUND
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("import.lines", error))
}

/// Forgets from which lines these events came, of which `unapplied` were not applied: they have been reported.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_lines(
    connection: &mut Connection,
    key: ImportKey<'_>,
    lines: &[i64],
    unapplied: i64,
) -> Result<(), DbError> {
    sqlx::query!(
        "WITH lines AS (DELETE FROM import_lines WHERE org_id = $1 AND fingerprint = $2 AND line = ANY ($3))
         UPDATE imports SET unapplied = unapplied + $4 WHERE org_id = $1 AND fingerprint = $2",
        key.org.0,
        key.fingerprint,
        lines,
        unapplied
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("import.forget_lines", error))?;
    Ok(())
}

impl Line {
    pub fn event(&self) -> EventId {
        EventId(self.event_id)
    }

    /// It waits for its turn.
    pub fn is_queued(&self) -> bool {
        self.status == EventStatus::Queued
    }

    /// It waits for its order.
    pub fn is_parked(&self) -> bool {
        self.status == EventStatus::Parked
    }

    /// A sale that was recorded before, with the same fields.
    pub fn is_there(&self) -> bool {
        self.status == EventStatus::Refused && self.reason.as_deref() == Some(Reason::IdempotentRepeat.code())
    }

    /// It was applied. A refund may have had no effect then, which its reason says.
    pub fn is_applied(&self) -> bool {
        self.status == EventStatus::Applied
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::{
        db::{Pool, events},
        domain::{Body, Chargeback, Dialect, ProgramId},
        message::EventIds,
    };

    const KEY: ImportKey<'_> = ImportKey {
        org: OrgId(1),
        fingerprint: "f",
    };

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_176_000, 0).unwrap()
    }

    fn event(order: &str) -> Event {
        Event {
            id: EventIds::new(&"s".into()).unwrap().issue(KEY.org, now()),
            org: Some(KEY.org),
            dialect: Dialect::Native,
            received_at: now(),
            authenticated: true,
            program_scope: Some(ProgramId(3)),
            idempotency: None,
            wait_until: None,
            request_id: None,
            trace: None,
            warnings: Vec::new(),
            body: Body::Chargeback(Chargeback {
                external_id: order.to_owned(),
                reversed: false,
                occurred_at: None,
            }),
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_chunk_is_queued_once_and_its_events_are_due_in_their_order(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let fresh = begin(&mut conn, KEY, "a.csv", now()).await.unwrap();
        assert_eq!((fresh.records_done, fresh.is_finished), (0, false));
        let later = now() + TimeDelta::seconds(1);
        let queued = [(2, event("a"), now()), (4, event("b"), later)];
        let chunk = Chunk {
            events: &queued,
            records_before: 0,
            records: 3,
            invalid: 1,
            due_until: later,
        };
        assert!(queue(&mut conn, KEY, &chunk).await.unwrap());
        assert!(
            !queue(&mut conn, KEY, &chunk).await.unwrap(),
            "somebody was faster"
        );
        let import = begin(&mut conn, KEY, "a.csv", now()).await.unwrap();
        assert_eq!(
            (import.records_done, import.invalid, import.due_until),
            (3, 1, later)
        );
        let waiting = lines(&mut conn, KEY, 0, 10).await.unwrap();
        assert_eq!(waiting.iter().filter(|line| line.is_queued()).count(), 2);
        let due = events::due(&mut conn, now(), 10).await.unwrap();
        assert_eq!(due.events, [queued[0].1.clone()]);
        assert_eq!(events::due(&mut conn, later, 10).await.unwrap().events.len(), 2);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn what_became_of_each_line_is_told_page_by_page(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        begin(&mut conn, KEY, "a.csv", now()).await.unwrap();
        let queued = ["a", "b", "c", "d"].map(event);
        let queued: Vec<_> = (2..)
            .zip(queued)
            .map(|(line, event)| (line, event, now()))
            .collect();
        let chunk = Chunk {
            events: &queued,
            records_before: 0,
            records: 4,
            invalid: 0,
            due_until: now(),
        };
        assert!(queue(&mut conn, KEY, &chunk).await.unwrap());
        for (order, status, reason, outcome) in [
            (
                "a",
                "applied",
                None,
                r#"{"applied":{"refund":{"is_repeat":false}}}"#,
            ),
            (
                "b",
                "refused",
                Some("unknown_order"),
                r#"{"refused":{"detail":"no order b"}}"#,
            ),
            (
                "c",
                "applied",
                None,
                r#"{"applied":{"refund":{"is_repeat":true}}}"#,
            ),
            ("d", "parked", None, "null"),
        ] {
            sqlx::query(
                "UPDATE events SET status = $2, reason = $3, outcome = $4::json WHERE order_key = $1",
            )
            .bind(order)
            .bind(status)
            .bind(reason)
            .bind(outcome)
            .execute(&mut *conn)
            .await
            .unwrap();
        }
        let first = lines(&mut conn, KEY, 0, 3).await.unwrap();
        let shown: Vec<_> = first
            .iter()
            .map(|line| {
                (
                    line.line,
                    line.is_applied(),
                    line.reason.as_deref(),
                    line.detail.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (2, true, None, None),
                (3, false, Some("unknown_order"), Some("no order b")),
                (4, true, Some(REPEATED_REFUND), None),
            ]
        );
        assert_eq!(first[1].event(), queued[1].1.id);
        let rest = lines(&mut conn, KEY, 4, 3).await.unwrap();
        assert!(matches!(rest.as_slice(), [line] if line.line == 5 && line.is_parked()));
        forget_lines(&mut conn, KEY, &[2, 4], 1).await.unwrap();
        assert_eq!(begin(&mut conn, KEY, "a.csv", now()).await.unwrap().unapplied, 1);
        let left = lines(&mut conn, KEY, 0, 10).await.unwrap();
        assert_eq!(left.iter().map(|line| line.line).collect::<Vec<_>>(), [3, 5]);
        forget(&mut conn, KEY).await.unwrap();
        assert_eq!(
            begin(&mut conn, KEY, "a.csv", now()).await.unwrap().records_done,
            0
        );
        assert_eq!(
            lines(&mut conn, KEY, 0, 10).await.unwrap(),
            [],
            "the lines are forgotten, too"
        );
    }
}
