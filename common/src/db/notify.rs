//! Wake-up calls between processes, by LISTEN and NOTIFY. A call may be lost: whoever listens also polls.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgNotification};

use super::{Connection, DbError, Pool};

/// Envelopes have been spooled.
pub const SPOOL: &str = "commissary_spool";
/// Outcomes have been committed for which no reply was sent.
pub const OUTCOMES: &str = "commissary_outcomes";
/// Keys have been created or revoked.
pub const KEYS: &str = "commissary_keys";
/// Events have been queued.
pub const EVENTS: &str = "commissary_events";
/// A barrier has been set; its number comes with the call.
pub const BARRIERS: &str = "commissary_barriers";

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub channel: String,
    pub payload: String,
}

/// Listens on channels over a connection of its own.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// # Errors
    /// When the database does not answer.
    pub async fn open(pool: &Pool, channels: &[&str]) -> Result<Self, DbError> {
        let mut listener = PgListener::connect_with(pool)
            .await
            .map_err(|error| DbError::new("notify.open", error))?;
        listener
            .listen_all(channels.iter().copied())
            .await
            .map_err(|error| DbError::new("notify.listen", error))?;
        Ok(Self(listener))
    }

    /// Waits for a call, but no longer than `poll`; `true` when one came. Calls that have come meanwhile count as one.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn wait(&mut self, poll: Duration) -> Result<bool, DbError> {
        Ok(!self.calls(poll).await?.is_empty())
    }

    /// Waits for calls, but no longer than `poll`, and gives all that have come meanwhile.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn calls(&mut self, poll: Duration) -> Result<Vec<Call>, DbError> {
        let mut calls = Vec::new();
        if let Ok(received) = tokio::time::timeout(poll, self.0.try_recv()).await {
            let first = received.map_err(|error| DbError::new("notify.wait", error))?;
            // None: the connection was lost and is there again, and a call may have been lost with it.
            calls.push(first.map_or_else(Call::lost, |first| Call::of(&first)));
        }
        while let Some(more) = self.0.next_buffered() {
            calls.push(Call::of(&more));
        }
        Ok(calls)
    }
}

impl Call {
    fn of(notification: &PgNotification) -> Self {
        Self {
            channel: notification.channel().to_owned(),
            payload: notification.payload().to_owned(),
        }
    }

    /// Which one it was nobody knows.
    fn lost() -> Self {
        Self {
            channel: String::new(),
            payload: String::new(),
        }
    }
}

/// Calls whoever listens on `channel` when the transaction commits.
///
/// # Errors
/// When the database does not answer.
pub async fn notify(connection: &mut Connection, channel: &'static str) -> Result<(), DbError> {
    tell(connection, channel, "").await
}

/// The same, with something to tell.
///
/// # Errors
/// When the database does not answer.
pub async fn tell(connection: &mut Connection, channel: &'static str, payload: &str) -> Result<(), DbError> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload)
        .execute(connection)
        .await
        .map_err(|error| DbError::new("notify.notify", error))?;
    Ok(())
}
