//! Making one connection, with deadlines that really end the attempt.
//!
//! lapin runs each connection on an operating system thread of its own, and dropping the connecting future does not stop
//! that thread. Two things do: a timeout inside the closure that makes the TCP connection, and a second handle on the
//! socket, by which it can be cut when the broker accepts and then says nothing.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::tcp::AMQPUriTcpExt;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use tokio::time::timeout;

use super::{AmqpError, AmqpUrl, tls};
use crate::runtime::tls_advice;

/// For the TCP connection alone, and for it together with the AMQP handshake.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// Connects once. `purpose` is the name shown by `rabbitmqctl list_connections` after "commissary".
pub(super) async fn dial(url: &AmqpUrl, purpose: &str) -> Result<(Connection, Socket), AmqpError> {
    let socket = Socket::default();
    let slot = socket.clone();
    let runtime = lapin::runtime::default_runtime().map_err(connect_error)?;
    let (tls, host) = (url.connector()?, url.host().to_owned());
    let connecting = Connection::connector(
        url.uri(),
        runtime,
        async move |uri, runtime| {
            let stream = timeout(CONNECT_DEADLINE, uri.connect_async(&runtime))
                .await
                .map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))??;
            if let AsyncTcpStream::Plain(plain) = &stream {
                slot.put(TcpStream::from(plain.get_ref().as_fd().try_clone_to_owned()?))?;
            }
            Ok(tls::secured(stream, tls.as_ref(), &host).await?)
        },
        properties(purpose),
    );
    match timeout(CONNECT_DEADLINE, connecting).await {
        Ok(Ok(connection)) => Ok((connection, socket)),
        Ok(Err(source)) => {
            socket.cut();
            Err(connect_error(source))
        }
        Err(_elapsed) => {
            socket.cut();
            Err(AmqpError::Timeout {
                operation: "connecting",
            })
        }
    }
}

/// Automatic recovery stays off (the default): it gives up after sixteen attempts, leaves consumers silent after a channel
/// error, and replays a remembered topology instead of ours.
fn properties(purpose: &str) -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name(format!("commissary {purpose}").into())
        .with_client_property("product".into(), "commissary".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}

fn connect_error(source: lapin::Error) -> AmqpError {
    match tls_advice(&source) {
        Some(advice) => AmqpError::Tls { advice },
        None => AmqpError::Connect {
            source: Box::new(source),
        },
    }
}

/// A second handle on a connection's socket, good for one thing: cutting it. lapin has no way to give up a connection
/// whose peer is silent; its close waits for an answer, with the heartbeat already switched off.
#[derive(Clone, Default)]
pub(super) struct Socket(Arc<Mutex<SocketState>>);

#[derive(Default)]
struct SocketState {
    stream: Option<TcpStream>,
    cut: bool,
}

impl Socket {
    /// Refused when the attempt was given up before its TCP connection stood.
    fn put(&self, stream: TcpStream) -> io::Result<()> {
        let mut state = self.lock();
        if state.cut {
            return Err(io::ErrorKind::TimedOut.into());
        }
        state.stream = Some(stream);
        Ok(())
    }

    /// Ends the connection at once; lapin's thread sees the end of the stream and finishes.
    pub(super) fn cut(&self) {
        let mut state = self.lock();
        state.cut = true;
        if let Some(stream) = state.stream.take() {
            // An error only says that it was closed before.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn lock(&self) -> MutexGuard<'_, SocketState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
