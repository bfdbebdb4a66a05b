//! Barriers: how a worker knows that nothing which was accepted before an event is under way any more.
//!
//! A worker sets a barrier when the broker's queue has nothing ready to deliver; every consumer then passes it: it asks the broker
//! on its own channel, and applies all that it was delivered before the answer. So what had been accepted before the barrier is
//! applied, wherever it was. Envelopes of the spool are there as long as they are not applied. Consumers are known by random
//! numbers, new ones with each subscription.
//!
//! Bulk has a queue of its own, whose consumers move what they are delivered into the spool and then pass. What was accepted before
//! the barrier may still be there when it is passed: an event behind it asks for the bulk of its organisation besides, up to the
//! last envelope that there was at that moment. So a backlog of others keeps nobody's event waiting.

use std::time::Duration;

use uuid::Uuid;

use super::{Connection, DbError};
use crate::{domain::EventId, message::ENVELOPE_VERSION};

/// How long an envelope of a later version is waited for. One that a roll-back left behind may stay for weeks, and all searches of
/// everybody that lead nowhere would wait as long.
const NEWER_PATIENCE: Duration = Duration::from_hours(1);

/// The latest barrier, and the latest that was passed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Barriers {
    pub latest: i64,
    pub passed: i64,
    /// As many consumers, of both queues, were known as there were: otherwise it cannot be passed, and only makes them known.
    all_known: bool,
    /// Since it was set.
    seconds: f64,
}

impl Barriers {
    /// Whether the latest barrier may still be passed, within `patience`.
    pub fn is_under_way(&self, patience: Duration) -> bool {
        self.passed < self.latest && self.all_known && self.seconds < patience.as_secs_f64()
    }
}

/// The consumers that have passed a barrier before.
///
/// # Errors
/// When the database does not answer.
pub async fn known_consumers(connection: &mut Connection) -> Result<Vec<i64>, DbError> {
    sqlx::query_scalar!("SELECT consumer_id FROM consumer_barriers")
        .fetch_all(connection)
        .await
        .map_err(|error| DbError::new("barriers.known", error))
}

/// Sets a barrier that `consumers` must pass, and returns its number. All of them must be among the `known`, who told their names
/// before they were counted: one that came later has not what another lost. Without a broker there are none.
///
/// # Errors
/// When the database does not answer.
pub async fn set(connection: &mut Connection, known: &[i64], consumers: i32) -> Result<i64, DbError> {
    sqlx::query_scalar!(
        "INSERT INTO barrier AS b (number, bulk_number, consumers, known, spool_id, set_at, passed)
         SELECT next.number, next.number, $1, $2, (SELECT COALESCE(max(spool_id), 0) FROM spool), clock_timestamp(), 0
         FROM (SELECT nextval('barriers') AS number OFFSET 0) next
         ON CONFLICT ON CONSTRAINT barrier_pkey DO UPDATE
         SET number = excluded.number, bulk_number = excluded.bulk_number, consumers = excluded.consumers,
             known = excluded.known, spool_id = excluded.spool_id, set_at = excluded.set_at
         RETURNING number",
        consumers,
        known
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("barriers.set", error))
}

/// Notes that a consumer has applied all that it had been delivered when it heard of the barrier, or of a later one.
///
/// # Errors
/// When the database does not answer.
pub async fn pass(connection: &mut Connection, consumer: i64, number: i64) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO consumer_barriers (consumer_id, number) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT consumer_barriers_pkey DO UPDATE SET number = excluded.number",
        consumer,
        number
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("barriers.pass", error))?;
    Ok(())
}

/// Looks whether the latest barrier is passed: by as many known consumers as there were, and by the spool's express envelopes. Notes
/// which bulk is left. Consumers that were known and are gone are forgotten then.
///
/// # Errors
/// When the database does not answer.
pub async fn look(connection: &mut Connection) -> Result<Barriers, DbError> {
    let failed = |error| DbError::new("barriers.look", error);
    let passed = sqlx::query!(
        "UPDATE barrier b
         SET passed = b.number, bulk_passed = b.number, bulk_spool_id = (SELECT COALESCE(max(spool_id), 0) FROM spool)
         WHERE b.bulk_passed < b.number AND b.bulk_number = b.number
           AND b.consumers = (SELECT count(*) FROM consumer_barriers c
                              WHERE c.consumer_id = ANY (b.known) AND c.number >= b.number)
           AND NOT EXISTS (
             SELECT FROM spool s WHERE s.bulk_of IS NULL AND s.spool_id <= b.spool_id
               AND (s.version > $1 AND s.created_at < now() - make_interval(secs => $2)) IS NOT TRUE)
           AND NOT EXISTS (
             SELECT FROM spool s WHERE s.is_for_newer
               AND (s.version > $1 AND s.created_at < now() - make_interval(secs => $2)) IS NOT TRUE)",
        i32::from(ENVELOPE_VERSION),
        NEWER_PATIENCE.as_secs_f64()
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if passed.rows_affected() > 0 {
        sqlx::query!(
            "DELETE FROM consumer_barriers c USING barrier b
             WHERE c.consumer_id = ANY (b.known) AND c.number < b.number"
        )
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    let found = sqlx::query_as!(
        Barriers,
        r#"SELECT number AS latest, bulk_passed AS passed,
             bulk_number = number AND cardinality(known) >= consumers AS "all_known!",
             extract(epoch FROM clock_timestamp() - set_at)::float8 AS "seconds!"
         FROM barrier"#
    )
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(found.unwrap_or_default())
}

/// Those of the events that had their rows before a barrier which was passed, and of whose organisation no bulk is left that may be
/// older. What came without an organisation may bring something for any.
///
/// # Errors
/// When the database does not answer.
pub async fn passed(connection: &mut Connection, events: &[EventId]) -> Result<Vec<EventId>, DbError> {
    let (Some(least), Some(greatest)) = (events.iter().min(), events.iter().max()) else {
        return Ok(Vec::new());
    };
    let all: Vec<Uuid> = events.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"SELECT e.event_id AS "id: EventId" FROM events e JOIN barrier b ON e.waits_since < b.bulk_passed
         WHERE e.event_id = ANY ($1) AND e.event_id BETWEEN $2 AND $3
           AND NOT EXISTS (
             SELECT FROM spool s WHERE s.bulk_of IN (0, e.org_id) AND s.spool_id <= b.bulk_spool_id
               AND (s.version > $4 AND s.created_at < now() - make_interval(secs => $5)) IS NOT TRUE)
           AND (e.org_id <> 0 OR NOT EXISTS (
             SELECT FROM spool s WHERE s.bulk_of > 0 AND s.spool_id <= b.bulk_spool_id
               AND (s.version > $4 AND s.created_at < now() - make_interval(secs => $5)) IS NOT TRUE))"#,
        &all,
        least.0,
        greatest.0,
        i32::from(ENVELOPE_VERSION),
        NEWER_PATIENCE.as_secs_f64()
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("barriers.passed", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, spool, spool_bulk};

    const PATIENCE: Duration = Duration::from_mins(10);

    async fn insert_waiting(connection: &mut Connection, id: u128) -> EventId {
        let id = Uuid::from_u128((1_790_000_000_000 << 80) | id);
        let insert = "INSERT INTO events (event_id, org_id, kind, dialect, status, received_at, trusted, body, waits_since)
                      VALUES ($1, 1, 'refund', 'native', 'queued', now(), true, '{}', (SELECT last_value FROM barriers))";
        sqlx::query(insert).bind(id).execute(connection).await.unwrap();
        EventId(id)
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn what_had_its_row_before_a_barrier_that_was_passed_is_behind_it(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let earlier = insert_waiting(&mut conn, 1).await;
        assert_eq!(passed(&mut conn, &[earlier]).await.unwrap(), []);
        let number = set(&mut conn, &[], 0).await.unwrap();
        let later = insert_waiting(&mut conn, 2).await;
        assert_eq!(
            passed(&mut conn, &[earlier, later]).await.unwrap(),
            [],
            "nobody has looked"
        );
        let seen = look(&mut conn).await.unwrap();
        assert_eq!((seen.latest, seen.passed), (number, number));
        assert_eq!(passed(&mut conn, &[earlier, later]).await.unwrap(), [earlier]);
        set(&mut conn, &[], 0).await.unwrap();
        look(&mut conn).await.unwrap();
        assert_eq!(passed(&mut conn, &[earlier, later]).await.unwrap().len(), 2);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn each_consumer_that_there_was_must_pass_and_no_other_counts(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let first = set(&mut conn, &[], 2).await.unwrap();
        for consumer in [10, 20] {
            pass(&mut conn, consumer, first).await.unwrap();
        }
        let seen = look(&mut conn).await.unwrap();
        assert_eq!(
            seen.passed, 0,
            "they had not told their names before they were counted"
        );
        assert!(!seen.is_under_way(PATIENCE), "and cannot pass this one any more");

        // One that is gone is known, too.
        pass(&mut conn, 30, first).await.unwrap();
        let known = known_consumers(&mut conn).await.unwrap();
        assert_eq!(known.len(), 3);
        let second = set(&mut conn, &known, 2).await.unwrap();
        pass(&mut conn, 10, second).await.unwrap();
        pass(&mut conn, 20, first).await.unwrap();
        pass(&mut conn, 40, second).await.unwrap();
        let seen = look(&mut conn).await.unwrap();
        assert_eq!(
            (seen.latest, seen.passed),
            (second, 0),
            "a newcomer has not what another holds"
        );
        assert!(seen.is_under_way(PATIENCE) && !seen.is_under_way(Duration::ZERO));
        pass(&mut conn, 20, second).await.unwrap();
        let seen = look(&mut conn).await.unwrap();
        assert_eq!(seen.passed, second);
        assert!(!seen.is_under_way(PATIENCE));
        let mut known = known_consumers(&mut conn).await.unwrap();
        known.sort_unstable();
        assert_eq!(known, [10, 20, 40], "who is gone is forgotten");

        let third = set(&mut conn, &known, 2).await.unwrap();
        for consumer in [10, 20, 40] {
            pass(&mut conn, consumer, third).await.unwrap();
        }
        let seen = look(&mut conn).await.unwrap();
        assert_eq!(
            seen.passed, second,
            "one of them came after they were counted: which, nobody knows"
        );
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn envelopes_of_the_spool_are_under_way_until_they_are_gone(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let look = async |connection: &mut Connection| look(connection).await.unwrap();
        spool::put(&mut conn, b"before").await.unwrap();
        let number = set(&mut conn, &[], 0).await.unwrap();
        spool::put(&mut conn, b"after").await.unwrap();
        assert_eq!(look(&mut conn).await.passed, 0);
        let taken = spool::take(&mut conn, 0, 1).await.unwrap();
        // What a worker puts (back) behind the others is as old as before.
        let aside = spool::Aside {
            envelope: taken[0].envelope.clone(),
            version: None,
        };
        spool::put_aside(&mut conn, &[aside]).await.unwrap();
        spool::remove(&mut conn, &[taken[0].spool_id]).await.unwrap();
        assert_eq!(look(&mut conn).await.passed, 0);
        let last = spool::take(&mut conn, taken[0].spool_id + 1, 1).await.unwrap();
        assert_eq!(
            (last[0].envelope.as_slice(), last[0].is_suspect),
            (b"before".as_slice(), true)
        );
        // What only a newer worker can read stays, and is under way until that comes.
        let later = ENVELOPE_VERSION + 1;
        spool::leave_to_newer(&mut conn, last[0].spool_id, later)
            .await
            .unwrap();
        assert_eq!(
            spool::take(&mut conn, taken[0].spool_id + 1, 1)
                .await
                .unwrap()
                .len(),
            0
        );
        let newer = spool::newer(&mut conn).await.unwrap().unwrap();
        assert_eq!((newer.envelopes, newer.version), (1, i32::from(later)));
        assert_eq!(look(&mut conn).await.passed, 0);
        spool::leave_to_newer(&mut conn, last[0].spool_id, ENVELOPE_VERSION)
            .await
            .unwrap();
        let known = spool::take(&mut conn, 0, 9).await.unwrap();
        assert!(
            known.iter().any(|one| one.spool_id == last[0].spool_id),
            "a worker that knows the version finds it"
        );
        assert_eq!(spool::newer(&mut conn).await.unwrap(), None);
        spool::remove(&mut conn, &[last[0].spool_id]).await.unwrap();
        assert_eq!(look(&mut conn).await.passed, number);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn an_envelope_of_a_later_version_is_not_waited_for_for_ever(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let aside = |version| spool::Aside {
            envelope: b"later".to_vec(),
            version,
        };
        let before = aside(Some(ENVELOPE_VERSION + 1));
        spool::put_aside(&mut conn, std::slice::from_ref(&before))
            .await
            .unwrap();
        let number = set(&mut conn, &[], 0).await.unwrap();
        spool::put_aside(&mut conn, &[before, aside(None)]).await.unwrap();
        let old = "UPDATE spool SET created_at = now() - interval '59 minutes'";
        let older = "UPDATE spool SET created_at = now() - interval '61 minutes'";
        for age in [old, older] {
            sqlx::query(age).execute(&mut *conn).await.unwrap();
            assert_eq!(
                look(&mut conn).await.unwrap().passed,
                0,
                "one of them is only suspect"
            );
        }
        let suspect = spool::take(&mut conn, 0, 9).await.unwrap();
        spool::remove(&mut conn, &[suspect[0].spool_id]).await.unwrap();
        sqlx::query(old).execute(&mut *conn).await.unwrap();
        assert_eq!(look(&mut conn).await.unwrap().passed, 0);
        sqlx::query(older).execute(&mut *conn).await.unwrap();
        assert_eq!(look(&mut conn).await.unwrap().passed, number);
    }

    /// The bulk of a consumer's queue comes into the spool after the barrier was set, and before it is passed.
    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn bulk_keeps_those_of_its_organisation_waiting(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let waiting = insert_waiting(&mut conn, 1).await;
        pass(&mut conn, 10, 0).await.unwrap();
        let number = set(&mut conn, &[10], 1).await.unwrap();
        let put = async |conn: &mut Connection, org: i64| {
            spool_bulk::put(conn, &[org], &[b"moved".to_vec()]).await.unwrap();
        };
        put(&mut conn, 2).await;
        put(&mut conn, 1).await;
        assert_eq!(
            look(&mut conn).await.unwrap().passed,
            0,
            "the mover has not passed"
        );
        pass(&mut conn, 10, number).await.unwrap();
        assert_eq!(look(&mut conn).await.unwrap().passed, number);
        // Of what comes later it does not wait.
        put(&mut conn, 1).await;
        assert_eq!(passed(&mut conn, &[waiting]).await.unwrap(), []);
        let remove = async |conn: &mut Connection, of: i64| {
            let held = spool_bulk::take(conn, of - 1, &[], 1).await.unwrap();
            assert_eq!(held[0].bulk_of, Some(of));
            spool::remove(conn, &[held[0].spool_id]).await.unwrap();
        };
        remove(&mut conn, 1).await;
        assert_eq!(
            passed(&mut conn, &[waiting]).await.unwrap(),
            [waiting],
            "that of others is no matter"
        );
        let stranger = "UPDATE events SET org_id = 0";
        sqlx::query(stranger).execute(&mut *conn).await.unwrap();
        assert_eq!(
            passed(&mut conn, &[waiting]).await.unwrap(),
            [],
            "any may tell whose it is"
        );
        remove(&mut conn, 2).await;
        assert_eq!(passed(&mut conn, &[waiting]).await.unwrap(), [waiting]);
        sqlx::query("UPDATE events SET org_id = 1")
            .execute(&mut *conn)
            .await
            .unwrap();
        // Whose organisation nobody knows may be anybody's.
        put(&mut conn, 0).await;
        let known = set(&mut conn, &[], 0).await.unwrap();
        assert_eq!(look(&mut conn).await.unwrap().passed, known);
        assert_eq!(passed(&mut conn, &[waiting]).await.unwrap(), []);
    }

    /// It knows of neither the columns nor the queue.
    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_barrier_of_an_earlier_version_says_nothing_of_bulk(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let waiting = insert_waiting(&mut conn, 1).await;
        set(&mut conn, &[], 0).await.unwrap();
        let earlier = "UPDATE barrier SET number = nextval('barriers'), passed = currval('barriers')";
        sqlx::query(earlier).execute(&mut *conn).await.unwrap();
        let seen = look(&mut conn).await.unwrap();
        assert_eq!(seen.passed, 0);
        assert!(!seen.is_under_way(PATIENCE), "another one is set");
        assert_eq!(passed(&mut conn, &[waiting]).await.unwrap(), []);
        let number = set(&mut conn, &[], 0).await.unwrap();
        assert_eq!(look(&mut conn).await.unwrap().passed, number);
        assert_eq!(passed(&mut conn, &[waiting]).await.unwrap(), [waiting]);
    }
}
