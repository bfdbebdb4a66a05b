//! Wake-up calls between processes, by LISTEN and NOTIFY. A call may be lost: whoever listens also polls.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::{Connection, DbError, Pool};

/// Envelopes have been spooled.
pub const SPOOL: &str = "commissary_spool";
/// Outcomes have been committed for which no reply was sent.
pub const OUTCOMES: &str = "commissary_outcomes";
/// Keys have been created or revoked.
pub const KEYS: &str = "commissary_keys";
/// Events have been queued.
pub const EVENTS: &str = "commissary_events";

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
        let called = match tokio::time::timeout(poll, self.0.try_recv()).await {
            Ok(result) => {
                result.map_err(|error| DbError::new("notify.wait", error))?;
                true
            }
            Err(_elapsed) => false,
        };
        while let Some(_more) = self.0.next_buffered() {}
        Ok(called)
    }
}

/// Calls whoever listens on `channel` when the transaction commits.
///
/// # Errors
/// When the database does not answer.
pub async fn notify(connection: &mut Connection, channel: &'static str) -> Result<(), DbError> {
    sqlx::query!("SELECT pg_notify($1, '')", channel)
        .execute(connection)
        .await
        .map_err(|error| DbError::new("notify.notify", error))?;
    Ok(())
}
