//! The one way events take effect: keys → lock → resolve the organisation → load → decide → write, in the caller's transaction.
//!
//! Locks are taken in one order by all: names that are known in all organisations, keys of events, then rows as they are
//! loaded (clicks, conversions, customers, bonuses, payments), balances last; each kind sorted.
//!
//! Nobody else writes conversions, commissions, customers, the ledger or balances. Nothing here retries, acknowledges
//! or answers: that is the caller's.

mod catalog;
pub mod event_rows;
mod free;
mod id_demand;
mod keys;
mod load;
mod new_event;
mod preview;
mod resolve_org;
mod write;

pub use catalog::Catalogs;
pub use preview::preview;

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;

use crate::{
    db::{self, Connection, DbError, FailureClass, locks},
    domain::{Decision, Event, Incoming, PoolExhausted, decide},
};

/// Events in one transaction, at most.
pub const MAX_BATCH_EVENTS: usize = 1000;
/// Bytes of encoded events in one transaction, at most.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// Locks in one transaction, at most: a server with default settings has room for 6,400 of all its clients, and one call
/// may name many clicks.
pub const MAX_BATCH_LOCKS: usize = 2000;

/// A batch could not be applied; its transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Pool(#[from] PoolExhausted),
    #[error("applying panicked: {0}")]
    Panic(String),
}

impl ApplyError {
    /// As [`DbError::is_stale_plan`].
    pub fn is_stale_plan(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_stale_plan())
    }

    /// As [`DbError::is_timeout`].
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_timeout())
    }

    pub fn class(&self) -> FailureClass {
        match self {
            Self::Db(error) => error.class(),
            Self::Pool(_) | Self::Panic(_) => FailureClass::Data,
        }
    }

    /// A stable code for dead-letter records.
    pub fn code(&self) -> String {
        match self {
            Self::Db(error) => error.code().unwrap_or("database").to_owned(),
            Self::Pool(_) => "ids_exhausted".to_owned(),
            Self::Panic(_) => "panic".to_owned(),
        }
    }

    /// What equal failures have in common: where and why, without the values.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Db(error) => {
                let constraint = error.constraint().unwrap_or_default();
                format!("{} {} {constraint}", error.operation, self.code())
                    .trim_end()
                    .to_owned()
            }
            Self::Pool(_) | Self::Panic(_) => self.to_string(),
        }
    }
}

/// Locks that an event needs by itself; in a batch it may share them with others.
pub fn locks(event: &Event) -> usize {
    keys::count(event)
}

/// Cuts events, in their order, into batches that keep to [`MAX_BATCH_EVENTS`] and [`MAX_BATCH_LOCKS`]. An event that
/// needs more locks than that is alone.
pub fn batches(events: &[Incoming]) -> Vec<&[Incoming]> {
    let mut batches = Vec::new();
    let mut rest = events;
    while !rest.is_empty() {
        let mut held = 0;
        let fits = rest.iter().take(MAX_BATCH_EVENTS).take_while(|incoming| {
            held += locks(&incoming.event);
            held <= MAX_BATCH_LOCKS
        });
        let (batch, more) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = more;
    }
    batches
}

/// How a batch treats those who are in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It waits for whoever holds one of its keys.
    Waiting,
    /// It leaves the events of whose keys somebody holds one; they must be applied after the others. While somebody else applies events
    /// of the same customers, it would wait for all of his.
    Leaving,
    /// It waits, and what is parked for what it brings stays parked, as it may be what fails: for one event that does. The sweep
    /// queues it then, and it is applied by itself.
    Alone,
}

/// What was applied, and what was left, in its order.
#[derive(Debug)]
pub struct Applied {
    pub decisions: Vec<Decision>,
    pub left: Vec<Incoming>,
}

/// Applies a batch in the transaction that `connection` is in. The outcomes hold once it commits.
///
/// # Errors
/// [`ApplyError`]; nothing of the batch has taken effect when the caller rolls back. A connection whose statements are
/// older than the schema has forgotten them by then.
pub async fn apply(
    connection: &mut Connection,
    events: Vec<Incoming>,
    now: DateTime<Utc>,
) -> Result<Vec<Decision>, ApplyError> {
    let catalogs = &mut Catalogs::default();
    let applied = apply_batch(connection, events, now, Manner::Waiting, catalogs);
    Ok(applied.await?.decisions)
}

/// As [`apply`], in one of several manners, for who applies batch after batch and keeps `catalogs` from one to the next.
///
/// # Errors
/// As [`apply`].
pub async fn apply_batch(
    connection: &mut Connection,
    events: Vec<Incoming>,
    now: DateTime<Utc>,
    manner: Manner,
    catalogs: &mut Catalogs,
) -> Result<Applied, ApplyError> {
    // A bug that panics must cost the one event that meets it, not the worker.
    // In a place of its own: it is large, and whoever calls it would be as large.
    let applying = Box::pin(try_apply(connection, events, now, manner, catalogs));
    let result = AssertUnwindSafe(applying).catch_unwind().await;
    let result = result.unwrap_or_else(|panic| Err(ApplyError::Panic(panic_message(panic.as_ref()))));
    if result.is_err() {
        *catalogs = Catalogs::default();
    }
    if result.as_ref().is_err_and(ApplyError::is_stale_plan) {
        db::forget_statements(connection).await?;
    }
    result
}

async fn try_apply(
    connection: &mut Connection,
    mut events: Vec<Incoming>,
    now: DateTime<Utc>,
    manner: Manner,
    catalogs: &mut Catalogs,
) -> Result<Applied, ApplyError> {
    let names = keys::names(&events);
    if !names.is_empty() {
        locks::lock_keys(connection, &names).await?;
    }
    let ambiguous = resolve_org::resolve(connection, &mut events).await?;
    let keys = keys::by_event(&events);
    let all = keys::of_all(&keys);
    let mut left = Vec::new();
    if manner == Manner::Leaving {
        let busy = locks::try_lock_keys(connection, &all).await?;
        (events, left) = free::part(events, &keys, busy);
    } else {
        locks::lock_keys(connection, &all).await?;
    }
    let mut world = load::world(connection, &events, now, catalogs).await?;
    world.ambiguous = ambiguous;
    if manner == Manner::Alone {
        world.parked.clear();
    }
    let decisions = decide(events, world)?;
    write::write(connection, &decisions, now).await?;
    Ok(Applied {
        decisions: decisions.decisions,
        left,
    })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests;
