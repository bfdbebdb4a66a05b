//! One message on the queue: many events under one version.

use serde::{Deserialize, Serialize};

use crate::domain::Event;

/// Written into every envelope. A worker that meets a later version leaves it to a later worker: workers deploy first.
pub const ENVELOPE_VERSION: u16 = 5;
/// Events in an envelope, at most.
pub const MAX_ENVELOPE_EVENTS: usize = 256;
/// Bytes of an encoded envelope, at most, but that the first event always fits (it is made of a body of at most 256 KiB).
pub const MAX_ENVELOPE_BYTES: usize = 256 * 1024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    pub v: u16,
    /// The ingest instance that wrote it: in the same process its outcomes are handed over in memory.
    pub from: String,
    /// The broker's queue for the outcomes of awaited events; without one the instance looks in the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Bulk: of which organisation all its events are, as [`crate::domain::OrgId::stored`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_of: Option<i64>,
    pub events: Vec<Event>,
}

/// Bytes that are no envelope.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A newer ingest wrote it: not an error of the message.
    #[error("envelope version {0} is newer than {ENVELOPE_VERSION}: update the workers first")]
    NewerVersion(u16),
    #[error("not an envelope")]
    Malformed(#[source] serde_json::Error),
}

#[derive(Deserialize)]
struct Version {
    v: u16,
}

#[derive(Deserialize)]
struct BulkOf {
    #[serde(default)]
    bulk_of: Option<i64>,
}

impl Envelope {
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match serde_json::from_slice::<Self>(bytes) {
            Ok(envelope) if envelope.v <= ENVELOPE_VERSION => Ok(envelope),
            Ok(envelope) => Err(DecodeError::NewerVersion(envelope.v)),
            Err(error) => match serde_json::from_slice::<Version>(bytes) {
                Ok(Version { v }) if v > ENVELOPE_VERSION => Err(DecodeError::NewerVersion(v)),
                _ => Err(DecodeError::Malformed(error)),
            },
        }
    }

    /// Of which organisation's bulk the bytes are, without reading their events; 0 where they do not say it.
    pub fn bulk_of(bytes: &[u8]) -> i64 {
        let head = serde_json::from_slice::<BulkOf>(bytes).ok();
        head.and_then(|head| head.bulk_of).unwrap_or_default()
    }

    /// Joins events that were encoded one by one, so that a publisher can weigh each before it takes the next.
    pub fn join(from: &str, reply_to: Option<&str>, events: &[Vec<u8>]) -> Vec<u8> {
        Self::join_of(from, reply_to, None, events)
    }

    /// The same, all of them `bulk_of` one organisation.
    pub fn join_of(from: &str, reply_to: Option<&str>, bulk_of: Option<i64>, events: &[Vec<u8>]) -> Vec<u8> {
        let (from, reply_to) = (serde_json::Value::from(from), serde_json::Value::from(reply_to));
        let bulk_of = bulk_of.map(|org| format!(r#""bulk_of":{org},"#));
        let bulk_of = bulk_of.unwrap_or_default();
        let head =
            format!(r#"{{"v":{ENVELOPE_VERSION},"from":{from},"reply_to":{reply_to},{bulk_of}"events":["#);
        let size = events.iter().map(|event| event.len() + 1).sum::<usize>();
        let mut bytes = Vec::with_capacity(head.len() + size + 2);
        bytes.extend_from_slice(head.as_bytes());
        for (index, event) in events.iter().enumerate() {
            if index > 0 {
                bytes.push(b',');
            }
            bytes.extend_from_slice(event);
        }
        bytes.extend_from_slice(b"]}");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Body, CreateConversion, Dialect, EventId, OrgId, Refund};

    fn event(body: Body) -> Event {
        Event {
            id: EventId(Uuid::from_u128(7)),
            org: Some(OrgId(1)),
            dialect: Dialect::Yaplet,
            received_at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
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

    #[test]
    fn joined_events_come_back_as_they_were() {
        let create = CreateConversion {
            amount: "99.990".parse().unwrap(),
            ..Default::default()
        };
        let refund = Refund {
            external_id: "o\"1".into(),
            amount: None,
            minor_units: None,
            refund_id: None,
        };
        let events = vec![
            event(Body::CreateConversion(Box::new(create))),
            event(Body::Refund(refund)),
        ];
        let encoded: Vec<_> = events
            .iter()
            .map(|event| serde_json::to_vec(event).unwrap())
            .collect();
        let joined = Envelope::join("in\"gest", Some("replies"), &encoded);
        let envelope = Envelope {
            v: ENVELOPE_VERSION,
            from: "in\"gest".into(),
            reply_to: Some("replies".into()),
            bulk_of: None,
            events,
        };
        assert_eq!(Envelope::decode(&joined).unwrap(), envelope);
        assert_eq!(
            Envelope::decode(&Envelope::join("a", None, &[]))
                .unwrap()
                .reply_to,
            None
        );
    }

    /// Older ingests send none, and to older workers it is a field that they do not know.
    #[test]
    fn a_request_id_and_a_trace_make_no_new_version() {
        let refund = Refund {
            external_id: "o1".into(),
            amount: None,
            minor_units: None,
            refund_id: None,
        };
        let mut event = event(Body::Refund(refund));
        let without = serde_json::to_value(&event).unwrap();
        assert!(without.get("request_id").or(without.get("trace")).is_none());
        assert_eq!(serde_json::from_value::<Event>(without).unwrap(), event);
        event.request_id = Some("req-7".into());
        event.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            .parse()
            .ok();
        let mut with = serde_json::to_value(&event).unwrap();
        assert_eq!(serde_json::from_value::<Event>(with.clone()).unwrap(), event);
        with["trace"] = "of a later version".into();
        assert_eq!(serde_json::from_value::<Event>(with).unwrap().trace, None);
    }

    /// Older and newer processes read each other's envelopes: an organisation that is not known is the number 0.
    #[test]
    fn an_event_without_an_organisation_is_one_of_the_organisation_0() {
        let refund = Body::Refund(Refund::default());
        let (mut known, mut unknown) = (event(refund.clone()), event(refund));
        (known.org, unknown.org) = (Some(OrgId(7)), None);
        for (event, number) in [(known, 7), (unknown, 0)] {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["org"], number);
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        }
    }

    /// Workers of an earlier version do not know the field.
    #[test]
    fn bulk_says_whose_it_is_without_being_read() {
        let refund = serde_json::to_vec(&event(Body::Refund(Refund::default()))).unwrap();
        let bulk = Envelope::join_of("a", None, Some(7), &[refund]);
        assert_eq!(Envelope::bulk_of(&bulk), 7);
        assert_eq!(Envelope::decode(&bulk).unwrap().bulk_of, Some(7));
        for unknown in [
            Envelope::join("a", None, &[]),
            b"rubbish".to_vec(),
            b"{\"v\":99}".to_vec(),
        ] {
            assert_eq!(Envelope::bulk_of(&unknown), 0);
        }
    }

    #[test]
    fn a_newer_version_is_told_from_rubbish() {
        let newer = br#"{"v":6,"something":"else"}"#;
        assert!(matches!(
            Envelope::decode(newer),
            Err(DecodeError::NewerVersion(6))
        ));
        assert!(matches!(
            Envelope::decode(b"{\"v\":1}"),
            Err(DecodeError::Malformed(_))
        ));
    }

    proptest! {
        #[test]
        fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Envelope::decode(&bytes).is_err());
        }
    }
}
