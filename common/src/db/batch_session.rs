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
        self.used.elapsed() <= pool::BELIEVED || self.connection.ping().await.is_ok()
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
