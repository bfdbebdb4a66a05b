//! What stands around all calls, through real processes: paths and their slashes, the shapes of what is not there, and the
//! id by which a call is found again.

use commissary_tests::{Queue, World};
use reqwest::Method;
use serde_json::{Value, json};

on_both_queues!(a_call_is_found_by_its_id);

/// Refuses one order, as a constraint that nobody thought of would.
const POISON: &str = "
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF NEW.external_id = 'bad' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END$$;
    CREATE TRIGGER poison BEFORE INSERT ON conversions FOR EACH ROW EXECUTE FUNCTION poison()";

async fn a_call_is_found_by_its_id(queue: Queue) {
    let mut world = World::of(queue).log("info,common=debug").start().await;
    world.sql(POISON).await;
    let sold = world
        .shop
        .track_with("good", 100, &[("X-Request-Id", "req-good")])
        .await
        .expect(200);
    assert_eq!(sold.header("x-request-id"), Some("req-good"));
    let unnamed = world.shop.track("unnamed", 100).await.expect(200);
    let made = unnamed.header("x-request-id").unwrap().to_owned();
    let bad = world
        .shop
        .track_with(
            "bad",
            100,
            &[("X-Request-Id", "req-bad"), ("Prefer", "respond-async")],
        )
        .await
        .expect(202)
        .text("/event_id");
    world.settled(&format!("/v1/events/{bad}")).await;
    let row = "SELECT string_agg(order_key || ' ' || status || ' ' || request_id, ', ' ORDER BY order_key) FROM events";
    let rows = world.sql(row).await;
    assert_eq!(
        rows,
        format!("bad dead req-bad, good applied req-good, unnamed applied {made}")
    );
    let shown = world.commissary(&["events", "show", &bad, "--json"]).await.well();
    assert_eq!(shown.json()["request_id"], "req-bad");
    let shown = world.commissary(&["events", "show", &bad]).await.well().out;
    assert!(shown.contains("req-bad"), "{shown}");

    let line = world.ingest.logged("req-bad", 1).await;
    for part in ["/api/affiliates/track/{code}", "dialect=\"yaplet\"", bad.as_str()] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(
        !world.ingest.log().contains("demo-key"),
        "a key in {}",
        world.ingest.log()
    );
    world
        .commissary(&["dlq", "discard", &bad, "--reason", "test"])
        .await
        .well();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slashes_that_do_not_count() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    let key = [("X-Api-Key", "demo-key"), ("Idempotency-Key", "once")];
    let sale = json!({"external_id": "o1", "coupon": "PARTNER_CODE", "amount": 10});
    let mut first = Value::Null;
    // The same request each time: its first outcome is answered again.
    for path in ["/1.7/pb/con/c/", "/1.7/pb/con/c", "//1.7/pb/con/c/"] {
        let url = format!("{}{path}", shop.ingest);
        let answer = shop.call(Method::POST, &url, &key, Some(&sale)).await.unwrap();
        let answer = answer.expect(200);
        assert!(first.is_null() || first == answer.body, "{path}: {answer:?}");
        first = answer.body;
    }
    assert_eq!(world.count("SELECT count(*) FROM conversions").await, 1);
    for path in ["/1.6/conversions", "/1.6/conversions/", "//1.6/conversions/"] {
        let answer = shop.get(path).await.expect(200);
        assert_eq!(answer.body.as_array().unwrap().len(), 1, "{path}");
        let link = answer.header("link").unwrap();
        assert!(link.contains(&format!("{path}?page=1>")), "{path}: {link}");
    }
    let nothing = shop.get("/1.6/conversions//").await.expect(404);
    assert_eq!(nothing.body["message"], "Not Found");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_has_its_dialects_shape_in_both_planes() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    for plane in [&shop.ingest, &shop.api] {
        let call = async |method: Method, path: &str| {
            let url = format!("{plane}{path}");
            shop.call(method, &url, &[("X-Request-Id", "req-7")], None)
                .await
                .unwrap()
        };
        for (path, pointer) in [
            ("/1.6", "/errors/0/message"),
            ("/1.6/conversions//commissions/", "/errors/0/message"),
            ("/1.7/pb/con/x", "/errors/0/message"),
            ("/api/affiliates", "/message"),
            ("/api/v1/track/x", "/error"),
            ("/api/tracking", "/error"),
            ("/api/v1/cli", "/error"),
            ("/api/v1/programs/x/", "/error"),
            ("/api/v1/tracking/x", "/message"),
            ("/v1/x", "/error"),
            ("/x", "/error"),
        ] {
            let answer = call(Method::GET, path).await.expect(404);
            assert!(
                answer.body.pointer(pointer).is_some_and(Value::is_string),
                "{plane}{path}: {answer:?}"
            );
            assert_eq!(answer.header("x-request-id"), Some("req-7"));
            let is_own = path == "/v1/x" || path == "/x";
            assert_eq!(answer.body.get("request_id").is_some(), is_own, "{path}");
        }
        let picture = call(Method::GET, "/p//x.gif").await.expect(404);
        assert_eq!(picture.header("content-type"), Some("image/gif"));
        let alive = call(Method::HEAD, "/healthz/").await.expect(200);
        assert_eq!(alive.header("content-length"), Some("3"));
        let closed = call(Method::DELETE, "/healthz").await.expect(405);
        assert_eq!(closed.header("allow"), Some("GET,HEAD"));
    }
    let pixel = format!("{}/p/demo-pixel.gif?external_id=1&coupon=C", shop.ingest);
    let looked = shop
        .call(Method::HEAD, &pixel, &[], None)
        .await
        .unwrap()
        .expect(200);
    assert_eq!(looked.header("content-length"), Some("43"));
    assert_eq!(world.count("SELECT count(*) FROM events").await, 0);
    world.finish().await;
}
