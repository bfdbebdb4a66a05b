//! A TCP relay between a client and a server, with the faults a network has: cut, silence, one-way silence.

#![expect(clippy::expect_used, reason = "a test without its relay cannot go on")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What the relay does with bytes. Withheld bytes are not lost: they flow when the mode returns to `Pass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// The client's bytes arrive, the server's answers do not.
    HoldServer,
    /// Nothing arrives in either direction and nothing is closed: no RST, no FIN.
    BlackHole,
}

/// Listens on loopback and forwards each connection to the target until dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    cuts: watch::Sender<u64>,
    accepted: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// `target` is `host:port`; the relay's own port is any free one.
    pub async fn start(target: &str) -> Self {
        Self::start_on(target, 0).await
    }

    /// On a given port, to appear where a client has been knocking in vain.
    pub async fn start_on(target: &str, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a loopback port for the relay");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (mode, mode_seen) = watch::channel(Mode::Pass);
        let (cuts, cuts_seen) = watch::channel(0);
        let accepted = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(
            listener,
            target.to_owned(),
            mode_seen,
            cuts_seen,
            Arc::clone(&accepted),
        ));
        Self {
            address,
            mode,
            cuts,
            accepted,
            accepting,
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// For all connections, present and future.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Closes all present connections; new ones are accepted.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// Refuses connections from now on, and closes the present ones.
impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: String,
    mode: watch::Receiver<Mode>,
    cuts: watch::Receiver<u64>,
    accepted: Arc<AtomicUsize>,
) {
    // Aborted with this task, and so are the connections in it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::SeqCst);
        let mut cuts = cuts.clone();
        cuts.mark_unchanged();
        connections.spawn(connection(client, target.clone(), mode.clone(), cuts));
    }
}

async fn connection(
    client: TcpStream,
    target: String,
    mode: watch::Receiver<Mode>,
    mut cuts: watch::Receiver<u64>,
) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let open_to_server = |mode: &Mode| *mode != Mode::BlackHole;
    let open_to_client = |mode: &Mode| *mode == Mode::Pass;
    tokio::select! {
        _ = cuts.changed() => {}
        () = copy(from_client, to_server, mode.clone(), open_to_server) => {}
        () = copy(from_server, to_client, mode.clone(), open_to_client) => {}
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    open: impl Fn(&Mode) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if mode.wait_for(|mode| open(mode)).await.is_err() {
            break;
        }
        let Some(bytes) = buffer.get(..read) else { break };
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    // The end of a stream is news too, and a black hole passes none on.
    drop(mode.wait_for(|mode| open(mode)).await);
}
