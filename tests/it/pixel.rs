//! The pixel: what a picture on a page can do, and what a signature adds.

use commissary_tests::{Queue, World};
use reqwest::Method;

on_both_queues!(a_pixel_waits_for_approval_unless_it_is_signed);

async fn a_pixel_waits_for_approval_unless_it_is_signed(queue: Queue) {
    let world = World::start(queue).await;
    let link = |order: &str| {
        format!(
            "{}/p/demo-pixel.gif?external_id={order}&amount=100&coupon=PARTNER_CODE",
            world.shop.ingest
        )
    };
    let show = async |url: &str| world.shop.call(Method::GET, url, &[], None).await.unwrap();

    let forgeable = show(&link("unsigned")).await.expect(200);
    assert_eq!(forgeable.header("content-type"), Some("image/gif"));
    let signed = world
        .commissary(&["pixel", "sign", "--org", "demo", &link("signed")])
        .await
        .well();
    let signed = signed.out.trim();
    show(signed).await.expect(200);
    // Signed for 100 and not for 900; shown again, it stays one sale.
    show(
        &signed
            .replace("amount=100", "amount=900")
            .replace("=signed", "=forged"),
    )
    .await
    .expect(200);
    show(signed).await.expect(200);
    let by_hand = ["pixel", "sign", "--secret", "demo-pixel-secret", &link("signed")];
    assert_eq!(world.commissary(&by_hand).await.well().out.trim(), signed);

    world.until("count(*) = 3 FROM conversions").await;
    let approved = "SELECT v.external_id, coalesce(m.approved::text, 'pending') FROM conversions v
        JOIN commissions m USING (org_id, conversion_id) ORDER BY 1";
    assert_eq!(
        world.sql(approved).await.trim(),
        "forged|pending\nsigned|true\nunsigned|pending"
    );
    let receipt = format!("/v1/events/{}", forgeable.header("x-event-id").unwrap());
    assert_eq!(world.settled(&receipt).await.text("/status"), "applied");

    let wrong = world
        .commissary(&["pixel", "sign", "--org", "other", &link("x")])
        .await;
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.error.contains("demo-pixel"), "{wrong:?}");
    world.finish().await;
}
