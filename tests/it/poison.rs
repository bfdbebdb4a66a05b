//! Events that cannot be applied: each alone, visible, and mended by a replay.

use std::time::Duration;

use commissary_tests::{Leftovers, Queue, World, envelope, wait_until};
use common::{
    domain::{AttributionFields, Body, CreateConversion},
    message::ENVELOPE_VERSION,
};
use futures_util::future::join_all;
use serde_json::json;

on_both_queues!(
    one_bad_event_in_a_batch,
    undecodable_bytes,
    an_envelope_of_a_later_version,
    a_schema_that_does_not_fit
);

const ASYNC: (&str, &str) = ("Prefer", "respond-async");
const SOON: Duration = Duration::from_secs(20);

/// Refuses one order, as a constraint that nobody thought of would.
const POISON: &str = "
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF NEW.external_id = 'order-5' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END$$;
    CREATE TRIGGER poison BEFORE INSERT ON conversions FOR EACH ROW EXECUTE FUNCTION poison()";

async fn one_bad_event_in_a_batch(queue: Queue) {
    let mut world = World::of(queue).workers(0).start().await;
    world.sql(POISON).await;
    let mut bad = String::new();
    for number in 0..10 {
        let receipt = world
            .shop
            .track_with(&format!("order-{number}"), 100, &[ASYNC])
            .await
            .expect(202);
        if number == 5 {
            bad = receipt.text("/event_id");
        }
    }
    world.start_worker(None).await;
    world.until("(SELECT count(*) FROM conversions) = 9").await;
    let receipt = world.settled(&format!("/v1/events/{bad}")).await;
    assert_eq!(receipt.text("/status"), "dead");
    assert_eq!(receipt.text("/outcome/reason"), "P0001");

    let listed = world.commissary(&["dlq", "list", "--json"]).await.well().json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(
        (&listed[0]["event_id"], &listed[0]["reason"]),
        (&json!(bad), &json!("P0001"))
    );
    let shown = world
        .commissary(&["dlq", "show", &bad, "--json"])
        .await
        .well()
        .json();
    assert_eq!(
        (&shown["order"], &shown["failure"]["code"]),
        (&json!("order-5"), &json!("P0001"))
    );
    assert!(
        shown["failure"]["detail"].as_str().unwrap().contains("poison"),
        "{shown}"
    );

    // A replay before the cause is mended only brings it back.
    world.commissary(&["dlq", "replay", &bad]).await.well();
    world
        .until(&format!(
            "EXISTS (SELECT FROM events WHERE event_id = '{bad}' AND status = 'dead' AND attempt = 2)"
        ))
        .await;
    world.sql("DROP TRIGGER poison ON conversions").await;
    let replay = ["dlq", "replay", bad.as_str(), "--json"];
    let replays = join_all((0..4).map(|_| world.commissary(&replay))).await;
    let done: Vec<_> = replays
        .into_iter()
        .map(|output| output.well().json()["done"].as_u64().unwrap())
        .collect();
    assert_eq!(done.iter().sum::<u64>(), 1, "one of the replays counts: {done:?}");
    assert_eq!(
        world.settled(&format!("/v1/events/{bad}")).await.text("/status"),
        "applied"
    );
    world.commissary(&replay).await.well();
    assert_eq!(
        world
            .count("SELECT count(*) FROM conversions WHERE external_id = 'order-5'")
            .await,
        1
    );
    assert_eq!(world.count("SELECT count(*) FROM transfers").await, 10);
    world.finish().await;
}

async fn undecodable_bytes(queue: Queue) {
    let world = World::start(queue).await;
    let rubbish = b"\xff\xfe\x00 no envelope".to_vec();
    // Twice: a redelivery makes no second record.
    world
        .publish(&[rubbish.clone(), rubbish, b"{\"v\":1}".to_vec()])
        .await;
    world.shop.track("beside", 100).await.expect(200);
    world
        .until("(SELECT count(*) FROM events WHERE status = 'dead') = 2")
        .await;
    let records = "SELECT count(*) FROM events JOIN event_failures f USING (event_id)
                   WHERE events.org_id IS NULL AND f.org_id IS NULL AND reason = 'undecodable' AND original IS NOT NULL";
    assert_eq!(world.count(records).await, 2);
    let listed = world.commissary(&["dlq", "list", "--json"]).await.well().json();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    world
        .finish_with(Leftovers {
            dead: 2,
            ..Leftovers::default()
        })
        .await;
}

/// Workers deploy first; when they do not, the envelope waits for a newer one, however long, and nobody else does.
async fn an_envelope_of_a_later_version(queue: Queue) {
    let world = World::of(queue)
        .worker_variable("COMMISSARY_LANES", "16")
        .workers(2)
        .start()
        .await;
    let sale = world.events(vec![sale("from the future")]).await;
    let (this, later) = (
        format!(r#""v":{ENVELOPE_VERSION}"#),
        format!(r#""v":{}"#, ENVELOPE_VERSION + 1),
    );
    let envelope = String::from_utf8(envelope(&sale)).unwrap().replace(&this, &later);
    let unreadable = format!(r#"{{{later},"from":"the future","events":[{{"shape":"unknown"}}]}}"#);
    world
        .publish(&[envelope.into_bytes(), unreadable.into_bytes()])
        .await;
    for number in 0..30 {
        world.shop.track(&format!("now-{number}"), 100).await.expect(200);
    }
    let aside = format!(
        "(SELECT count(*) FROM spool WHERE version = {}) = 2",
        ENVELOPE_VERSION + 1
    );
    world.until(&aside).await;
    wait_until("a worker says that it is too old", SOON, async || {
        let logs: String = world.workers.iter().map(commissary_tests::Process::log).collect();
        logs.contains("this worker is older than an ingest")
    })
    .await;
    let doctor = world.commissary(&["doctor"]).await;
    assert!(
        doctor.code == Some(1)
            && doctor
                .out
                .contains("2 envelopes wait for workers of a later version"),
        "{doctor:?}"
    );
    for number in 30..60 {
        world.shop.track(&format!("now-{number}"), 100).await.expect(200);
    }
    assert_eq!(
        world.count("SELECT count(*) FROM events").await,
        60,
        "nothing is dead"
    );

    // As if this were a worker of that version: it finds by itself what it can read.
    let update = format!(
        "UPDATE spool SET version = {ENVELOPE_VERSION},
             envelope = convert_to(replace(convert_from(envelope, 'UTF8'), '{later}', '{this}'), 'UTF8')
         WHERE position(convert_to('external_id', 'UTF8') IN envelope) > 0"
    );
    world.sql(&update).await;
    world
        .until("EXISTS (SELECT FROM conversions WHERE external_id = 'from the future')")
        .await;
    world
        .finish_with(Leftovers {
            kept: 1,
            ..Leftovers::default()
        })
        .await;
}

fn sale(order: &str) -> Body {
    Body::CreateConversion(Box::new(CreateConversion {
        external_id: Some(order.to_owned()),
        attribution: AttributionFields {
            coupon: Some("PARTNER_CODE".to_owned()),
            ..AttributionFields::default()
        },
        amount: "100".parse().unwrap(),
        ..CreateConversion::default()
    }))
}

async fn a_schema_that_does_not_fit(queue: Queue) {
    let mut world = World::start(queue).await;
    world.shop.track("before", 100).await.expect(200);
    world
        .sql("ALTER TABLE transfers RENAME COLUMN code TO renamed")
        .await;
    for number in 0..3 {
        world
            .shop
            .track_with(&format!("order-{number}"), 100, &[ASYNC])
            .await
            .expect(202);
    }
    let line = world.workers[0]
        .logged("nothing can be applied; events wait", 2)
        .await;
    assert!(line.contains("the schema and this binary do not fit"), "{line}");
    assert_eq!(
        world
            .count("SELECT count(*) FROM events WHERE status = 'dead'")
            .await,
        0
    );

    world
        .sql("ALTER TABLE transfers RENAME COLUMN renamed TO code")
        .await;
    wait_until("the worker goes on", SOON, async || {
        world.count("SELECT count(*) FROM conversions").await == 4
    })
    .await;
    world.shop.track("after", 100).await.expect(200);
    world.finish().await;
}
