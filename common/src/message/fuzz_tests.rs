use chrono::DateTime;
use uuid::Uuid;

use super::*;
use crate::{
    domain::{AttributionFields, Body, CreateConversion, Dialect, Event, EventId, OrgId, Refund},
    fuzzing::fuzz,
};

fn event(body: Body) -> Vec<u8> {
    let event = Event {
        id: EventId(Uuid::from_u128(7)),
        org: Some(OrgId(1)),
        dialect: Dialect::Native,
        received_at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: DateTime::from_timestamp_millis(1_700_000_003_123),
        request_id: Some("req-7".to_owned()),
        trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            .parse()
            .ok(),
        warnings: vec!["notes was cut".to_owned()],
        body,
    };
    serde_json::to_vec(&event).unwrap()
}

fn good() -> Vec<Vec<u8>> {
    let sale = Body::CreateConversion(Box::new(CreateConversion {
        external_id: Some("o1".to_owned()),
        amount: "99.990".parse().unwrap(),
        attribution: AttributionFields {
            coupon: Some("JANE10OFF".to_owned()),
            ..AttributionFields::default()
        },
        meta_data: [("a".to_owned(), serde_json::json!([1, "2", {"b": 3.50}]))]
            .into_iter()
            .collect(),
        ..CreateConversion::default()
    }));
    let refund = Body::Refund(Refund {
        external_id: "o1".into(),
        amount: "1.5".parse().ok(),
        minor_units: None,
        refund_id: Some("r".to_owned()),
    });
    let events = [event(sale), event(refund)];
    vec![
        Envelope::join("ingest-1", Some("replies"), &events),
        Envelope::join("ingest-1", None, &[]),
        br#"{"v":9,"from":"a","events":[{"later":true}]}"#.to_vec(),
    ]
}

#[test]
fn whatever_comes_from_the_queue_is_an_envelope_or_an_error() {
    fuzz(&good(), |bytes| {
        if let Ok(envelope) = Envelope::decode(bytes) {
            assert!(envelope.v <= ENVELOPE_VERSION);
            let again = serde_json::to_vec(&envelope).unwrap();
            assert_eq!(Envelope::decode(&again).unwrap(), envelope);
        }
    });
}
