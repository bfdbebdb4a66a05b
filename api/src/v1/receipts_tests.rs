//! Receipts of calls without a key, as keys of several organisations see them.

use axum::{
    Router,
    body::{Body as HttpBody, to_bytes},
    http::Request,
};
use chrono::{DateTime, Utc};
use common::{
    apply,
    db::{self, Pool},
    domain::{Body, Dialect, Event, EventId, Incoming, OrgId, RecordClick},
    message::EventIds,
    runtime::Clock,
    testing::{self, TestDatabase},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

use crate::{
    router,
    testing::{ids, over},
};

/// A browser's click by a code.
fn click(id: EventId, code: &str, now: DateTime<Utc>) -> Event {
    Event {
        id,
        org: None,
        dialect: Dialect::Affitor,
        received_at: now,
        authenticated: false,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings: Vec::new(),
        body: Body::Click(Box::new(RecordClick {
            referral_code: code.to_owned(),
            ..RecordClick::default()
        })),
    }
}

async fn apply(pool: &Pool, event: Event, now: DateTime<Utc>) {
    let mut transaction = db::begin(pool).await.unwrap();
    let incoming = Incoming { event, queued: false };
    apply::apply(&mut transaction, vec![incoming], now).await.unwrap();
    db::commit(transaction).await.unwrap();
}

async fn receipt(api: &Router, id: EventId, key: &str) -> (u16, Value) {
    let request = Request::get(format!("/v1/events/{id}")).header("x-api-key", key);
    let request = request.body(HttpBody::empty()).unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_call_without_a_key_has_a_receipt_for_any_key_but_of_another_organisation() {
    let TestDatabase { pool, org, .. } = testing::database().await;
    let (api, ids) = (router(over(&pool), OpenApi::default()), ids());
    let now = Clock::default().now();
    let issue = || ids.issue(None::<OrgId>, now);

    let waiting = issue();
    for key in ["demo-key", "demo-program-key", "other-key"] {
        let (status, body) = receipt(&api, waiting, key).await;
        assert_eq!((status, &body["status"]), (200, &json!("accepted")), "{key}");
    }
    let forged = EventIds::new(&"another".into())
        .unwrap()
        .issue(None::<OrgId>, now);
    assert_eq!(receipt(&api, forged, "demo-key").await.0, 404);
    assert_eq!(receipt(&api, waiting, "no-key").await.0, 401);

    let nobodys = issue();
    apply(&pool, click(nobodys, "not-a-code", now), now).await;
    for key in ["demo-key", "other-key"] {
        let (status, body) = receipt(&api, nobodys, key).await;
        assert_eq!((status, &body["status"]), (200, &json!("refused")), "{key}");
        assert_eq!(body["outcome"], json!({"reason": "unknown_partner"}));
        assert!(body["received_at"].is_string());
    }

    let resolved = issue();
    apply(&pool, click(resolved, "abc123", now), now).await;
    let (status, body) = receipt(&api, resolved, "demo-key").await;
    assert_eq!((status, &body["status"]), (200, &json!("applied")));
    assert!(body["outcome"]["click_id"].is_number(), "{body}");
    // It came with no key of a program: one that is bound is told how it ended, not more.
    let (status, body) = receipt(&api, resolved, "demo-program-key").await;
    assert_eq!((status, &body["status"]), (200, &json!("applied")));
    assert!(
        body["outcome"].is_null() && body["applied_at"].is_string(),
        "{body}"
    );
    assert_eq!(receipt(&api, resolved, "other-key").await.0, 404);

    // A row without an organisation whose id proves another one is nobody's to read.
    let odd = ids.issue(org, now);
    apply(&pool, click(odd, "not-a-code", now), now).await;
    assert_eq!(receipt(&api, odd, "demo-key").await.0, 404);
}
