//! The connection of one who applies batch after batch. All that a batch loads is named by keys, so the plans of its statements are known
//! beforehand and kept: to plan each again costs more than most take to run.

use std::time::{Duration, Instant};

use sqlx::Connection as _;

use super::{Connection, DbError, Pool, PooledConnection, pool};

/// Plans are made again after so long.
const KEPT: Duration = Duration::from_mins(1);
/// The same while the connection is young: so may be the tables, and of a table with a few rows the planner may take any index for good.
const KEPT_AT_FIRST: Duration = Duration::from_secs(1);
const YOUNG: Duration = Duration::from_mins(2);

/// Besides keeping plans, the planner is kept from reading whole tables, or whole indexes: it takes a young table for small, and a batch
/// for large.
macro_rules! begin {
    ($before:literal) => {
        concat!(
            $before,
            "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; ",
            "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; ",
            "SET LOCAL enable_material = off"
        )
    };
}
const BEGIN: &str = begin!("");
const BEGIN_ANEW: &str = begin!("DISCARD PLANS; ");

/// A connection with its plans.
#[derive(Debug)]
pub struct BatchSession {
    connection: PooledConnection,
    opened: Instant,
    used: Instant,
    planned: Instant,
    /// Events since then, and in all before.
    events: usize,
    events_before: usize,
}

impl BatchSession {
    /// # Errors
    /// When no connection is to be had.
    pub async fn open(pool: &Pool) -> Result<Self, DbError> {
        let now = Instant::now();
        Ok(Self {
            connection: pool::acquire(pool).await?,
            opened: now,
            used: now,
            planned: now,
            events: 0,
            events_before: 0,
        })
    }

    /// Whether it is still there, as far as can be told.
    pub async fn is_alive(&mut self) -> bool {
        if self.used.elapsed() <= pool::BELIEVED {
            return true;
        }
        // Whoever is gone without a word does not answer.
        let answers = tokio::time::timeout(pool::ACQUIRE_TIMEOUT, self.connection.ping());
        matches!(answers.await, Ok(Ok(())))
    }

    /// Does `work` on so many `events` in a transaction, as [`super::in_transaction`]. After an error the session may be of no use any more.
    ///
    /// # Errors
    /// Those of `work`, and when the database does not begin or commit.
    pub async fn in_transaction<T, E: From<DbError>>(
        &mut self,
        events: usize,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = if self.has_old_plans() {
            self.planned = Instant::now();
            self.events_before += self.events;
            self.events = 0;
            BEGIN_ANEW
        } else {
            BEGIN
        };
        self.events += events;
        let transaction = self.connection.begin_with(begin).await;
        let transaction = transaction.map_err(|error| DbError::new("database.begin", error))?;
        let done = pool::finish(transaction, work).await;
        self.used = Instant::now();
        done
    }

    /// Also when the tables may have grown to twice their size.
    fn has_old_plans(&self) -> bool {
        let kept = if self.opened.elapsed() < YOUNG {
            KEPT_AT_FIRST
        } else {
            KEPT
        };
        self.planned.elapsed() >= kept || self.events > self.events_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn apply(session: &mut BatchSession, events: usize) {
        let nothing = session.in_transaction(events, async |_connection| Ok::<_, DbError>(()));
        nothing.await.unwrap();
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn plans_are_made_again_as_tables_grow_and_as_time_goes_by(pool: Pool) {
        let mut session = BatchSession::open(&pool).await.unwrap();
        apply(&mut session, 10).await;
        assert!(session.has_old_plans(), "they were made for none");
        apply(&mut session, 10).await;
        session.planned = Instant::now();
        assert!(!session.has_old_plans(), "as many again");
        apply(&mut session, 1).await;
        assert!(session.has_old_plans(), "and one more");
        apply(&mut session, 1).await;
        session.planned = Instant::now().checked_sub(KEPT_AT_FIRST).unwrap();
        assert!(session.has_old_plans(), "the connection is young");
        session.opened = Instant::now().checked_sub(YOUNG).unwrap();
        assert!(!session.has_old_plans());
        session.planned = Instant::now().checked_sub(KEPT).unwrap();
        assert!(session.has_old_plans());
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn what_a_batch_sets_holds_for_its_transaction(pool: Pool) {
        let mut session = BatchSession::open(&pool).await.unwrap();
        let setting = "SELECT current_setting('enable_seqscan') || ' ' || current_setting('plan_cache_mode')";
        for _plans in ["new", "kept"] {
            let inside = session.in_transaction(1, async |connection| {
                let inside: String = sqlx::query_scalar(setting).fetch_one(connection).await.unwrap();
                Ok::<_, DbError>(inside)
            });
            assert_eq!(inside.await.unwrap(), "off force_generic_plan");
            let outside: String = sqlx::query_scalar(setting)
                .fetch_one(&mut *session.connection)
                .await
                .unwrap();
            assert_eq!(outside, "on auto");
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn who_was_cut_off_is_found_out(pool: Pool) {
        let mut session = BatchSession::open(&pool).await.unwrap();
        assert!(session.is_alive().await);
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut *session.connection)
            .await
            .unwrap();
        sqlx::query("SELECT pg_terminate_backend($1, 10000)")
            .bind(pid)
            .execute(&pool)
            .await
            .unwrap();
        session.used = Instant::now().checked_sub(pool::BELIEVED * 2).unwrap();
        assert!(!session.is_alive().await);
    }
}
