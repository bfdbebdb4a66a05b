//! One connection from its first to its last moment.

use std::fmt;
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use lapin::Channel;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::dial::Socket;
use super::{AmqpError, chain};
use crate::runtime::TaskGroup;

/// How long the broker may take to answer one operation (open a channel, declare a queue, start a consumer).
pub(super) const OPERATION_DEADLINE: Duration = Duration::from_secs(5);
/// How long a polite close may take before the socket is cut.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// One connection to the broker, with everything that lives on it: channels, consumers, unanswered confirms. It ends once
/// and for all; its manager then makes the next one, with a higher number.
pub struct Connection {
    number: u64,
    inner: lapin::Connection,
    socket: Socket,
    over: CancellationToken,
    reason: OnceLock<String>,
    tasks: TaskGroup,
}

impl Connection {
    /// `tasks`: for what must run beside its users; it ends with the connection.
    pub(super) fn new(number: u64, inner: lapin::Connection, socket: Socket, tasks: TaskGroup) -> Self {
        Self {
            number,
            inner,
            socket,
            over: CancellationToken::new(),
            reason: OnceLock::new(),
            tasks,
        }
    }

    /// Counts from 1 within a manager.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Ends this connection: whoever sees a stall or an error of a channel calls it. Everything that waits on the
    /// connection returns at once; the connection is closed in the background. The first reason is kept.
    pub fn fail(&self, reason: impl Into<String>) {
        // A second reason is a consequence of the first.
        drop(self.reason.set(reason.into()));
        self.over.cancel();
    }

    /// Waits until the connection is over and says why.
    pub async fn ended(&self) -> &str {
        self.over.cancelled().await;
        self.reason()
    }

    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// The broker accepts no publishes (memory or disk alarm). lapin then writes nothing at all on this connection.
    pub fn is_blocked(&self) -> bool {
        self.inner.status().blocked()
    }

    pub(super) async fn open_channel(&self) -> Result<Channel, AmqpError> {
        self.run("opening a channel", self.inner.create_channel()).await
    }

    /// Runs one operation with a deadline, and not beyond the end of the connection.
    pub(super) async fn run<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, AmqpError> {
        tokio::select! {
            biased;
            () = self.over.cancelled() => Err(self.over_error()),
            done = timeout(OPERATION_DEADLINE, work) => match done {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(source)) => Err(AmqpError::Channel { operation, source: Box::new(source) }),
                Err(_elapsed) => Err(AmqpError::Timeout { operation }),
            },
        }
    }

    pub(super) fn over_error(&self) -> AmqpError {
        AmqpError::Over {
            number: self.number,
            reason: self.reason().to_owned(),
        }
    }

    pub(super) fn tasks(&self) -> &TaskGroup {
        &self.tasks
    }

    pub(super) fn inner(&self) -> &lapin::Connection {
        &self.inner
    }

    /// Closes the connection politely if the broker answers in time, and in any case for good.
    pub(super) async fn close(&self, why: &str) {
        self.fail(why);
        match timeout(
            CLOSE_DEADLINE,
            self.inner.close(200, "closed by the client".into()),
        )
        .await
        {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(error = chain(&error), "the connection had ended before its close");
            }
            Err(_elapsed) => tracing::debug!("the broker did not answer the close; cutting the connection"),
        }
        self.socket.cut();
    }

    fn reason(&self) -> &str {
        self.reason.get().map_or("still running", String::as_str)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("number", &self.number)
            .field("over", &self.is_over())
            .finish_non_exhaustive()
    }
}

/// A connection nobody closed (its manager was dropped with the runtime) must not leave lapin's thread behind.
impl Drop for Connection {
    fn drop(&mut self) {
        self.over.cancel();
        self.socket.cut();
    }
}
