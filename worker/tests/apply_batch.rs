//! What a worker does with batches that fail, on a real database and without a broker.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, helpers included"
)]

use chrono::TimeDelta;
use common::{
    db::{self, dead_letters::MAX_ATTEMPTS, events},
    domain::{
        AttributionFields, Body, CreateConversion, Decision, Dialect, Event, Idempotency, Incoming, OrgId,
        Refund,
    },
    message::EventIds,
    runtime::Clock,
    testing::{TestDatabase, database},
};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use worker::{BatchApplier, Paused};

fn sale(org: OrgId, order: &str) -> Incoming {
    let clock = Clock::default();
    let attribution = AttributionFields {
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
        id: EventIds::new(&"test".into()).unwrap().issue(org, clock.now()),
        org: Some(org),
        dialect: Dialect::Postback,
        received_at: clock.now(),
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings: Vec::new(),
        body: Body::CreateConversion(Box::new(create)),
    };
    Incoming { event, queued: false }
}

fn applier(database: &TestDatabase) -> BatchApplier {
    BatchApplier::new(database.pool.clone(), Clock::default())
}

fn reasons(decisions: &[Decision]) -> Vec<&str> {
    let mut reasons: Vec<_> = decisions
        .iter()
        .map(|decision| {
            decision
                .outcome
                .reason()
                .unwrap_or(decision.outcome.status().name())
        })
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
    let applier = applier(&database);
    let orders = ["o1", "o2", "o3", "o4", "poison", "o5", "o6", "o7", "o8"];
    let batch: Vec<_> = orders.iter().map(|order| sale(database.org, order)).collect();
    let poison = batch[4].clone();
    let decisions = applier.run(&batch).await.unwrap();
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
        reasons(&applier.run(std::slice::from_ref(&poison)).await.unwrap()),
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
            reasons(&applier.run(std::slice::from_ref(&replay)).await.unwrap()),
            ["applied"]
        );
    }
    assert_eq!(database.count("SELECT count(*) FROM conversions").await, 9);
    assert_eq!(
        reasons(&applier.run(&batch).await.unwrap()),
        vec!["applied"; 9],
        "the whole batch again"
    );
    database.prove().await;
}

#[tokio::test]
async fn a_schema_that_does_not_fit_pauses_and_buries_nothing() {
    let database = database().await;
    let applier = applier(&database);
    let batch: Vec<_> = (0..8).map(|n| sale(database.org, &format!("o{n}"))).collect();
    database
        .run("ALTER TABLE transfers RENAME COLUMN code TO kind")
        .await;
    let paused = applier.run(&batch).await;
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
    assert_eq!(reasons(&applier.run(&batch).await.unwrap()), vec!["applied"; 8]);
    database.prove().await;
}

#[tokio::test]
async fn one_event_of_many_that_meets_a_deploy_bug_is_dead_and_not_everybodys_pause() {
    let database = database().await;
    let applier = applier(&database);
    let good: Vec<_> = (0..20).map(|n| sale(database.org, &format!("good{n}"))).collect();
    applier.run(&good).await.unwrap();
    database
        .run(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM no_such_function(); END$$;
             CREATE TRIGGER broken BEFORE INSERT ON conversions FOR EACH ROW
             WHEN (NEW.external_id = 'bad') EXECUTE FUNCTION broken()",
        )
        .await;
    let decisions = applier
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
    let url = database.url.expose_secret();
    let separator = if url.contains('?') { '&' } else { '?' };
    let read_only = SecretString::from(format!(
        "{url}{separator}options=-c%20default_transaction_read_only%3Don"
    ));
    let pool = db::connect(&read_only, 2, "a standby").await.unwrap();
    let paused = BatchApplier::new(pool, Clock::default()).run(&batch).await;
    assert!(matches!(paused, Err(Paused::Database(_))), "{paused:?}");
    assert_eq!(database.count("SELECT count(*) FROM events").await, 0);
    assert_eq!(
        reasons(&applier(&database).run(&batch).await.unwrap()),
        ["applied"]
    );
    database.prove().await;
}

#[tokio::test]
async fn batches_of_the_same_orders_at_once_record_each_once() {
    let database = database().await;
    let applier = applier(&database);
    let batches: Vec<Vec<Incoming>> = (0..8)
        .map(|_| (0..20).map(|n| sale(database.org, &format!("o{n}"))).collect())
        .collect();
    let runs = batches.iter().map(|batch| applier.run(batch));
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
    let applier = applier(&database);
    let connections = usize::try_from(database.pool.options().get_max_connections()).unwrap();
    assert!(connections > 6, "more than contention is tried again");
    // Statements that load rows are prepared too: every connection meets an order that is there.
    let warm: Vec<_> = (0..40).map(|n| sale(database.org, &format!("o{n}"))).collect();
    let repeated = |n: usize| sale(database.org, &format!("o{}", n % 40));
    applier.run(&warm).await.unwrap();
    let again: Vec<_> = (0..connections * 4).map(|n| [repeated(n)]).collect();
    let runs = again.iter().map(|batch| applier.run(batch));
    futures_util::future::try_join_all(runs).await.unwrap();

    for change in [
        "ALTER TABLE conversions ADD COLUMN probe text; ALTER TABLE commissions ADD COLUMN probe text;
         ALTER TABLE customers ADD COLUMN probe text; ALTER TABLE clicks ADD COLUMN probe text",
        // What a statement returns changes its type, so that a plan for it cannot be kept.
        "ALTER TABLE conversions ALTER COLUMN external_id TYPE varchar(500)",
    ] {
        database.run(change).await;
        let decisions = applier.run(&[repeated(1)]).await.unwrap();
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
        reasons(&applier(&database).run(&batch).await.unwrap()),
        vec!["applied"; 9]
    );
    database.prove().await;
}

/// As when somebody holds what an order needs for longer than anybody waits.
const HELD: &str = "
    CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'canceling statement due to lock timeout' USING ERRCODE = 'lock_not_available'; END$$;
    CREATE TRIGGER held BEFORE INSERT ON conversions FOR EACH ROW
    WHEN (NEW.external_id LIKE 'held%') EXECUTE FUNCTION held()";

/// What is due, as the worker takes it.
async fn due(database: &TestDatabase, clock: &Clock) -> Vec<Incoming> {
    let mut transaction = db::begin(&database.pool).await.unwrap();
    let due = events::due(&mut transaction, clock.now(), 100).await.unwrap();
    db::rollback(transaction).await.unwrap();
    due.events
        .into_iter()
        .map(|event| Incoming { event, queued: true })
        .collect()
}

#[tokio::test]
async fn what_others_hold_is_tried_again_over_an_hour_and_its_neighbours_are_applied() {
    let database = database().await;
    database.run(HELD).await;
    let clock = Clock::default();
    let applier = BatchApplier::new(database.pool.clone(), clock.clone());
    let batch = ["o1", "held", "o2", "o3"].map(|order| sale(database.org, order));
    let first = reasons(&applier.run(&batch).await.unwrap()).join(" ");
    assert_eq!(first, "applied applied applied queued");
    let (began, mut attempts) = (clock.now(), 1);
    loop {
        let queued = due(&database, &clock).await;
        if queued.is_empty() {
            assert!(
                clock.now() - began < TimeDelta::hours(2),
                "it is never tried again"
            );
            clock.shift(TimeDelta::seconds(1));
            continue;
        }
        attempts += 1;
        let decisions = applier.run(&queued).await.unwrap();
        if reasons(&decisions) == ["55P03"] {
            break;
        }
        assert_eq!(reasons(&decisions), ["queued"]);
    }
    assert_eq!(attempts, MAX_ATTEMPTS);
    let lasted = clock.now() - began;
    assert!(
        lasted > TimeDelta::minutes(50) && lasted < TimeDelta::minutes(70),
        "{lasted}"
    );
    assert_eq!(
        reasons(&applier.run(&batch).await.unwrap())[0],
        "55P03",
        "a redelivery changes nothing"
    );
    database.prove().await;
}

#[tokio::test]
async fn what_others_held_is_applied_once_they_let_go() {
    let database = database().await;
    database.run(HELD).await;
    let clock = Clock::default();
    let applier = BatchApplier::new(database.pool.clone(), clock.clone());
    let held = [sale(database.org, "held")];
    assert_eq!(reasons(&applier.run(&held).await.unwrap()), ["queued"]);
    assert_eq!(
        reasons(&applier.run(&held).await.unwrap()),
        ["queued"],
        "a redelivery is no attempt"
    );
    assert_eq!(database.count("SELECT attempt::bigint FROM events").await, 2);
    database.run("DROP TRIGGER held ON conversions").await;
    clock.shift(TimeDelta::seconds(8));
    let queued = due(&database, &clock).await;
    assert_eq!(reasons(&applier.run(&queued).await.unwrap()), ["applied"]);
    database.prove().await;
}

#[tokio::test]
async fn an_event_that_cannot_even_be_queued_pauses_and_dies_of_nothing() {
    let database = database().await;
    database.run(HELD).await;
    database
        .run(
            "CREATE FUNCTION all_held() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN RAISE EXCEPTION 'held' USING ERRCODE = 'lock_not_available'; END$$;
             CREATE TRIGGER all_held BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION all_held()",
        )
        .await;
    let paused = applier(&database).run(&[sale(database.org, "o1")]).await;
    assert!(matches!(paused, Err(Paused::Database(_))), "{paused:?}");
    assert_eq!(database.count("SELECT count(*) FROM events").await, 0);
}

#[tokio::test]
async fn a_table_that_somebody_locks_kills_no_event() {
    let database = database().await;
    let applier = applier(&database);
    let batch = ["o1", "o2"].map(|order| sale(database.org, order));
    let mut holder = db::begin(&database.pool).await.unwrap();
    database
        .hold(&mut holder, "LOCK TABLE conversions IN SHARE MODE")
        .await;
    let decisions = applier.run(&batch).await.unwrap();
    assert_eq!(reasons(&decisions), ["queued", "queued"]);
    db::rollback(holder).await.unwrap();
    let clock = Clock::default();
    clock.shift(TimeDelta::seconds(8));
    let queued = due(&database, &clock).await;
    assert_eq!(
        reasons(&applier.run(&queued).await.unwrap()),
        ["applied", "applied"]
    );
    database.prove().await;
}

#[tokio::test]
async fn what_holds_nul_is_dead_under_its_own_id_and_its_neighbours_are_applied() {
    let database = database().await;
    let batch = ["o1", "nul\0", "o2"].map(|order| sale(database.org, order));
    let decisions = applier(&database).run(&batch).await.unwrap();
    assert_eq!(reasons(&decisions), ["22021", "applied", "applied"]);
    let own = "SELECT count(*) FROM events JOIN event_failures USING (event_id, org_id)
               WHERE status = 'dead' AND order_key LIKE 'nul_' AND body::text LIKE '%nul%'";
    assert_eq!(database.count(own).await, 1);
    database.prove().await;
}

#[tokio::test]
async fn an_event_that_no_row_can_hold_leaves_its_bytes() {
    let database = database().await;
    let mut broken = sale(database.org, "broken");
    broken.event.idempotency = Some(Idempotency::plain(
        "key".to_owned(),
        "no hexadecimal digits".to_owned(),
    ));
    let batch = [sale(database.org, "o1"), broken];
    let decisions = applier(&database).run(&batch).await.unwrap();
    assert_eq!(reasons(&decisions), ["22023", "applied"]);
    let bytes = "SELECT count(*) FROM event_failures
                 WHERE org_id IS NULL AND convert_from(original, 'UTF8') LIKE '%broken%'";
    assert_eq!(database.count(bytes).await, 1);
    database.prove().await;
}

#[tokio::test]
async fn a_row_that_makes_the_worker_panic_costs_only_the_event_that_meets_it() {
    let database = database().await;
    let applier = applier(&database);
    applier.run(&[sale(database.org, "o1")]).await.unwrap();
    // No version of this code writes it, and chrono cannot hold it.
    database
        .run("UPDATE conversions SET created_at = 'infinity'")
        .await;
    let batch = ["o1", "o2", "o3"].map(|order| sale(database.org, order));
    let decisions = applier.run(&batch).await.unwrap();
    assert_eq!(reasons(&decisions), ["applied", "applied", "panic"]);
}

#[tokio::test]
async fn what_is_parked_by_a_newer_version_stays_parked_when_its_order_comes() {
    let database = database().await;
    let applier = applier(&database);
    let refund = Incoming {
        event: Event {
            body: Body::Refund(Refund {
                external_id: "o1".to_owned(),
                amount: None,
                minor_units: None,
                refund_id: None,
            }),
            ..sale(database.org, "o1").event
        },
        queued: false,
    };
    assert_eq!(reasons(&applier.run(&[refund]).await.unwrap()), ["parked"]);
    database
        .run(r#"UPDATE events SET body = '{"of_a_newer_version":{"external_id":"o1"}}'"#)
        .await;
    assert_eq!(
        reasons(&applier.run(&[sale(database.org, "o1")]).await.unwrap()),
        ["applied"]
    );
    let parked = "SELECT count(*) FROM events WHERE status = 'parked'";
    assert_eq!(database.count(parked).await, 1);
    database.prove().await;
}
