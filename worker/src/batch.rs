//! Envelopes from either queue, decoded: the events to apply, to whom their outcomes go, and what could not be decoded.

use std::collections::HashMap;

use common::{
    apply::{self, MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_BATCH_LOCKS},
    db::{DbError, Pool, dead_letters::Failure},
    domain::{EventId, Incoming},
    message::{DecodeError, Envelope},
    runtime::Clock,
    telemetry::{self, traces},
};

use crate::dead_letter;

/// Where the outcomes of an envelope go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReplyTo {
    pub(crate) instance: String,
    pub(crate) queue: Option<String>,
}

/// A batch in the making.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Incoming>,
    /// Only for events that are awaited.
    pub(crate) reply_to: HashMap<EventId, ReplyTo>,
    pub(crate) undecodable: Vec<(Vec<u8>, Failure)>,
    bytes: usize,
    locks: usize,
}

/// An ingest newer than this worker wrote the envelope: nothing is wrong with it, but it is not for this worker.
#[derive(Debug, thiserror::Error)]
#[error("an envelope waits for a newer worker")]
pub(crate) struct NewerVersion {
    /// The envelope itself, to be kept for a newer worker.
    pub(crate) payload: Vec<u8>,
    /// Which it must know.
    pub(crate) version: u16,
    source: DecodeError,
}

impl Batch {
    /// # Errors
    /// [`NewerVersion`]; then the envelope is not part of the batch.
    pub(crate) fn add(&mut self, payload: Vec<u8>) -> Result<(), NewerVersion> {
        self.bytes += payload.len();
        let envelope = match Envelope::decode(&payload) {
            Ok(envelope) => envelope,
            Err(source @ DecodeError::NewerVersion(version)) => {
                return Err(NewerVersion {
                    payload,
                    version,
                    source,
                });
            }
            Err(error @ DecodeError::Malformed(_)) => {
                let detail = telemetry::chain(&error);
                let failure = Failure::new("undecodable", &detail, "undecodable");
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
            self.locks += apply::locks(&event);
            self.events.push(Incoming { event, queued: false });
        }
        Ok(())
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.undecodable.is_empty()
    }

    /// Whether another envelope may be added.
    pub(crate) fn has_room(&self) -> bool {
        self.events.len() < MAX_BATCH_EVENTS && self.bytes < MAX_BATCH_BYTES && self.locks < MAX_BATCH_LOCKS
    }

    /// Bytes of its envelopes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps what could not be decoded, for an operator to see.
    ///
    /// # Errors
    /// When the database does not answer; nothing may be acknowledged then.
    pub(crate) async fn record_undecodable(&self, pool: &Pool, clock: &Clock) -> Result<(), DbError> {
        for (bytes, failure) in &self.undecodable {
            let id = dead_letter::bytes(pool, clock, bytes, failure).await?;
            telemetry::metrics::dead("undecodable".to_owned(), 1);
            tracing::error!(event.id = %id, detail = failure.detail, "a message could not be decoded and is kept as dead");
        }
        Ok(())
    }
}

/// The span of a batch, from its being taken to its being answered, with links to the traces of its events. `bytes` where it
/// came in envelopes.
pub(crate) fn span(
    source: &'static str,
    lane: Option<u16>,
    events: &[Incoming],
    bytes: Option<usize>,
) -> tracing::Span {
    let span = tracing::info_span!("batch", lane, source, events = events.len(), bytes);
    traces::link(&span, events.iter().filter_map(|incoming| incoming.event.trace));
    span
}

/// Says which events are in the batch whose span this is, where somebody asked for so much.
pub(crate) fn log_events(events: &[Incoming]) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for Incoming { event, queued } in events {
        tracing::debug!(
            event.id = %event.id,
            request.id = event.request_id.as_deref(),
            org = event.org.map(|org| org.0),
            kind = event.body.kind().name(),
            queued,
            "an event is taken"
        );
    }
}

#[cfg(test)]
mod tests {
    use common::{
        domain::{Body, Dialect, Event, Lead, OrgId, Refund},
        message::EventIds,
    };

    use super::*;

    fn event(body: Body) -> Event {
        let (clock, ids) = (Clock::default(), EventIds::new(&"test".into()).unwrap());
        Event {
            id: ids.issue(OrgId(1), clock.now()),
            org: Some(OrgId(1)),
            dialect: Dialect::Native,
            received_at: clock.now(),
            authenticated: true,
            program_scope: None,
            idempotency: None,
            wait_until: None,
            request_id: None,
            trace: None,
            warnings: Vec::new(),
            body,
        }
    }

    fn join(events: impl Iterator<Item = Event>) -> Vec<u8> {
        let encoded = events.map(|event| serde_json::to_vec(&event).unwrap());
        Envelope::join("test", None, &encoded.collect::<Vec<_>>())
    }

    fn envelope(events: usize, padding: usize) -> Vec<u8> {
        let refund = || Refund {
            external_id: "x".repeat(padding),
            amount: None,
            minor_units: None,
            refund_id: None,
        };
        join((0..events).map(|_| event(Body::Refund(refund()))))
    }

    /// Leads that name so many clicks each.
    fn leads(events: usize, clicks: usize) -> Vec<u8> {
        let lead = |n: usize| Lead {
            click_ids: (0..clicks).map(|click| format!("click-{n}-{click}")).collect(),
            session: None,
            customer_id: None,
            email: None,
            name: None,
            details: serde_json::Map::new().into(),
        };
        join((0..events).map(|n| event(Body::Lead(Box::new(lead(n))))))
    }

    #[test]
    fn a_batch_is_full_at_its_events_or_at_its_bytes() {
        let mut batch = Batch::default();
        batch.add(envelope(MAX_BATCH_EVENTS - 1, 1)).unwrap();
        assert!(batch.has_room());
        batch.add(envelope(1, 1)).unwrap();
        assert!(!batch.has_room());

        let mut batch = Batch::default();
        batch.add(envelope(1, MAX_BATCH_BYTES / 2)).unwrap();
        assert!(batch.has_room());
        batch.add(envelope(1, MAX_BATCH_BYTES / 2)).unwrap();
        assert!(!batch.has_room());
    }

    #[test]
    fn a_batch_is_full_at_its_locks() {
        let mut batch = Batch::default();
        let alone = {
            batch.add(leads(1, 20)).unwrap();
            batch.locks
        };
        assert!(alone >= 20, "each click is a lock: {alone}");
        batch.add(leads(MAX_BATCH_LOCKS / alone - 2, 20)).unwrap();
        assert!(batch.has_room());
        batch.add(leads(2, 20)).unwrap();
        assert!(!batch.has_room());
    }

    #[test]
    fn an_envelope_that_needs_too_many_locks_is_cut() {
        let mut batch = Batch::default();
        batch.add(leads(256, 20)).unwrap();
        batch.add(leads(1, 2 * MAX_BATCH_LOCKS)).unwrap();
        batch.add(envelope(MAX_BATCH_EVENTS + 1, 1)).unwrap();
        let parts = apply::batches(&batch.events);
        let locks = |part: &&[Incoming]| {
            part.iter()
                .map(|incoming| apply::locks(&incoming.event))
                .sum::<usize>()
        };
        assert!(
            parts
                .iter()
                .filter(|part| part.len() > 1)
                .all(|part| locks(part) <= MAX_BATCH_LOCKS)
        );
        assert!(parts.iter().all(|part| part.len() <= MAX_BATCH_EVENTS));
        assert_eq!(parts.concat(), batch.events, "in their order, each once");
        assert_eq!(apply::batches(&[]), [[]; 0]);
    }

    #[test]
    fn what_cannot_be_decoded_is_kept_beside_the_batch() {
        let mut batch = Batch::default();
        batch.add(b"rubbish".to_vec()).unwrap();
        batch.add(envelope(2, 1)).unwrap();
        assert_eq!((batch.events.len(), batch.undecodable.len()), (2, 1));
        assert!(batch.add(br#"{"v":99}"#.to_vec()).is_err());
    }
}
