//! Quotas of organisations, in every dialect.

use axum::{body::Body, http::Request};
use common::{
    db::keys::OrgQuota,
    domain::{OrgId, Outcome},
    keyring::Keys,
    message::Reply as Decided,
};

use super::{KEY, Service, applied, demo_keys, request, snapshot};
use crate::pipeline::Answer;

fn service(per_minute: Option<u32>, under_way: Option<u32>) -> Service {
    Service::with_keys(Keys::new(Box::new(move || {
        Box::pin(async move {
            let mut all = snapshot(demo_keys());
            all.quotas = vec![OrgQuota {
                org: OrgId(1),
                per_minute,
                under_way,
            }];
            Ok(all)
        })
    })))
}

const SALE: &str = r#"{"order_id":"o","total_amount":1,"customer":{"email":"a@b.example"}}"#;
const LINE: &str = r#"{"external_id":"o","coupon":"C","amount":1}"#;

fn lines(number: usize) -> Request<Body> {
    let body: Vec<_> = (0..number)
        .map(|n| LINE.replace("\"o\"", &format!("\"o{n}\"")))
        .collect();
    request("POST", "/v1/events", &[("X-Api-Key", KEY)], body.join("\n"))
}

/// A good call of each dialect, with a key of the organisation.
fn calls() -> Vec<Request<Body>> {
    let bearer = format!("Bearer {KEY}");
    let bearer = [("Authorization", bearer.as_str())];
    vec![
        request("POST", "/api/affiliates/track/C", &[("Y-API-Key", KEY)], SALE),
        request(
            "GET",
            "/1.7/pb/con/c/?coupon=C&amount=1&external_id=o",
            &[("X-Api-Key", KEY)],
            "",
        ),
        request("POST", "/1.6/conversions/", &[("X-Api-Key", KEY)], LINE),
        request(
            "POST",
            "/api/v1/track/sale",
            &bearer,
            r#"{"customer_key":"c","amount_cents":100,"transaction_id":"o"}"#,
        ),
        request(
            "POST",
            "/api/v1/tracking/lead/payment",
            &bearer,
            r#"{"clickId":"c","leadValue":1,"transactionId":"o","customerId":"c"}"#,
        ),
        lines(1),
    ]
}

#[tokio::test]
async fn every_dialect_says_when_to_come_back() {
    for call in 0..calls().len() {
        let mut service = service(Some(2), None);
        for _ in 0..2 {
            let (reply, submitted) = service
                .exchange(calls().swap_remove(call), Answer::Accepted)
                .await;
            assert!(
                reply.status.is_success() && submitted.is_some(),
                "{call}: {reply:?}"
            );
        }
        let reply = service.refused(calls().swap_remove(call), 429).await;
        assert_eq!(reply.header("retry-after"), "30", "{call}: {reply:?}");
        if reply.headers.contains_key("x-ratelimit-limit") {
            let told = ["limit", "remaining"].map(|name| reply.header(&format!("x-ratelimit-{name}")));
            assert_eq!(
                told,
                ["2", "0"],
                "of the quota, of which less is left than of the key"
            );
            assert!(reply.text.contains("You exceeded the rate limit"), "{reply:?}");
        }
        let other = request(
            "POST",
            "/api/affiliates/track/C",
            &[("Y-API-Key", "other-key")],
            SALE,
        );
        service.accepted(other).await;
    }
}

#[tokio::test]
async fn what_is_left_of_a_quota_is_told_beside_what_is_left_of_the_key() {
    let mut service = service(Some(5), None);
    let call = || {
        request(
            "GET",
            "/1.7/pb/con/c/?coupon=C&amount=1&external_id=o",
            &[("X-Api-Key", KEY)],
            "",
        )
    };
    let (reply, _) = service.exchange(call(), Answer::Accepted).await;
    assert_eq!(reply.header("x-ratelimit-limit"), "5");
    assert_eq!(reply.header("x-ratelimit-remaining"), "4");
    // What becomes no event uses nothing up.
    let wrong = request(
        "GET",
        "/1.7/pb/con/c/?coupon=C&amount=x&external_id=o",
        &[("X-Api-Key", KEY)],
        "",
    );
    service.refused(wrong, 400).await;
    let (reply, _) = service.exchange(call(), Answer::Accepted).await;
    assert_eq!(reply.header("x-ratelimit-remaining"), "3");
}

#[tokio::test]
async fn a_batch_counts_its_events_and_is_taken_whole_or_not_at_all() {
    let mut service = service(Some(10), None);
    let (reply, submitted) = service.batch(lines(7), |_| Answer::Accepted).await;
    assert_eq!((reply.status.as_u16(), submitted.len()), (200, 7));
    let reply = service.refused(lines(4), 429).await;
    assert!(reply.text.contains("quota of 10 events a minute"), "{reply:?}");
    let (reply, _) = service.batch(lines(3), |_| Answer::Accepted).await;
    assert_eq!(
        reply.status.as_u16(),
        200,
        "nothing was taken from the ones that were too many"
    );
    let reply = service.refused(lines(11), 400).await;
    assert!(reply.text.contains("send fewer at once"), "{reply:?}");
}

#[tokio::test]
async fn what_is_under_way_counts_until_it_is_decided() {
    let mut service = service(None, Some(2));
    let sale = || request("POST", "/api/affiliates/track/C", &[("Y-API-Key", KEY)], SALE);
    let decided = || Answer::Outcome(applied());
    for _ in 0..5 {
        let (reply, _) = service.exchange(sale(), decided()).await;
        assert_eq!(reply.status.as_u16(), 200);
    }
    let unavailable = crate::pipeline::unavailable;
    for _ in 0..5 {
        let (reply, _) = service.exchange(sale(), unavailable()).await;
        assert_eq!(reply.status.as_u16(), 503);
    }
    let (first, _) = service.accepted(sale()).await;
    service.refused(lines(3), 400).await;
    service.refused(lines(2), 429).await;
    service.accepted(sale()).await;
    let reply = service.refused(sale(), 429).await;
    assert_eq!(reply.header("retry-after"), "1");
    assert!(reply.text.contains("under way"), "{reply:?}");
    service.ingest.0.pipeline.deliver(Decided {
        event_id: first.id,
        outcome: Outcome::Parked,
    });
    service.accepted(sale()).await;
    service.refused(sale(), 429).await;
}

#[tokio::test]
async fn strangers_use_up_nothing_of_what_is_for_those_with_a_secret() {
    let mut service = service(Some(2), Some(2));
    let pixel = || {
        request(
            "GET",
            "/p/demo-pixel.gif?coupon=C&amount=1&external_id=o",
            &[],
            "",
        )
    };
    for _ in 0..2 {
        let (reply, submitted) = service.exchange(pixel(), Answer::Accepted).await;
        assert!(reply.status.is_success() && submitted.is_some(), "{reply:?}");
    }
    let reply = service.refused(pixel(), 429).await;
    assert!(reply.header("x-pixel-error").contains("quota"), "{reply:?}");
    assert!(!reply.header("retry-after").is_empty());
    let sale = || request("POST", "/api/affiliates/track/C", &[("Y-API-Key", KEY)], SALE);
    service.accepted(sale()).await;
    service.accepted(sale()).await;
    service.refused(sale(), 429).await;
}
