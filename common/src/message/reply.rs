//! Outcomes on their way back to the ingest instance whose callers wait for them.

use serde::{Deserialize, Serialize};

use crate::domain::{EventId, Outcome};

/// The outcome of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub event_id: EventId,
    pub outcome: Outcome,
}

/// All outcomes of one batch for one ingest instance. Losing it only delays the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplyBatch {
    pub replies: Vec<Reply>,
}

impl ReplyBatch {
    /// # Errors
    /// When the bytes are no reply batch.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// # Errors
    /// Never for the types of today; serde cannot know that.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}
