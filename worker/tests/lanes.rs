//! A whole worker without a broker: what its lanes take from the spool, and what becomes of queued events beside them.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, helpers included"
)]

use std::time::Duration;

use common::{
    apply::{MAX_BATCH_EVENTS, event_rows},
    db::{self, spool, spool_bulk},
    domain::{AttributionFields, Body, CreateConversion, Dialect, Event, OrgId},
    message::{Envelope, EventIds},
    queue::Instances,
    runtime::{Clock, Supervisor},
    testing::{TestDatabase, database},
};
use rust_decimal::Decimal;
use worker::{DRAIN_TIMEOUT, Worker};

fn sale(org: OrgId, order: &str) -> Event {
    let clock = Clock::default();
    let create = CreateConversion {
        external_id: Some(order.to_owned()),
        attribution: AttributionFields {
            coupon: Some("PETER10".to_owned()),
            ..Default::default()
        },
        amount: Decimal::from(100),
        ..Default::default()
    };
    Event {
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
    }
}

/// Spools an envelope of sales.
async fn spool(database: &TestDatabase, orders: impl Iterator<Item = String>) {
    let events: Vec<_> = orders
        .map(|order| serde_json::to_vec(&sale(database.org, &order)).unwrap())
        .collect();
    let mut transaction = db::begin(&database.pool).await.unwrap();
    spool::put(&mut transaction, &Envelope::join("test", None, &events))
        .await
        .unwrap();
    db::commit(transaction).await.unwrap();
}

struct Running(Supervisor);

impl Running {
    fn start(database: &TestDatabase, lanes: u16) -> Self {
        let worker = Worker {
            pool: database.pool.clone(),
            clock: Clock::default(),
            broker: None,
            instances: Instances::default(),
            lanes,
            progress: worker::Progress::default(),
        };
        let supervisor = Supervisor::new();
        worker::start(&worker, &supervisor.group("worker", DRAIN_TIMEOUT));
        Self(supervisor)
    }

    async fn end(self) {
        self.0.stop().cancel();
        self.0.finish().await.unwrap();
    }
}

/// Waits until a query counts so many.
async fn until(database: &TestDatabase, query: &'static str, wanted: i64) {
    let reached = async {
        while database.count(query).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_mins(1), reached).await;
    let now = database.count(query).await;
    assert!(reached.is_ok(), "{query}: {now}, not {wanted}");
}

const SPOOLED: &str = "SELECT count(*) FROM spool";

/// Notes how many events each batch writes, and how many envelopes wait meanwhile.
const NOTED: &str = "
    CREATE TABLE noted (events bigint, waiting bigint);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO noted SELECT (SELECT count(*) FROM new), (SELECT count(*) FROM spool); RETURN NULL; END$$;
    CREATE TRIGGER note AFTER INSERT ON events REFERENCING NEW TABLE AS new
    FOR EACH STATEMENT EXECUTE FUNCTION note()";

#[tokio::test]
async fn a_lane_takes_from_the_spool_only_what_it_has_room_for() {
    const ENVELOPES: usize = 10;
    let database = database().await;
    database.run(NOTED).await;
    for envelope in 0..ENVELOPES {
        spool(&database, (0..250).map(|n| format!("o{envelope}-{n}"))).await;
    }
    let running = Running::start(&database, 1);
    until(&database, SPOOLED, 0).await;
    running.end().await;
    assert_eq!(
        database.count("SELECT sum(events)::bigint FROM noted").await,
        2500
    );
    let greatest = database.count("SELECT max(events) FROM noted").await;
    assert!(greatest <= i64::try_from(MAX_BATCH_EVENTS).unwrap(), "{greatest}");
    let last = database.count("SELECT min(waiting) FROM noted").await;
    assert_eq!(last, 2, "after two batches of four envelopes two are left");
    database.prove().await;
}

/// Gives sales rows, to be applied as queued events.
async fn enqueue(database: &TestDatabase, orders: &[&str]) {
    let sales = orders.iter().map(|order| sale(database.org, order)).collect();
    let mut transaction = db::begin(&database.pool).await.unwrap();
    event_rows::queue(&mut transaction, sales, Clock::default().now())
        .await
        .unwrap();
    db::commit(transaction).await.unwrap();
}

const CONVERSIONS: &str = "SELECT count(*) FROM conversions";

#[tokio::test]
async fn a_queued_event_of_a_newer_version_keeps_nobody_waiting() {
    let database = database().await;
    enqueue(&database, &["new", "o1"]).await;
    database
        .run(r#"UPDATE events SET body = '{"of_a_newer_version":{}}' WHERE order_key = 'new'"#)
        .await;
    let running = Running::start(&database, 1);
    until(&database, CONVERSIONS, 1).await;
    let put_off = "SELECT count(*) FROM events
                   WHERE order_key = 'new' AND status = 'queued' AND attempt = 1 AND due_at > now() + interval '50 seconds'";
    until(&database, put_off, 1).await;
    running.end().await;
    database.prove().await;
}

/// Makes the sweep and the calendar fail as long as these are there.
const BROKEN_MAINTENANCE: &str = "
    CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'broken'; END$$;
    CREATE TRIGGER broken_sweep BEFORE UPDATE ON events FOR EACH ROW
    WHEN (OLD.status = 'parked') EXECUTE FUNCTION broken();
    CREATE TRIGGER broken_calendar BEFORE DELETE ON schedules FOR EACH ROW EXECUTE FUNCTION broken();
    INSERT INTO schedules (org_id, what, subject, period, conversion_id, due_at) VALUES (1, 'hold', 1, 0, 1, '2026-01-01');
    UPDATE events SET status = 'parked', due_at = '2026-01-01' WHERE order_key = 'parked'";

#[tokio::test]
async fn maintenance_that_fails_keeps_no_queued_event_waiting() {
    let database = database().await;
    enqueue(&database, &["parked", "o1"]).await;
    database.run(BROKEN_MAINTENANCE).await;
    let running = Running::start(&database, 1);
    until(&database, CONVERSIONS, 1).await;
    enqueue(&database, &["o2"]).await;
    until(&database, CONVERSIONS, 2).await;
    running.end().await;
    assert_eq!(database.count("SELECT count(*) FROM schedules").await, 1);
}

#[tokio::test]
async fn a_long_reader_keeps_no_day_from_being_made_and_no_event_waiting() {
    let database = database().await;
    database
        .run("SELECT ensure_event_partitions(current_date - 40, 1)")
        .await;
    let mut reader = db::begin_outer(&database.pool).await.unwrap();
    database
        .hold(&mut reader, "LOCK TABLE ONLY events IN ACCESS SHARE MODE")
        .await;
    let running = Running::start(&database, 1);
    let days = "SELECT count(*) FROM pg_inherits
                WHERE inhparent = 'events'::regclass AND inhrelid::regclass::text ~ '^events_[0-9]+$'";
    until(&database, days, 5).await;
    spool(&database, ["o1".to_owned()].into_iter()).await;
    until(&database, CONVERSIONS, 1).await;
    // A transaction waits for a lock for ten seconds; nothing has waited here.
    let quick = "SELECT count(*) FROM pg_stat_activity
                 WHERE pid <> pg_backend_pid() AND datname = current_database() AND wait_event_type = 'Lock'";
    until(&database, quick, 0).await;
    assert_eq!(database.count(days).await, 5, "the old day waits for the reader");
    db::rollback(reader).await.unwrap();
    running.end().await;
}

/// Spools an envelope of sales as bulk of an organisation, in whose name it need not be.
async fn spool_bulk(database: &TestDatabase, of: i64, orders: impl Iterator<Item = String>) {
    let events: Vec<_> = orders
        .map(|order| serde_json::to_vec(&sale(database.org, &order)).unwrap())
        .collect();
    let mut transaction = db::begin(&database.pool).await.unwrap();
    let envelope = Envelope::join_of("test", None, Some(of), &events);
    spool_bulk::put(&mut transaction, &[of], &[envelope])
        .await
        .unwrap();
    db::commit(transaction).await.unwrap();
}

#[tokio::test]
async fn bulk_is_applied_by_turns_and_holds_up_no_express() {
    let database = database().await;
    database.run(NOTED).await;
    for envelope in 0..30 {
        spool_bulk(&database, 7, (0..100).map(|n| format!("bulk{envelope}-{n}"))).await;
    }
    spool_bulk(&database, 9, ["turn".to_owned()].into_iter()).await;
    // Whoever applies bulk waits for this, as long as the test wants.
    let mut holder = db::begin_outer(&database.pool).await.unwrap();
    database
        .hold(&mut holder, "SELECT FROM spool WHERE bulk_of = 7 FOR UPDATE")
        .await;
    let running = Running::start(&database, 1);
    until(
        &database,
        "SELECT count(*) FROM conversions WHERE external_id = 'turn'",
        1,
    )
    .await;
    spool(&database, ["express".to_owned()].into_iter()).await;
    until(
        &database,
        "SELECT count(*) FROM conversions WHERE external_id = 'express'",
        1,
    )
    .await;
    assert_eq!(database.count(CONVERSIONS).await, 2);
    db::rollback(holder).await.unwrap();
    until(&database, SPOOLED, 0).await;
    running.end().await;
    assert_eq!(
        database.count("SELECT sum(events)::bigint FROM noted").await,
        3_002
    );
    database.prove().await;
}
