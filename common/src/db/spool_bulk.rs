//! The bulk of the spool: envelopes of one organisation each, which take turns. Who knows no organisation is the organisation 0.

use super::{Connection, DbError, spool::Spooled};
use crate::message::ENVELOPE_VERSION;

/// What a call says that is about bulk: express lanes need not look.
pub const CALL: &str = "bulk";

/// Organisations whose envelopes are counted, and how many of each at most: more is a backlog all the same.
const LOADED: i64 = 5;
const MOST_COUNTED: i64 = 10_000;

/// Adds envelopes, each of the organisation at its place, and wakes the workers.
///
/// # Errors
/// When the database does not answer: then nobody may be told that the events are safe.
pub async fn put(connection: &mut Connection, orgs: &[i64], envelopes: &[Vec<u8>]) -> Result<(), DbError> {
    sqlx::query!(
        "WITH put AS (
             INSERT INTO spool (bulk_of, envelope)
             SELECT org, envelope FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS put (org, envelope, place)
             ORDER BY place)
         SELECT pg_notify('commissary_spool', $3)",
        orgs,
        envelopes,
        CALL
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("spool_bulk.put", error))?;
    Ok(())
}

/// Holds an envelope each of up to `limit` organisations, beginning behind `after`, until the transaction ends: the oldest that
/// nobody holds, neither another nor, by the numbers in `held`, this transaction, and that does not wait for a newer worker.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    connection: &mut Connection,
    after: i64,
    held: &[i64],
    limit: i64,
) -> Result<Vec<Spooled>, DbError> {
    sqlx::query_as!(
        Spooled,
        r#"WITH RECURSIVE turns (org, turn) AS (
             (SELECT bulk_of, 1::bigint FROM spool
              WHERE bulk_of > $1 AND (version IS NULL OR version <= $4) ORDER BY bulk_of LIMIT 1)
             UNION ALL
             SELECT (SELECT s.bulk_of FROM spool s
                     WHERE s.bulk_of > turns.org AND (s.version IS NULL OR s.version <= $4)
                     ORDER BY s.bulk_of LIMIT 1), turn + 1
             FROM turns WHERE turns.org IS NOT NULL AND turn < $2)
         SELECT held.spool_id AS "spool_id!", turns.org AS bulk_of, held.envelope AS "envelope!",
                held.is_suspect AS "is_suspect!"
         FROM turns CROSS JOIN LATERAL (
             SELECT s.spool_id, s.envelope, s.is_suspect FROM spool s
             WHERE s.bulk_of = turns.org AND s.spool_id <> ALL ($3) AND (s.version IS NULL OR s.version <= $4)
             ORDER BY s.bulk_of, s.spool_id LIMIT 1 FOR UPDATE SKIP LOCKED) held
         WHERE turns.org IS NOT NULL
         ORDER BY turns.turn"#,
        after,
        limit,
        held,
        i32::from(ENVELOPE_VERSION)
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("spool_bulk.take", error))
}

/// An organisation and how much of its bulk waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Its slug. `None`: nobody knows the organisation.
    pub org: Option<String>,
    pub envelopes: i64,
}

/// The organisations with the most envelopes.
///
/// # Errors
/// When the database does not answer.
pub async fn most_loaded(connection: &mut Connection) -> Result<Vec<Load>, DbError> {
    sqlx::query_as!(
        Load,
        r#"WITH RECURSIVE turns (org) AS (
             (SELECT bulk_of FROM spool WHERE bulk_of IS NOT NULL ORDER BY bulk_of LIMIT 1)
             UNION ALL
             SELECT (SELECT s.bulk_of FROM spool s WHERE s.bulk_of > turns.org ORDER BY s.bulk_of LIMIT 1)
             FROM turns WHERE turns.org IS NOT NULL)
         SELECT o.slug AS "org?", counted.envelopes AS "envelopes!"
         FROM turns CROSS JOIN LATERAL (
             SELECT count(*) AS envelopes FROM (SELECT FROM spool s WHERE s.bulk_of = turns.org LIMIT $1) s) counted
         LEFT JOIN orgs o ON o.org_id = turns.org
         WHERE turns.org IS NOT NULL
         ORDER BY counted.envelopes DESC, turns.org LIMIT $2"#,
        MOST_COUNTED,
        LOADED
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("spool_bulk.most_loaded", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{self, Pool, events, spool},
        runtime::Clock,
    };

    async fn fill(pool: &Pool, orgs: &[i64]) {
        let mut conn = pool.acquire().await.unwrap();
        let envelopes: Vec<Vec<u8>> = (0..orgs.len()).map(|n| format!("e{n}").into_bytes()).collect();
        put(&mut conn, orgs, &envelopes).await.unwrap();
    }

    fn of(taken: &[Spooled]) -> Vec<(i64, String)> {
        let text = |taken: &Spooled| String::from_utf8(taken.envelope.clone()).unwrap();
        taken
            .iter()
            .map(|taken| (taken.bulk_of.unwrap(), text(taken)))
            .collect()
    }

    #[sqlx::test(migrator = "db::MIGRATOR")]
    async fn organisations_take_turns_and_each_keeps_its_order(pool: Pool) {
        fill(&pool, &[7, 7, 7, 0, 9, 7]).await;
        let mut first = db::begin(&pool).await.unwrap();
        spool::put(&mut first, b"express").await.unwrap();
        let taken = take(&mut first, -1, &[], 2).await.unwrap();
        assert_eq!(of(&taken), [(0, "e3".to_owned()), (7, "e0".to_owned())]);
        let mut held: Vec<i64> = taken.iter().map(|taken| taken.spool_id).collect();
        let taken = take(&mut first, 7, &held, 2).await.unwrap();
        assert_eq!(of(&taken), [(9, "e4".to_owned())], "the round is over");
        held.extend(taken.iter().map(|taken| taken.spool_id));
        let taken = take(&mut first, -1, &held, 2).await.unwrap();
        assert_eq!(of(&taken), [(7, "e1".to_owned())], "the second round");
        // Another worker passes over what is held.
        let mut second = db::begin(&pool).await.unwrap();
        let taken = take(&mut second, -1, &[], 9).await.unwrap();
        assert_eq!(of(&taken), [(7, "e2".to_owned())]);
        db::rollback(first).await.unwrap();
        db::rollback(second).await.unwrap();
        let mut conn = pool.acquire().await.unwrap();
        assert!(
            spool::take(&mut conn, 0, 9).await.unwrap().is_empty(),
            "bulk is not express"
        );
    }

    #[sqlx::test(migrator = "db::MIGRATOR")]
    async fn the_most_loaded_are_few(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(most_loaded(&mut conn).await.unwrap(), []);
        let orgs: Vec<i64> = (1..=8)
            .flat_map(|org| vec![org; usize::try_from(org).unwrap()])
            .collect();
        fill(&pool, &orgs).await;
        let counts: Vec<i64> = most_loaded(&mut conn)
            .await
            .unwrap()
            .iter()
            .map(|load| load.envelopes)
            .collect();
        assert_eq!(counts, [8, 7, 6, 5, 4]);
    }

    /// What it waits for may be in it.
    #[sqlx::test(migrator = "db::MIGRATOR")]
    async fn a_backlog_keeps_what_is_parked_alive(pool: Pool) {
        let mut conn = pool.acquire().await.unwrap();
        let parked = "INSERT INTO events (event_id, org_id, kind, dialect, status, received_at, due_at, trusted, body)
                      SELECT gen_random_uuid(), org, 'refund', 'native', 'parked', now(), now() - interval '1 minute', true, '{}'
                      FROM generate_series(1, 2) org";
        sqlx::query(parked).execute(&mut *conn).await.unwrap();
        fill(&pool, &[1]).await;
        let sweep = async || {
            let mut transaction = db::begin(&pool).await.unwrap();
            let swept = events::sweep_parked(&mut transaction, Clock::default().now())
                .await
                .unwrap();
            db::commit(transaction).await.unwrap();
            swept
        };
        assert_eq!(sweep().await, (0, 1), "the other organisation's");
        sqlx::query("DELETE FROM spool")
            .execute(&mut *conn)
            .await
            .unwrap();
        assert_eq!(sweep().await, (0, 1));
    }
}
