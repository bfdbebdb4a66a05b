//! What a worker does with batches that fail, on a real database and without a broker.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, helpers included"
)]

use common::{
    domain::{Attribution, Body, CreateConversion, Decision, Dialect, Event, Incoming, OrgId},
    message::EventIds,
    runtime::{Clock, Secret},
    testing::{TestDatabase, database},
};
use rust_decimal::Decimal;
use worker::{Paused, Process};

fn sale(org: OrgId, order: &str) -> Incoming {
    let clock = Clock::default();
    let attribution = Attribution {
        coupon: Some("PETER10".to_owned()),
        ..Default::default()
    };
    let create = CreateConversion {
        external_id: Some(order.to_owned()),
        attribution,
        amount: Decimal::from(100),
        ..Default::default()
    };
    let event = Event {
        id: EventIds::new("test").unwrap().issue(org, clock.now()),
        org,
        dialect: Dialect::Postback,
        received_at: clock.now(),
        trusted: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        body: Body::CreateConversion(Box::new(create)),
    };
    Incoming { event, queued: false }
}

fn process(database: &TestDatabase) -> Process {
    Process::new(database.pool.clone(), Clock::default())
}

fn reasons(decisions: &[Decision]) -> Vec<&str> {
    let mut reasons: Vec<_> = decisions
        .iter()
        .map(|one| one.outcome.reason().unwrap_or(one.outcome.status()))
        .collect();
    reasons.sort_unstable();
    reasons
}

/// Makes the database refuse one order, as a value that it cannot hold would.
const POISON: &str = "
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'poisoned' USING ERRCODE = 'numeric_value_out_of_range'; END$$;
    CREATE TRIGGER poison BEFORE INSERT ON conversions FOR EACH ROW
    WHEN (NEW.external_id = 'poison') EXECUTE FUNCTION poison()";

#[tokio::test]
async fn poison_in_a_batch_dies_alone_and_is_applied_once_after_its_cause_is_mended() {
    let database = database().await;
    database.run(POISON).await;
    let process = process(&database);
    let orders = ["o1", "o2", "o3", "o4", "poison", "o5", "o6", "o7", "o8"];
    let batch: Vec<_> = orders.iter().map(|order| sale(database.org, order)).collect();
    let poison = batch[4].clone();
    let decisions = process.run(&batch).await.unwrap();
    assert_eq!(reasons(&decisions), [vec!["22003"], vec!["applied"; 8]].concat());
    assert_eq!(database.count("SELECT count(*) FROM conversions").await, 8);
    assert_eq!(
        database
            .count("SELECT count(*) FROM event_failures WHERE code = '22003'")
            .await,
        1
    );

    database.run("DROP TRIGGER poison ON conversions").await;
    assert_eq!(
        reasons(&process.run(std::slice::from_ref(&poison)).await.unwrap()),
        ["22003"],
        "a redelivery changes nothing"
    );
    database
        .run("UPDATE events SET status = 'queued', due_at = now() WHERE status = 'dead'")
        .await;
    let replay = Incoming {
        queued: true,
        ..poison
    };
    for _ in 0..2 {
        assert_eq!(
            reasons(&process.run(std::slice::from_ref(&replay)).await.unwrap()),
            ["applied"]
        );
    }
    assert_eq!(database.count("SELECT count(*) FROM conversions").await, 9);
    assert_eq!(
        reasons(&process.run(&batch).await.unwrap()),
        vec!["applied"; 9],
        "the whole batch again"
    );
    database.prove().await;
}

#[tokio::test]
async fn a_schema_that_does_not_fit_pauses_and_buries_nothing() {
    let database = database().await;
    let process = process(&database);
    let batch: Vec<_> = (0..8).map(|n| sale(database.org, &format!("o{n}"))).collect();
    database
        .run("ALTER TABLE transfers RENAME COLUMN code TO kind")
        .await;
    let paused = process.run(&batch).await;
    assert!(
        matches!(
            paused,
            Err(Paused::Deploy {
                failed: 8,
                total: 8,
                ..
            })
        ),
        "{paused:?}"
    );
    assert_eq!(database.count("SELECT count(*) FROM events").await, 0);
    database
        .run("ALTER TABLE transfers RENAME COLUMN kind TO code")
        .await;
    assert_eq!(reasons(&process.run(&batch).await.unwrap()), vec!["applied"; 8]);
    database.prove().await;
}

#[tokio::test]
async fn one_event_of_many_that_meets_a_deploy_bug_is_dead_and_not_everybodys_pause() {
    let database = database().await;
    let process = process(&database);
    let good: Vec<_> = (0..20).map(|n| sale(database.org, &format!("good{n}"))).collect();
    process.run(&good).await.unwrap();
    database
        .run(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM no_such_function(); END$$;
             CREATE TRIGGER broken BEFORE INSERT ON conversions FOR EACH ROW
             WHEN (NEW.external_id = 'bad') EXECUTE FUNCTION broken()",
        )
        .await;
    let decisions = process
        .run(&[sale(database.org, "o1"), sale(database.org, "bad")])
        .await
        .unwrap();
    assert_eq!(reasons(&decisions), ["42883", "applied"]);
    database.prove().await;
}

#[tokio::test]
async fn a_database_that_takes_no_writes_pauses_and_buries_nothing() {
    let database = database().await;
    let batch = vec![sale(database.org, "o1")];
    let url = database.url.expose();
    let separator = if url.contains('?') { '&' } else { '?' };
    let read_only = Secret::new(format!(
        "{url}{separator}options=-c%20default_transaction_read_only%3Don"
    ));
    let pool = common::db::connect(&read_only, 2, "a standby").await.unwrap();
    let paused = Process::new(pool, Clock::default()).run(&batch).await;
    assert!(matches!(paused, Err(Paused::Database(_))), "{paused:?}");
    assert_eq!(database.count("SELECT count(*) FROM events").await, 0);
    assert_eq!(
        reasons(&process(&database).run(&batch).await.unwrap()),
        ["applied"]
    );
    database.prove().await;
}

#[tokio::test]
async fn batches_of_the_same_orders_at_once_record_each_once() {
    let database = database().await;
    let process = process(&database);
    let batches: Vec<Vec<Incoming>> = (0..8)
        .map(|_| (0..20).map(|n| sale(database.org, &format!("o{n}"))).collect())
        .collect();
    let runs = batches.iter().map(|batch| process.run(batch));
    let decisions: Vec<Decision> = futures_util::future::try_join_all(runs)
        .await
        .unwrap()
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(
        reasons(&decisions)
            .iter()
            .filter(|reason| **reason == "applied")
            .count(),
        20
    );
    assert_eq!(database.count("SELECT count(*) FROM conversions").await, 20);
    database.prove().await;
}

#[tokio::test]
async fn a_schema_that_changes_under_prepared_statements_kills_no_event() {
    let database = database().await;
    let process = process(&database);
    let connections = usize::try_from(database.pool.options().get_max_connections()).unwrap();
    assert!(connections > 6, "more than contention is tried again");
    // Statements that load rows are prepared too: every connection meets an order that is there.
    let warm: Vec<_> = (0..40).map(|n| sale(database.org, &format!("o{n}"))).collect();
    let repeated = |n: usize| sale(database.org, &format!("o{}", n % 40));
    process.run(&warm).await.unwrap();
    let again: Vec<_> = (0..connections * 4).map(|n| [repeated(n)]).collect();
    let runs = again.iter().map(|one| process.run(one));
    futures_util::future::try_join_all(runs).await.unwrap();

    for change in [
        "ALTER TABLE conversions ADD COLUMN probe text; ALTER TABLE commissions ADD COLUMN probe text;
         ALTER TABLE customers ADD COLUMN probe text; ALTER TABLE clicks ADD COLUMN probe text",
        // What a statement returns changes its type, so that a plan for it cannot be kept.
        "ALTER TABLE conversions ALTER COLUMN external_id TYPE varchar(500)",
    ] {
        database.run(change).await;
        let decisions = process.run(&[repeated(1)]).await.unwrap();
        assert_eq!(reasons(&decisions), ["duplicate_order"], "{change}");
    }
    assert_eq!(
        database
            .count("SELECT count(*) FROM events WHERE status = 'dead'")
            .await,
        0
    );
    database.prove().await;
}

/// As a server without room for the locks of more than three orders at once.
const CROWDED: &str = "
    CREATE FUNCTION crowded() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF (SELECT count(*) FROM new) > 3 THEN
        RAISE EXCEPTION 'out of shared memory' USING ERRCODE = 'out_of_memory'; END IF; RETURN NULL; END$$;
    CREATE TRIGGER crowded AFTER INSERT ON conversions REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION crowded()";

#[tokio::test]
async fn a_batch_that_needs_more_room_than_the_server_has_is_halved() {
    let database = database().await;
    database.run(CROWDED).await;
    let batch: Vec<_> = (0..9).map(|n| sale(database.org, &format!("o{n}"))).collect();
    assert_eq!(
        reasons(&process(&database).run(&batch).await.unwrap()),
        vec!["applied"; 9]
    );
    database.prove().await;
}
