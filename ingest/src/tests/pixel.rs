//! The pixel: always the picture, and only what is meant and right is recorded.

use std::net::SocketAddr;

use axum::http::header::HOST;
use common::domain::{Dialect, OrgId};
use common::http::{Connection, Limits};
use common::keyring::Keys;

use futures_util::poll;
use tower::ServiceExt;

use super::{Answer, Reply, Service, Wait, create_of, request};
use crate::{auth::MAX_KEYLESS, pixel::sign};

const QUERY: &str = "external_id=ORD-7&amount=59.90&coupon=JANE10OFF";
const SECRET: &str = "demo-pixel-secret";

fn pixel(query: &str) -> axum::http::Request<axum::body::Body> {
    request("GET", &format!("/p/demo-pixel.gif?{query}"), &[], "")
}

fn is_picture(reply: &Reply) {
    assert_eq!(reply.text, String::from_utf8_lossy(&common::http::GIF));
    assert_eq!(reply.header("content-length"), "43");
    assert_eq!(reply.header("content-type"), "image/gif");
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_pixel_records_a_sale_that_nobody_vouches_for() {
    let mut service = Service::new();
    let (reply, submitted) = service.exchange(pixel(QUERY), Answer::Accepted).await;
    is_picture(&reply);
    assert_eq!(reply.status, 200);
    let (event, wait) = submitted.unwrap();
    assert_eq!(wait, Wait::Receipt, "a browser waits for no outcome");
    assert_eq!(
        (event.dialect, event.org, event.authenticated),
        (Dialect::Pixel, Some(OrgId(1)), false)
    );
    assert!(service.ids.verify(OrgId(1), event.id));
    assert_eq!(reply.header("x-event-id"), event.id.to_string());
    assert_eq!(event.idempotency, None);
    let create = create_of(event);
    assert_eq!(create.external_id.as_deref(), Some("ORD-7"));
    assert_eq!(create.amount, "59.90".parse().unwrap());
    assert_eq!(create.attribution.coupon.as_deref(), Some("JANE10OFF"));
}

#[tokio::test]
async fn a_right_signature_vouches_in_any_order_and_a_wrong_one_does_not() {
    let mut service = Service::new();
    let sig = sign(SECRET, QUERY);
    for (query, authenticated) in [
        (format!("{QUERY}&sig={sig}"), true),
        (
            format!("sig={sig}&coupon=JANE10OFF&external_id=ORD%2D7&amount=59.90"),
            true,
        ),
        (format!("{QUERY}&sig={}", sign("another", QUERY)), false),
        (format!("{QUERY}&currency=USD&sig={sig}"), false),
        (format!("{QUERY}&sig="), false),
        (format!("{QUERY}&sig=nonsense"), false),
        (QUERY.to_owned(), false),
    ] {
        let (reply, submitted) = service.exchange(pixel(&query), Answer::Accepted).await;
        is_picture(&reply);
        let event = submitted.unwrap().0;
        assert_eq!(event.authenticated, authenticated, "{query}");
        let is_wrong = query.contains("sig=") && !authenticated;
        let told = match (authenticated, is_wrong) {
            (true, _) => Some("right"),
            (false, true) => Some("wrong"),
            (false, false) => None,
        };
        let header = |name: &str| {
            reply
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("x-pixel-signature").as_deref(), told, "{query}");
        let warning = "sig is not the signature of this query and counts as not sent";
        assert_eq!(
            header("warning").is_some_and(|told| told.contains(warning)),
            is_wrong,
            "{query}"
        );
        assert_eq!(
            event.warnings.iter().any(|told| told == warning),
            is_wrong,
            "{query}"
        );
    }
}

/// What a signature does not cover must not come in beside it.
#[tokio::test]
async fn a_body_adds_nothing() {
    let mut service = Service::new();
    let query = format!("{QUERY}&sig={}", sign(SECRET, QUERY));
    let with_body = request(
        "GET",
        &format!("/p/demo-pixel.gif?{query}"),
        &[],
        "customer_id=evil",
    );
    let (_, submitted) = service.exchange(with_body, Answer::Accepted).await;
    assert_eq!(create_of(submitted.unwrap().0).customer, None);
}

#[tokio::test]
async fn the_pixel_s_own_addresses_vouch_and_headers_about_addresses_do_not() {
    let mut service = Service::new();
    for (peer, authenticated) in [
        (Some("192.0.2.7:443"), true),
        (Some("[::ffff:192.0.2.7]:443"), true),
        (Some("198.51.100.7:443"), false),
        (None, false),
    ] {
        let mut request = pixel(QUERY);
        let headers = request.headers_mut();
        headers.insert("x-forwarded-for", "192.0.2.7".parse().unwrap());
        headers.insert("forwarded", "for=192.0.2.7".parse().unwrap());
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().unwrap();
            request.headers_mut().insert(HOST, "x".parse().unwrap());
            let connection = Connection::from_peer(peer.ip(), Limits::default());
            request.extensions_mut().insert(connection);
        }
        let (_, submitted) = service.exchange(request, Answer::Accepted).await;
        assert_eq!(submitted.unwrap().0.authenticated, authenticated, "{peer:?}");
    }
}

#[tokio::test]
async fn strangers_take_no_place_from_who_is_vouched_for() {
    let mut service = Service::new();
    let permits: Vec<_> = (0..MAX_KEYLESS)
        .map(|_| service.ingest.keyless_permit().unwrap())
        .collect();
    is_picture(&service.refused(pixel(QUERY), 429).await);
    let signed = pixel(&format!("{QUERY}&sig={}", sign(SECRET, QUERY)));
    assert!(service.exchange(signed, Answer::Accepted).await.1.is_some());
    let mut authenticated = pixel(QUERY);
    let peer: SocketAddr = "192.0.2.7:443".parse().unwrap();
    authenticated.headers_mut().insert(HOST, "x".parse().unwrap());
    let connection = Connection::from_peer(peer.ip(), Limits::default());
    authenticated.extensions_mut().insert(connection);
    assert!(
        service
            .exchange(authenticated, Answer::Accepted)
            .await
            .1
            .is_some()
    );
    drop(permits);
}

#[tokio::test]
async fn who_waits_for_the_keys_holds_no_place() {
    let service = Service::with_keys(Keys::new(Box::new(|| Box::pin(std::future::pending()))));
    let unknown_client = request(
        "POST",
        "/api/v1/tracking/lead",
        &[],
        r#"{"clientId": 1, "leadType": "PAYMENT", "leadValue": 1, "sessionId": "s"}"#,
    );
    for unknown in [pixel(QUERY), unknown_client] {
        let mut call = std::pin::pin!(service.router.clone().oneshot(unknown));
        assert!(poll!(&mut call).is_pending());
        let all: Result<Vec<_>, _> = (0..MAX_KEYLESS)
            .map(|_| service.ingest.keyless_permit())
            .collect();
        assert!(all.is_ok());
    }
}

#[tokio::test]
async fn who_only_looks_ahead_buys_nothing() {
    let mut service = Service::new();
    let path = format!("/p/demo-pixel.gif?{QUERY}");
    for header in [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "Prefetch"),
        ("X-Purpose", "preview"),
        ("X-Moz", "prefetch"),
    ] {
        let reply = service.refused(request("GET", &path, &[header], ""), 200).await;
        is_picture(&reply);
        assert_eq!(reply.header("x-event-id"), "");
    }
    let reply = service.refused(request("HEAD", &path, &[], ""), 200).await;
    assert_eq!(
        (reply.text.as_str(), reply.header("content-type")),
        ("", "image/gif")
    );
    let other = request("GET", &path, &[("Sec-Fetch-Dest", "image")], "");
    assert!(service.exchange(other, Answer::Accepted).await.1.is_some());
}

#[tokio::test]
async fn every_error_is_a_picture_that_says_why_in_a_header() {
    let mut service = Service::new();
    let long = "x".repeat(300);
    for (path, status, reason) in [
        ("/p/demo-pixel.gif", 400, "external_id"),
        ("/p/demo-pixel.gif?external_id=1", 400, "coupon"),
        (
            "/p/demo-pixel.gif?external_id={order_id}&coupon=C",
            400,
            "external_id",
        ),
        (
            "/p/demo-pixel.gif?external_id=1&coupon=C&amount=-1",
            400,
            "amount",
        ),
        (
            "/p/demo-pixel.gif?external_id=1&external_id=2&coupon=C",
            400,
            "external_id",
        ),
        (
            &format!("/p/demo-pixel.gif?external_id={long}&coupon=C"),
            400,
            "external_id",
        ),
        ("/p/demo-pixel.gif?external_id=%00&coupon=C", 400, "external_id"),
        ("/p/nobody.gif?external_id=1&coupon=C", 404, "nothing"),
        ("/p/demo-pixel?external_id=1&coupon=C", 404, "nothing"),
        ("/p/%FF.gif", 404, "nothing"),
        ("/p/", 404, "nothing"),
        ("/p/a/b.gif", 404, "nothing"),
        ("/p/locked-pixel.gif?external_id=1&coupon=C", 403, "access"),
        (
            &format!("/p/demo-pixel.gif?external_id={}", "x".repeat(9_000)),
            414,
            "URL",
        ),
    ] {
        let path = path.replace('{', "%7B").replace('}', "%7D");
        let reply = service.refused(request("GET", &path, &[], ""), status).await;
        is_picture(&reply);
        assert!(
            reply.header("x-pixel-error").contains(reason),
            "{path}: {reply:?}"
        );
    }
    let post = request("POST", &format!("/p/demo-pixel.gif?{QUERY}"), &[], "");
    is_picture(&service.refused(post, 405).await);
}

#[tokio::test]
async fn what_is_not_known_to_be_durable_is_not_called_so() {
    let mut service = Service::new();
    let retry_after = std::time::Duration::from_secs(2);
    let (reply, _) = service
        .exchange(pixel(QUERY), Answer::Unavailable { retry_after })
        .await;
    is_picture(&reply);
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "2"));
    assert_eq!(reply.header("x-event-id"), "");
}
