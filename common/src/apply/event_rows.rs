//! What happens to the rows of events besides their being decided: they are queued, put off, given up. Whoever applies events
//! calls this; operators have `ops`. Nobody else writes events.

use chrono::{DateTime, Utc};

use crate::{
    db::{
        Connection, DbError,
        dead_letters::{self, Failure},
        event_writes, events, notify,
    },
    domain::{Event, EventId},
};

/// Gives events that nobody sent rows of their own, to be applied as soon as this commits.
///
/// # Errors
/// When the database does not answer.
pub async fn queue(
    connection: &mut Connection,
    events: Vec<Event>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    event_writes::enqueue(connection, events, now).await?;
    notify::notify(connection, notify::EVENTS).await
}

/// Looks at queued events no earlier than `until`.
///
/// # Errors
/// When the database does not answer.
pub async fn put_off(
    connection: &mut Connection,
    ids: &[EventId],
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    events::put_off(connection, ids, until).await
}

/// Looks again, a little later, at queued events of which nobody can say yet whether what they need is under way.
///
/// # Errors
/// When the database does not answer.
pub async fn let_wait(
    connection: &mut Connection,
    ids: &[EventId],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    events::let_wait(connection, ids, now).await
}

/// Has an event that others keep from being applied tried again later, the later the more often it was tried. `is_queued`: it
/// has a row already. `false`: it has been tried often enough.
///
/// # Errors
/// When the database refuses what the event holds, or does not answer.
pub async fn postpone(
    connection: &mut Connection,
    event: &Event,
    is_queued: bool,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    dead_letters::postpone(connection, event, is_queued, now).await
}

/// Gives an event up: it is dead until an operator replays it. `false`: it was decided meanwhile.
///
/// # Errors
/// When the database refuses what the event holds, or does not answer.
pub async fn dead_letter(
    connection: &mut Connection,
    event: &Event,
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    dead_letters::record(connection, event, failure, now).await
}

/// Keeps bytes that stand for no event. Returns the id of their record.
///
/// # Errors
/// When the database does not answer.
pub async fn dead_letter_bytes(
    connection: &mut Connection,
    bytes: &[u8],
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<EventId, DbError> {
    let id = dead_letters::record_bytes(connection, bytes, failure, now).await?;
    Ok(EventId(id))
}

/// Queues parked events whose order has come meanwhile, and gives up those that have waited too long. Returns how many of each.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep_parked(connection: &mut Connection, now: DateTime<Utc>) -> Result<(u64, u64), DbError> {
    let (queued, dead) = events::sweep_parked(connection, now).await?;
    if queued > 0 {
        notify::notify(connection, notify::EVENTS).await?;
    }
    Ok((queued, dead))
}
