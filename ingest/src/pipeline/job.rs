//! What waits for a publisher.

use common::domain::EventId;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// An event on its way, and whom to tell that it is durable (or that nobody knows).
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: EventId,
    /// Whose bulk it is; `None`: it goes express, with those of others.
    pub(crate) bulk_of: Option<i64>,
    pub(crate) encoded: Vec<u8>,
    pub(crate) durable: oneshot::Sender<bool>,
    /// Among the bytes that wait, until an envelope has it.
    pub(crate) _room: Room,
}

/// The places that a job takes until an envelope has it: among all, and among those of bulk.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) _all: OwnedSemaphorePermit,
    pub(crate) _bulk: Option<OwnedSemaphorePermit>,
}
