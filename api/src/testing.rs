//! The api of a test, over its own database.

use std::sync::LazyLock;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, header::HOST},
};
use common::{
    apply,
    db::{self, Pool, keys},
    domain::{
        Applied, AttributionFields, Body as EventBody, ConversionView, CreateConversion, CustomerRef,
        Dialect, Event, Identity, Incoming, MetaData, Outcome,
    },
    message::EventIds,
    runtime::Clock,
    telemetry::metrics::Metrics,
};
use serde_json::Value;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

use crate::{Api, Health, Ready, router};

/// They are counted once a process, and tests share one.
static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics::install().unwrap());

/// What issues and verifies the ids of tests' events.
pub(crate) fn ids() -> EventIds {
    EventIds::new(&"secret".into()).unwrap()
}

pub(crate) fn over(pool: &Pool) -> Api {
    let ready = Ready::of(tokio::sync::watch::channel(None).1);
    let metrics = Some(METRICS.clone());
    Api::new(pool.clone(), ids(), Clock::default(), Health { ready, metrics })
}

/// Calls the routes over a test's database, with a key and headers.
#[derive(Clone)]
pub(crate) struct Client {
    routes: Router,
    pool: Pool,
    headers: Vec<(String, String)>,
}

/// An answer, and its body if that is JSON.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Client {
    /// With `demo-key`.
    pub(crate) fn over(pool: &Pool) -> Self {
        Self::of(pool, |api| api)
    }

    /// The same, of an api that is set up otherwise.
    pub(crate) fn of(pool: &Pool, set_up: impl FnOnce(Api) -> Api) -> Self {
        let client = Self {
            routes: router(set_up(over(pool)), OpenApi::default()),
            pool: pool.clone(),
            headers: Vec::new(),
        };
        client.with_key("demo-key")
    }

    pub(crate) fn with_key(&self, key: &str) -> Self {
        self.with_header("x-api-key", key)
    }

    pub(crate) fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(known, _)| known != name);
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, String::new()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, String::new()).await
    }

    /// Any call with any body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "shop.example");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = self.routes.clone().oneshot(request.body(body.into()).unwrap());
        let (head, body) = response.await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    /// Records a sale of the organisation `demo`, as the ingest and a worker would. Returns the number of its first commission.
    pub(crate) async fn convert(&self, sale: Value) -> i64 {
        let view = self.conversion(sale).await;
        view.commissions.first().unwrap().id.0
    }

    /// The same, and the conversion.
    pub(crate) async fn conversion(&self, sale: Value) -> ConversionView {
        let amount = sale["amount"].to_string();
        let text = |name: &str| sale[name].as_str().map(str::to_owned);
        let body = CreateConversion {
            external_id: text("external_id"),
            amount: amount.parse().unwrap(),
            currency: text("currency").map(|code| code.parse().unwrap()),
            attribution: AttributionFields {
                coupon: text("coupon"),
                ..AttributionFields::default()
            },
            customer: text("customer_id").map(|id| CustomerRef {
                identity: Identity::Id(id),
                external_id: None,
                email: None,
                name: None,
                meta_data: MetaData::default(),
            }),
            ..CreateConversion::default()
        };
        match self.apply(EventBody::CreateConversion(Box::new(body))).await {
            Applied::Conversion(view) => *view,
            other => panic!("{other:?}"),
        }
    }

    /// Applies what the ingest would accept of `demo`.
    pub(crate) async fn apply(&self, body: EventBody) -> Applied {
        match self.outcome(body).await {
            Outcome::Applied(applied) => applied,
            other => panic!("{other:?}"),
        }
    }

    /// The same, whatever becomes of it.
    pub(crate) async fn outcome(&self, body: EventBody) -> Outcome {
        let mut transaction = db::begin(&self.pool).await.unwrap();
        let key = keys::by_hash(&mut transaction, &keys::hash_key("demo-key")).await;
        let org = key.unwrap().unwrap().org;
        let now = Clock::default().now();
        let event = Event {
            id: ids().issue(org, now),
            org: Some(org),
            dialect: Dialect::Rest,
            received_at: now,
            authenticated: true,
            program_scope: None,
            idempotency: None,
            wait_until: None,
            request_id: None,
            trace: None,
            warnings: Vec::new(),
            body,
        };
        let incoming = vec![Incoming { event, queued: false }];
        let decisions = apply::apply(&mut transaction, incoming, now).await.unwrap();
        db::commit(transaction).await.unwrap();
        decisions.into_iter().next().unwrap().outcome
    }
}
