//! Why an order paid what it paid, asked over the command line and the api.

use commissary_tests::{Queue, World};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_explained_to_those_who_may_read_it() {
    let world = World::start(Queue::Spool).await;
    let shop = &world.shop;
    shop.track("paid", 100).await.expect(200);
    let body = json!({"external_id": "lost", "coupon": "NO_SUCH", "amount": 1});
    shop.postback("con/c", &body, &[]).await.expect(400);

    let told = shop.get("/v1/explain?external_id=paid").await.expect(200);
    assert_eq!(told.text("/conversions/0/trace/candidates/0/verdict"), "chosen");
    assert_eq!(told.text("/conversions/0/commissions/0/amount"), "10.00");
    assert_eq!(
        told.text("/conversions/0/commissions/0/transfers/0/from"),
        "expense"
    );
    let printed = world.commissary(&["explain", "paid", "--json"]).await.well();
    assert_eq!(printed.json(), told.body, "both tell the same");

    let lost = shop.get("/v1/explain?external_id=lost").await.expect(200);
    assert_eq!(lost.text("/attempts/0/reason"), "unknown_partner");
    assert_eq!(lost.text("/attempts/0/trace/candidates/0/verdict"), "unknown");

    for path in [
        "/v1/explain",
        "/v1/explain?external_id=",
        "/v1/explain?external_id=%00",
    ] {
        shop.get(path).await.expect(400);
    }
    let path = "/v1/explain?external_id=paid";
    shop.get("/v1/explain?external_id=nothing").await.expect(404);
    shop.get_as(path, Some("other-key")).await.expect(404);
    shop.get_as(path, Some("nobodys-key")).await.expect(401);
    shop.get_as(path, None).await.expect(401);
    let unknown = world.commissary(&["explain", "nothing"]).await;
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.error.contains("nothing is known of an order \"nothing\""),
        "{}",
        unknown.error
    );
    world.finish().await;
}
