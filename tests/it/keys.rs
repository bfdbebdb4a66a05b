//! Keys that come and go while an ingest runs.

use std::time::Duration;

use commissary_tests::{Queue, World, wait_until};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// The promise of `keys revoke`.
const REVOKED: Duration = Duration::from_secs(5);

fn order(id: &str) -> Value {
    json!({"order_id": id, "total_amount": 100, "customer": {"email": "a@example.com"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_at_once_and_no_longer_when_revoked() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    shop.track_as("nobodys-key", "PARTNER_CODE", &order("0"))
        .await
        .expect(401);

    let created = world
        .commissary(&["keys", "create", "--org", "demo", "--name", "a shop", "--json"])
        .await
        .well();
    let created = created.json();
    let key = created["key"].as_str().unwrap();
    shop.track_as(key, "PARTNER_CODE", &order("1")).await.expect(200);

    let id = created["created"]["key_id"].to_string();
    world
        .commissary(&["keys", "revoke", "--org", "demo", &id])
        .await
        .well();
    wait_until("the key is refused", REVOKED, async || {
        shop.track_as(key, "PARTNER_CODE", &order("1")).await.status == 401
    })
    .await;
    // Others are not touched.
    shop.track_as("demo-key", "PARTNER_CODE", &order("2"))
        .await
        .expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_only_what_is_theirs() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    shop.track_as("locked-key", "PARTNER_CODE", &order("1"))
        .await
        .expect(403);
    shop.track_as("demo-read-key", "PARTNER_CODE", &order("1"))
        .await
        .expect(403);
    let other = shop
        .track_as("other-key", "PARTNER_CODE", &order("1"))
        .await
        .expect(200);
    assert_eq!(
        other.body["success"],
        json!(false),
        "another organisation's coupon is unknown: {other:?}"
    );
    shop.track("theirs", 100).await.expect(200);
    let seen = shop
        .get_as("/1.6/conversions/?external_id=theirs", Some("other-key"))
        .await
        .expect(200);
    assert_eq!(seen.body, json!([]));
    world.finish().await;
}

/// At each plane, and in each dialect's shape; who has a key is not locked out by what others at its address try.
#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_keys_is_told_to_wait() {
    const GUESSES: usize = 300;
    let world = World::of(Queue::Spool)
        .variable("COMMISSARY_TRUSTED_PROXIES", "127.0.0.0/8")
        .start()
        .await;
    let shop = &world.shop;
    let call = async |url: &str, key: String, address: Option<&str>| {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("X-Api-Key", key.as_str()), ("Authorization", bearer.as_str())];
        headers.extend(address.map(|address| ("X-Forwarded-For", address)));
        shop.call(Method::GET, url, &headers, None).await.unwrap()
    };
    for (address, url, shape) in [
        (
            "198.51.100.1",
            format!("{}/1.6/conversions/", shop.api),
            "/errors/0/message",
        ),
        ("198.51.100.2", format!("{}/v1/rejections", shop.api), "/error"),
        (
            "198.51.100.3",
            format!("{}/api/v1/programs/me/readiness", shop.api),
            "/error",
        ),
        (
            "198.51.100.4",
            format!("{}/1.7/pb/con/c/?amount=1", shop.ingest),
            "/errors/0/message",
        ),
    ] {
        let guesses = (0..GUESSES).map(|number| call(&url, format!("guess-{number}"), Some(address)));
        let answers = join_all(guesses).await;
        let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!(of(401) + of(429), GUESSES, "{url}");
        assert!(of(401) >= 100 && of(429) > 50, "{url}: {} {}", of(401), of(429));
        let told = answers.iter().find(|answer| answer.status == 429).unwrap();
        assert_eq!(told.header("retry-after"), Some("1"), "{url}: {told:?}");
        let is_shaped = told.body.pointer(shape).is_some_and(Value::is_string);
        assert!(is_shaped || told.body["message"].is_string(), "{url}: {told:?}");
        let good = call(&url, "demo-key".to_owned(), Some(address)).await;
        assert!(!matches!(good.status, 401 | 429), "{url}: {good:?}");
        call(&url, "guess".to_owned(), Some("203.0.113.9"))
            .await
            .expect(401);
        call(&url, "guess".to_owned(), None).await.expect(401);
    }
    world.finish().await;
}
