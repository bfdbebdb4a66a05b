//! One connection, as its requests and its stream know it.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use axum::http::HeaderMap;

use super::{bodies::Bodies, limits::Limits, open::Open};

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) limits: Limits,
    pub(super) open: Arc<Open>,
    pub(super) bodies: Bodies,
}

impl Server {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            bodies: Bodies::new(limits.bodies_bytes),
            open: Arc::default(),
            limits,
        })
    }
}

/// The connection that a request came by: an extension of every request that came over the network. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    server: Arc<Server>,
    peer: IpAddr,
    /// Requests whose heads have been read, so that the stream knows one from the next.
    requests: AtomicU32,
    /// A request is being answered.
    is_answering: AtomicBool,
    /// A body was not read to its end.
    is_unread: AtomicBool,
}

impl Connection {
    pub(super) fn new(server: Arc<Server>, peer: IpAddr) -> Self {
        Self(Arc::new(Shared {
            server,
            peer,
            requests: AtomicU32::new(0),
            is_answering: AtomicBool::new(false),
            is_unread: AtomicBool::new(false),
        }))
    }

    /// A connection of a server of its own, for requests that tests make up.
    #[cfg(any(test, feature = "testing"))]
    pub fn from_peer(peer: IpAddr, limits: Limits) -> Self {
        Self::new(Server::new(limits), peer)
    }

    /// Who sends a request with these headers: the other end, or whom a trusted proxy names.
    pub fn client(&self, headers: &HeaderMap) -> IpAddr {
        self.0.server.limits.trusted.client(self.0.peer, headers)
    }

    /// Whether a request with these headers came by https, as a trusted proxy says: we ourselves speak plain HTTP.
    pub fn is_https(&self, headers: &HeaderMap) -> bool {
        self.0.server.limits.trusted.is_https(self.0.peer, headers)
    }

    /// Whether `client` may do what a stranger may do only so often: trusted proxies, and this machine itself.
    pub fn is_unlimited(&self, client: IpAddr) -> bool {
        self.0.server.limits.is_unlimited(client)
    }

    pub(in crate::http) fn bodies(&self) -> &Bodies {
        &self.0.server.bodies
    }

    /// Whether more than half of the room for bodies, or of the connections, is taken: those who send slowly must make room.
    pub(in crate::http) fn is_pressed(&self) -> bool {
        let server = self.server();
        server.bodies.are_scarce() || server.open.is_crowded(&server.limits)
    }

    pub(super) fn server(&self) -> &Server {
        &self.0.server
    }

    /// The head of a request has been read.
    pub(super) fn begin_answer(&self) {
        self.0.is_unread.store(false, Ordering::Relaxed);
        self.0.is_answering.store(true, Ordering::Relaxed);
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_answer(&self) {
        self.0.is_answering.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_answering(&self) -> bool {
        self.0.is_answering.load(Ordering::Relaxed)
    }

    pub(super) fn requests(&self) -> u32 {
        self.0.requests.load(Ordering::Relaxed)
    }

    pub(super) fn leave_unread(&self) {
        self.0.is_unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.0.is_unread.load(Ordering::Relaxed)
    }
}
