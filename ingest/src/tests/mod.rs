//! The router as its callers see it, over a pipeline whose outcomes the test scripts. No database, no broker.

mod affitor;
mod affy;
mod auth;
mod customers;
mod described;
mod fuzz;
mod leniency;
mod native;
mod odd_values;
mod paths;
mod pixel;
mod postback;
mod quotas;
mod reading;
mod request_ids;
mod rest;
mod told_times;
mod yaplet;

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use chrono::{DateTime, Utc};
use common::{
    db::keys::{ApiKey, Client, KeySnapshot, PixelKey, Repeats, Scope, Timezone, hash_key},
    domain::{
        AffiliateId, AffiliateView, Applied, CommissionId, CommissionView, ConversionId, ConversionView,
        CreateConversion, CustomerId, CustomerView, Event, EventId, First, MetaData, OrgId, Outcome,
        ProgramId, ProgramView, Reason, Refusal,
    },
    keyring::Keys,
    message::EventIds,
    runtime::{Clock, Supervisor},
};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::{
    Ingest,
    pipeline::{Answer, Pipeline, Submission},
    router,
};
use common::http::request::Wait;

const KEY: &str = "demo-key";

fn api_key(name: &str) -> ApiKey {
    ApiKey {
        org: OrgId(1),
        org_slug: "demo".to_owned(),
        key_id: 1,
        hash: hash_key(name),
        scopes: vec![Scope::Ingest, Scope::Read],
        program: None,
        rate_per_minute: 100_000,
        owner: "Olga".to_owned(),
        owner_id: "olga".to_owned(),
        timezone: Timezone::default(),
        repeats: Repeats::default(),
        affiliates_feature: true,
    }
}

fn demo_keys() -> Vec<ApiKey> {
    vec![
        api_key(KEY),
        ApiKey {
            affiliates_feature: false,
            ..api_key("locked-key")
        },
        ApiKey {
            scopes: vec![Scope::Read, Scope::Admin],
            ..api_key("reader-key")
        },
        ApiKey {
            rate_per_minute: 2,
            ..api_key("slow-key")
        },
        ApiKey {
            org: OrgId(2),
            program: Some(ProgramId(7)),
            ..api_key("other-key")
        },
    ]
}

/// What the keys' store holds: `keys`, two client ids, one of an organisation without the feature, and two pixels.
fn snapshot(keys: Vec<ApiKey>) -> KeySnapshot {
    let client = |client_id, org, affiliates_feature| Client {
        client_id,
        org: OrgId(org),
        affiliates_feature,
    };
    let pixel = |key: &str, affiliates_feature| PixelKey {
        key: key.to_owned(),
        org: OrgId(1),
        secret: SecretString::from("demo-pixel-secret"),
        address_ranges: vec!["192.0.2.0/24".parse().unwrap()],
        affiliates_feature,
    };
    KeySnapshot {
        keys,
        clients: vec![
            client(12_345, 1, true),
            client(67_890, 2, true),
            client(99, 3, false),
        ],
        pixels: vec![pixel("demo-pixel", true), pixel("locked-pixel", false)],
        quotas: Vec::new(),
        receipt_secret: SecretString::from("secret"),
    }
}

/// The router, and the other end of its pipeline.
struct Service {
    ingest: Ingest,
    router: Router,
    submissions: mpsc::Receiver<Submission>,
    ids: EventIds,
    clock: Clock,
}

/// An answer as a client reads it.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Service {
    fn new() -> Self {
        Self::with_keys(Keys::new(Box::new(|| {
            Box::pin(async { Ok(snapshot(demo_keys())) })
        })))
    }

    fn with_keys(keys: Keys) -> Self {
        let (sender, submissions) = mpsc::channel(1);
        let (ids, clock) = (EventIds::new(&"secret".into()).unwrap(), Clock::default());
        let requests = Supervisor::new().group("requests", Duration::from_secs(10));
        let ingest = Ingest::new(keys, Pipeline::new(sender), ids.clone(), clock.clone(), requests);
        Self {
            router: router(ingest.clone()),
            ingest,
            submissions,
            ids,
            clock,
        }
    }

    /// Sends a request and answers its event with `answer`; gives what was submitted, too.
    async fn exchange(&mut self, request: Request<Body>, answer: Answer) -> (Reply, Option<(Event, Wait)>) {
        let mut response = std::pin::pin!(self.router.clone().oneshot(request));
        let (mut answer, mut submitted) = (Some(answer), None);
        let response = loop {
            tokio::select! {
                response = &mut response => break response.unwrap(),
                Some(submission) = self.submissions.recv() => {
                    submitted = Some((submission.event, submission.wait));
                    submission.answer.send(answer.take().expect("one event a request")).unwrap();
                }
            }
        };
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let reply = Reply {
            status: head.status,
            headers: head.headers,
            // A picture is no text.
            text: String::from_utf8_lossy(&body).into_owned(),
        };
        (reply, submitted)
    }

    /// For a request that must be turned away: nothing may be submitted.
    async fn refused(&mut self, request: Request<Body>, status: u16) -> Reply {
        let (reply, submitted) = self.exchange(request, Answer::Accepted).await;
        assert_eq!(reply.status.as_u16(), status, "{reply:?}");
        assert!(submitted.is_none(), "{submitted:?}");
        reply
    }

    /// For a request that must be accepted: its event and how it waits.
    async fn accepted(&mut self, request: Request<Body>) -> (Event, Wait) {
        let (reply, submitted) = self.exchange(request, Answer::Accepted).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
        submitted.unwrap()
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

fn create_of(event: Event) -> CreateConversion {
    match event.body {
        common::domain::Body::CreateConversion(create) => *create,
        other => panic!("not a sale: {other:?}"),
    }
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn event_id(number: u128) -> EventId {
    EventId(uuid::Uuid::from_u128(number))
}

fn affiliate(number: i64, slug: &str) -> AffiliateView {
    AffiliateView {
        id: AffiliateId(number),
        slug: slug.to_owned(),
        firstname: "Ada".to_owned(),
        lastname: "Example".to_owned(),
    }
}

fn commission(number: i64, kind: &str, amount: &str) -> CommissionView {
    CommissionView {
        id: CommissionId(number),
        kind: kind.to_owned(),
        affiliate: affiliate(5, "ada"),
        commission_type: "standard".to_owned(),
        commission_name: "Standard".to_owned(),
        sub_amount: "120".parse().unwrap(),
        amount: amount.parse().unwrap(),
        currency: "USD".parse().unwrap(),
        approved: None,
        comment: None,
        created_at: time("2026-11-20T08:51:10.123456Z"),
        conversion: None,
        payment: None,
        finalised_at: None,
    }
}

/// A recorded sale of 120 USD with a parent's commission and the seller's own, in this order.
fn conversion() -> ConversionView {
    ConversionView {
        id: ConversionId(3),
        external_id: Some("order-1".to_owned()),
        amount: "120".parse().unwrap(),
        currency: "USD".parse().unwrap(),
        created_at: time("2026-11-20T08:51:10.123456Z"),
        program: ProgramView {
            slug: "shop".to_owned(),
            title: "The shop".to_owned(),
            currency: "USD".parse().unwrap(),
        },
        affiliate: affiliate(5, "ada"),
        customer: Some(CustomerView {
            id: CustomerId(9),
            external_id: Some("c-9".to_owned()),
            status: "active".to_owned(),
        }),
        meta_data: MetaData::new(),
        commissions: vec![commission(11, "level", "6"), commission(12, "regular", "12.34")],
        click: None,
        affiliate_meta_data: None,
        warnings: Vec::new(),
    }
}

fn applied() -> Outcome {
    Outcome::Applied(Applied::Conversion(Box::new(conversion())))
}

fn refusal(reason: Reason, first: Option<First>) -> Answer {
    Answer::Outcome(Outcome::Refused(Refusal {
        reason,
        detail: "the detail".to_owned(),
        first: first.map(Box::new),
        trace: None,
    }))
}
