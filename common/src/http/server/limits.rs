//! What one process gives to connections, be they friends or strangers: how many, how long, how much.

use std::{net::IpAddr, time::Duration};

use super::proxies::TrustedProxies;

/// Connections at once, at most. One more is answered 503 and closed.
pub const MAX_CONNECTIONS: usize = 4_096;
/// Connections of one client at once (IPv6: of one /64), at most. One more is answered 429 and closed. Trusted proxies and this
/// machine itself have as many as there are.
pub const MAX_CLIENT_CONNECTIONS: usize = 256;
/// From the first byte of a request to the end of its headers; of a new connection, from its beginning.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two requests of one connection: longer than the load balancers that keep theirs for a minute.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// The same, while more than half of all connections are taken.
pub const CROWDED_IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// A client that takes nothing of its answer for so long is let go.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that takes less than so many bytes a second uses up [`WRITE_TIMEOUT`] meanwhile.
pub const SLOWEST_READER: usize = 1_024;
/// Bytes of bodies under way in one process, of all together, at most. What does not fit is answered 503.
pub const MAX_BODIES_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of a request line and headers, at most: a URL of 8 KiB and room for headers beside it.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Bytes that the system keeps of answers which a client does not take.
pub const SEND_BUFFER_BYTES: u32 = 256 * 1024;

/// How a server treats connections. Tests have smaller ones.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: usize,
    pub client_connections: usize,
    pub header_timeout: Duration,
    pub idle_timeout: Duration,
    pub crowded_idle_timeout: Duration,
    pub write_timeout: Duration,
    pub bodies_bytes: usize,
    pub trusted: TrustedProxies,
    /// Whether connections from this machine are limited like all others: only tests come from there and are none of ours.
    pub limits_loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: MAX_CONNECTIONS,
            client_connections: MAX_CLIENT_CONNECTIONS,
            header_timeout: HEADER_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            crowded_idle_timeout: CROWDED_IDLE_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
            bodies_bytes: MAX_BODIES_BYTES,
            trusted: TrustedProxies::default(),
            limits_loopback: false,
        }
    }
}

impl Limits {
    /// Whether so many connections of `peer` are no sign of anything.
    pub(super) fn is_unlimited(&self, peer: IpAddr) -> bool {
        self.trusted.contain(peer) || (peer.is_loopback() && !self.limits_loopback)
    }
}
