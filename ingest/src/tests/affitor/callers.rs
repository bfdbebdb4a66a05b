//! Who may call Affitor's paths and how often, with a key and without.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, header::HOST},
};
use common::{
    domain::{Outcome, Reason},
    message::Reply,
};
use serde_json::json;

use super::{BEARER, URL, error, keyed, keyless, sale};
use crate::{
    auth::MAX_KEYLESS,
    pipeline::Answer,
    tests::{Service, refusal, request},
};
use common::http::{Connection, KEYLESS_BURST, Limits, request::DEFAULT_WAIT};

/// However long, a place is given back by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until a place is free, and says how long that took. `each` is done before each look.
async fn until_free(service: &Service, each: impl Fn()) -> Duration {
    let started = Instant::now();
    let free = async {
        while service.ingest.keyless_permit().is_err() {
            each();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.unwrap();
    started.elapsed()
}

#[tokio::test]
async fn a_key_is_asked_for_before_anything_else() {
    let mut service = Service::new();
    for path in [
        "/api/v1/track/sale",
        "/api/v1/track/refund/",
        "/api/tracking/sale",
        "/api/v1/cli/test-event",
    ] {
        for headers in [
            [].as_slice(),
            &[("Authorization", "Bearer wrong")],
            &[("Authorization", "Bearer")],
            &[("Authorization", "other-key")],
            &[("X-Api-Key", "other-key")],
        ] {
            let reply = service.refused(request("POST", path, headers, "{"), 401).await;
            assert_eq!(error(&reply), "Invalid API token");
        }
        for key in ["Bearer locked-key", "bearer reader-key"] {
            error(
                &service
                    .refused(request("POST", path, &[("Authorization", key)], "{"), 403)
                    .await,
            );
        }
    }
    // A lead needs none; a bad one is wrong all the same.
    for bad in ["Bearer wrong", "Bearer", "bearer  ", "BEARER undefined"] {
        let body = json!({"click_id": "k"}).to_string();
        let call = request("POST", "/api/v1/track/lead", &[("Authorization", bad)], body);
        assert_eq!(
            error(&service.refused(call, 401).await),
            "Invalid API token",
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_key_has_its_rate_and_may_repeat_a_request() {
    let mut service = Service::new();
    let headers = [
        ("Authorization", "Bearer slow-key"),
        ("Idempotency-Key", "retry-1"),
    ];
    let call = || request("POST", "/api/v1/track/sale", &headers, sale().to_string());
    for _ in 0..2 {
        let (event, _) = service.accepted(call()).await;
        assert_eq!(event.idempotency.unwrap().key, "retry-1");
    }
    let reply = service.refused(call(), 429).await;
    assert_eq!(
        (error(&reply).as_str(), reply.header("retry-after")),
        ("you exceeded the rate limit", "30")
    );
}

#[tokio::test]
async fn strangers_have_so_many_places_and_keys_do_not_need_them() {
    let mut service = Service::new();
    let permits: Vec<_> = (0..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit().unwrap())
        .collect();
    let lead = json!({"click_id": "k"});
    for (path, body) in [
        ("/api/v1/track/click", json!({"affiliate_url": URL})),
        ("/api/v1/track/lead", lead.clone()),
    ] {
        let reply = service.refused(keyless(path, &body), 429).await;
        assert_eq!(reply.header("retry-after"), "1");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        error(&reply);
    }
    service.accepted(keyed("/api/v1/track/lead", &lead)).await;
    drop(permits);
    for _ in 0..3 {
        let decided = refusal(Reason::UnknownClick, None);
        let call = keyless("/api/v1/track/lead", &lead);
        assert!(service.exchange(call, decided).await.1.is_some());
    }
    let all = (0..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit())
        .collect::<Result<Vec<_>, _>>();
    assert!(all.is_ok(), "answered calls give their places back");
}

#[tokio::test]
async fn a_stranger_who_hangs_up_keeps_the_place_until_the_answer() {
    let mut service = Service::new();
    let permits: Vec<_> = (1..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit().unwrap())
        .collect();
    let call = keyless("/api/v1/track/lead", &json!({"click_id": "k"}));
    #[expect(
        clippy::disallowed_methods,
        reason = "it is aborted, as the call of a client that hangs up"
    )]
    let caller = tokio::spawn(tower::ServiceExt::oneshot(service.router.clone(), call));
    let submission = service.submissions.recv().await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert!(service.ingest.keyless_permit().is_err());
    submission
        .answer
        .send(refusal(Reason::UnknownClick, None))
        .unwrap();
    until_free(&service, || ()).await;
    drop(permits);
}

/// Else strangers who want no answer could fill the queue.
#[tokio::test]
async fn a_place_is_kept_until_the_event_is_decided_or_its_wait_ends() {
    let mut service = Service::new();
    let permits: Vec<_> = (1..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit().unwrap())
        .collect();
    let body = json!({"affiliate_url": URL}).to_string();
    let preferring = |prefer| {
        let path = "/api/v1/track/click";
        request("POST", path, &[("Prefer", prefer)], body.clone())
    };
    let (event, _) = service.accepted(preferring("respond-async")).await;
    service.refused(preferring("respond-async"), 429).await;
    let decided = || {
        service.ingest.0.pipeline.deliver(Reply {
            event_id: event.id,
            outcome: Outcome::Parked,
        });
    };
    assert!(until_free(&service, decided).await < DEFAULT_WAIT);

    let asked = Instant::now();
    service.accepted(preferring("wait=1")).await;
    assert!(service.ingest.keyless_permit().is_err());
    until_free(&service, || ()).await;
    assert!(asked.elapsed() >= Duration::from_secs(1));
    drop(permits);
}

fn from(mut call: Request<Body>, address: &str) -> Request<Body> {
    let address: SocketAddr = address.parse().unwrap();
    call.headers_mut().insert(HOST, "x".parse().unwrap());
    let connection = Connection::from_peer(address.ip(), Limits::default());
    call.extensions_mut().insert(connection);
    call
}

#[tokio::test]
async fn an_address_has_a_rate_in_every_dialect_and_keys_have_their_own() {
    let mut service = Service::new();
    let (loud, other) = ("198.51.100.1:1", "198.51.100.2:1");
    let strangers: [fn() -> Request<Body>; 4] = [
        || keyless("/api/v1/track/click", &json!({})),
        || keyless("/api/tracking/lead", &json!({})),
        || keyless("/api/v1/tracking/lead", &json!({})),
        || request("GET", "/p/demo-pixel.gif", &[], ""),
    ];
    let click = strangers[0];
    for _ in 0..KEYLESS_BURST.get() {
        service.refused(from(click(), loud), 400).await;
    }
    for call in strangers {
        let mut tries = 0;
        let reply = loop {
            // What was given back meanwhile is used up.
            let peer: SocketAddr = loud.parse().unwrap();
            while service.ingest.keyless_call(Some(peer.ip())).is_ok() {}
            let (reply, _) = service.exchange(from(call(), loud), Answer::Accepted).await;
            tries += 1;
            if reply.status != 400 || tries == 100 {
                break reply;
            }
        };
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "1"));
        service.refused(from(call(), other), 400).await;
    }
    service
        .accepted(from(keyed("/api/v1/track/sale", &sale()), loud))
        .await;
}

#[tokio::test]
async fn other_paths_and_methods_answer_in_the_dialects_shape() {
    let mut service = Service::new();
    for path in [
        "/api/v1/track/view",
        "/api/tracking/",
        "/api/v1/cli/other",
        "/api/v1/programs/x",
    ] {
        error(&service.refused(keyed(path, &sale()), 404).await);
    }
    for path in [
        "/api/v1/track/sale",
        "/api/v1/track/click",
        "/api/v1/cli/test-event",
    ] {
        let reply = service.refused(request("GET", path, &[BEARER], ""), 405).await;
        error(&reply);
        assert!(reply.header("allow").contains("POST"), "{reply:?}");
    }
    let long = format!("/api/v1/track/click?{}", "x".repeat(9_000));
    error(&service.refused(keyless(&long, &json!({})), 414).await);
}
