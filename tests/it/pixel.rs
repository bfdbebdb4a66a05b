//! The pixel: what a picture on a page can do, and what a signature adds.

use std::process::{Command, Output};

use commissary_tests::{Queue, World, commissary};
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

/// What a command printed on its one line.
fn line(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn the_guides_recipe_in_python_signs_as_the_product_does() {
    let guide = include_str!("../../docs/PIXEL.md");
    let recipe = guide
        .split_once("```python\n")
        .unwrap()
        .1
        .split_once("```")
        .unwrap()
        .0;
    let by_recipe = |recipe: &str| line(&Command::new("python3").args(["-c", recipe]).output().unwrap());
    let by_product = |amount: &str| {
        let query =
            format!("external_id=ORD-7&amount={amount}&coupon=JANE10OFF&meta_data[note]=caf%C3%A9+~1");
        let link = format!("https://track.example.com/p/demo-pixel.gif?{query}");
        let sign = ["pixel", "sign", "--secret", "demo-pixel-secret", &link];
        line(&commissary().args(sign).output().unwrap())
    };
    let text = r#""amount": "59.90""#;
    assert!(recipe.contains(text), "{recipe}");
    for (written, amount) in [
        (text, "59.90"),
        (r#""amount": 59.5"#, "59.5"),
        (r#""amount": 60"#, "60"),
    ] {
        let signed = by_product(amount);
        let query = signed.split_once('?').unwrap().1;
        assert_eq!(by_recipe(&recipe.replace(text, written)), query, "{written}");
    }
}
