//! Envelopes from either queue, decoded: the events to apply, to whom their outcomes go, and what could not be decoded.

use std::collections::HashMap;

use common::{
    apply::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS},
    db::{self, DbError, Pool, failures::Failure},
    domain::{EventId, Incoming},
    message::{DecodeError, Envelope},
    runtime::Clock,
    telemetry,
};

/// Where the outcomes of an envelope go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReplyTo {
    pub(crate) instance: String,
    pub(crate) queue: Option<String>,
}

/// A batch in the making.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    pub(crate) events: Vec<Incoming>,
    /// Only for events that are awaited.
    pub(crate) reply_to: HashMap<EventId, ReplyTo>,
    pub(crate) undecodable: Vec<(Vec<u8>, Failure)>,
    bytes: usize,
}

/// An ingest newer than this worker wrote the envelope: nothing is wrong with it, but it is not for this worker.
#[derive(Debug, thiserror::Error)]
#[error("an envelope waits for a newer worker")]
pub(crate) struct NewerVersion {
    /// The envelope itself, to be kept for a newer worker.
    pub(crate) payload: Vec<u8>,
    source: DecodeError,
}

impl Intake {
    /// # Errors
    /// [`NewerVersion`]; then the envelope is not part of the batch.
    pub(crate) fn add(&mut self, payload: Vec<u8>) -> Result<(), NewerVersion> {
        self.bytes += payload.len();
        let envelope = match Envelope::decode(&payload) {
            Ok(envelope) => envelope,
            Err(source @ DecodeError::NewerVersion(_)) => return Err(NewerVersion { payload, source }),
            Err(error @ DecodeError::Malformed(_)) => {
                let detail = telemetry::chain(&error);
                let failure = Failure {
                    code: "undecodable".to_owned(),
                    detail,
                    fingerprint: "undecodable".to_owned(),
                };
                self.undecodable.push((payload, failure));
                return Ok(());
            }
        };
        let reply_to = ReplyTo {
            instance: envelope.from,
            queue: envelope.reply_to,
        };
        for event in envelope.events {
            if event.wait_until.is_some() {
                self.reply_to.insert(event.id, reply_to.clone());
            }
            self.events.push(Incoming { event, queued: false });
        }
        Ok(())
    }

    /// Whether another envelope may be added.
    pub(crate) fn has_room(&self) -> bool {
        self.events.len() < MAX_BATCH_EVENTS && self.bytes < MAX_BATCH_BYTES
    }

    /// Keeps what could not be decoded, for an operator to see.
    ///
    /// # Errors
    /// When the database does not answer; nothing may be acknowledged then.
    pub(crate) async fn bury_undecodable(&self, pool: &Pool, clock: &Clock) -> Result<(), DbError> {
        for (bytes, failure) in &self.undecodable {
            let mut transaction = db::begin(pool).await?;
            let id = db::failures::bury_bytes(&mut transaction, bytes, failure, clock.now()).await?;
            db::commit(transaction).await?;
            telemetry::metrics::dead("undecodable".to_owned(), 1);
            tracing::error!(event.id = %id, detail = failure.detail, "a message could not be decoded and is kept as dead");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use common::{
        domain::{Body, Dialect, Event, OrgId, Refund},
        message::EventIds,
    };

    use super::*;

    fn envelope(events: usize, padding: usize) -> Vec<u8> {
        let (clock, ids) = (Clock::default(), EventIds::new("test").unwrap());
        let encoded = (0..events).map(|_| {
            let event = Event {
                id: ids.issue(OrgId(1), clock.now()),
                org: OrgId(1),
                dialect: Dialect::Native,
                received_at: clock.now(),
                trusted: true,
                program_scope: None,
                idempotency: None,
                wait_until: None,
                body: Body::Refund(Refund {
                    external_id: "x".repeat(padding),
                    amount: None,
                    minor_units: None,
                    refund_id: None,
                }),
            };
            serde_json::to_vec(&event).unwrap()
        });
        Envelope::join("test", None, &encoded.collect::<Vec<_>>())
    }

    #[test]
    fn a_batch_is_full_at_its_events_or_at_its_bytes() {
        let mut batch = Intake::default();
        batch.add(envelope(MAX_BATCH_EVENTS - 1, 1)).unwrap();
        assert!(batch.has_room());
        batch.add(envelope(1, 1)).unwrap();
        assert!(!batch.has_room());

        let mut batch = Intake::default();
        batch.add(envelope(1, MAX_BATCH_BYTES / 2)).unwrap();
        assert!(batch.has_room());
        batch.add(envelope(1, MAX_BATCH_BYTES / 2)).unwrap();
        assert!(!batch.has_room());
    }

    #[test]
    fn what_cannot_be_decoded_is_kept_beside_the_batch() {
        let mut batch = Intake::default();
        batch.add(b"rubbish".to_vec()).unwrap();
        batch.add(envelope(2, 1)).unwrap();
        assert_eq!((batch.events.len(), batch.undecodable.len()), (2, 1));
        assert!(batch.add(br#"{"v":99}"#.to_vec()).is_err());
    }
}
