//! Applying on a real database, with the demo world.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::apply;
use crate::{
    catalog,
    db::{
        self, Pool,
        dead_letters::{self, Failure},
        events, partitions, spool,
    },
    domain::{
        AttributionFields, Body, ConversionStatus, CreateConversion, CustomerRef, Decision, Dialect, Event,
        EventId, Identity, Incoming, OrgId, Outcome, Reason, Refund, UpdateConversion,
    },
    message::EventIds,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_790_000_000_000).unwrap()
}

async fn demo(pool: &Pool) -> OrgId {
    let demo = catalog::parse(catalog::DEMO).unwrap();
    catalog::sync(pool, &demo, now()).await.unwrap();
    OrgId(
        sqlx::query_scalar("SELECT org_id FROM orgs WHERE slug = 'demo'")
            .fetch_one(pool)
            .await
            .unwrap(),
    )
}

fn event(org: impl Into<Option<OrgId>>, body: Body) -> Incoming {
    let org = org.into();
    let id = EventIds::new(&"test".into()).unwrap().issue(org, now());
    let event = Event {
        id,
        org,
        dialect: Dialect::Postback,
        received_at: now(),
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings: Vec::new(),
        body,
    };
    Incoming { event, queued: false }
}

fn sale(org: OrgId, order: &str, coupon: &str, amount: i64) -> Incoming {
    let attribution = AttributionFields {
        coupon: Some(coupon.to_owned()),
        ..Default::default()
    };
    let create = CreateConversion {
        external_id: Some(order.to_owned()),
        attribution,
        amount: Decimal::from(amount),
        customer: Some(CustomerRef {
            identity: Identity::email("Jane@Example.com"),
            external_id: Some("cust_1".to_owned()),
            email: Some("Jane@Example.com".to_owned()),
            name: None,
            meta_data: serde_json::Map::new().into(),
        }),
        ..Default::default()
    };
    event(org, Body::CreateConversion(Box::new(create)))
}

fn refund(org: OrgId, order: &str) -> Incoming {
    event(
        org,
        Body::Refund(Refund {
            external_id: order.to_owned(),
            amount: None,
            minor_units: None,
            refund_id: None,
        }),
    )
}

/// Applies a batch and commits it.
async fn commit(pool: &Pool, events: Vec<Incoming>) -> Vec<Decision> {
    let mut transaction = db::begin(pool).await.unwrap();
    let decisions = apply(&mut transaction, events, now()).await.unwrap();
    db::commit(transaction).await.unwrap();
    decisions
}

fn reasons(decisions: &[Decision]) -> Vec<&str> {
    decisions
        .iter()
        .map(|decision| {
            decision
                .outcome
                .reason()
                .unwrap_or(decision.outcome.status().name())
        })
        .collect()
}

async fn count(pool: &Pool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Pending and payable of an affiliate in dollars.
async fn balance(pool: &Pool, slug: &str) -> (Decimal, Decimal) {
    sqlx::query_as(
        "SELECT coalesce(sum(pending), 0), coalesce(sum(payable), 0) FROM balances b
         JOIN affiliates f USING (org_id, affiliate_id) WHERE f.slug = $1 AND b.currency = 'USD'",
    )
    .bind(slug)
    .fetch_one(pool)
    .await
    .unwrap()
}

/// Every test ends with the proof of the books.
async fn prove(pool: &Pool) {
    let report = db::ledger_check::run(pool, now(), |_| {}).await.unwrap();
    assert!(report.violations.is_empty(), "{:?}", report.violations);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_sale_becomes_rows_and_balances(pool: Pool) {
    let org = demo(&pool).await;
    let decisions = commit(
        &pool,
        vec![
            sale(org, "o1", "jane10off", 100),
            sale(org, "o2", "PARTNER_CODE", 250),
        ],
    )
    .await;
    assert_eq!(reasons(&decisions), ["applied", "applied"]);
    let zero = Decimal::ZERO;
    assert_eq!(balance(&pool, "janejameson").await, (Decimal::from(10), zero));
    assert_eq!(balance(&pool, "sandrasanderson").await, (Decimal::from(5), zero));
    assert_eq!(balance(&pool, "patpartner").await, (zero, Decimal::from(25)));
    assert_eq!(
        count(&pool, "SELECT count(*) FROM customers").await,
        1,
        "one address is one customer"
    );
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn an_event_that_comes_again_gets_its_stored_outcome(pool: Pool) {
    let org = demo(&pool).await;
    let event = sale(org, "o1", "JANE10OFF", 100);
    let first = commit(&pool, vec![event.clone()]).await;
    let again = commit(&pool, vec![event.clone(), event]).await;
    assert!(again.iter().all(|decision| decision.outcome == first[0].outcome));
    assert_eq!(count(&pool, "SELECT count(*) FROM conversions").await, 1);
    assert_eq!(balance(&pool, "janejameson").await.0, Decimal::from(10));
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn of_twenty_batches_with_one_order_one_records_it(pool: Pool) {
    let org = demo(&pool).await;
    let batches = (0..20).map(|_| {
        let pool = pool.clone();
        async move { commit(&pool, vec![sale(org, "o1", "PETER10", 100)]).await }
    });
    let decided: Vec<_> = futures_util::future::join_all(batches)
        .await
        .into_iter()
        .flatten()
        .collect();
    let applied = decided
        .iter()
        .filter(|decision| matches!(decision.outcome, Outcome::Applied(_)))
        .count();
    let duplicates = reasons(&decided)
        .iter()
        .filter(|reason| **reason == Reason::DuplicateOrder.code())
        .count();
    assert_eq!((applied, duplicates), (1, 19));
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_refund_waits_for_its_sale_in_another_batch(pool: Pool) {
    let org = demo(&pool).await;
    let early = refund(org, "o1");
    assert_eq!(reasons(&commit(&pool, vec![early.clone()]).await), ["parked"]);
    let decisions = commit(&pool, vec![sale(org, "o1", "PETER10", 100)]).await;
    assert_eq!(
        reasons(&decisions),
        ["applied", "applied"],
        "the sale brings its refund"
    );
    assert_eq!(
        balance(&pool, "peterpeterson").await,
        (Decimal::ZERO, Decimal::ZERO)
    );
    let again = commit(&pool, vec![early]).await;
    assert_eq!(reasons(&again), ["applied"]);
    assert_eq!(count(&pool, "SELECT count(*) FROM refunds").await, 1);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn an_update_changes_amount_status_and_meta_data(pool: Pool) {
    let org = demo(&pool).await;
    commit(&pool, vec![sale(org, "o1", "JANE10OFF", 100)]).await;
    let mut meta_data = serde_json::Map::new();
    meta_data.insert("k".to_owned(), "v".into());
    let update = UpdateConversion {
        external_id: "o1".to_owned(),
        amount: Some(Decimal::from(50)),
        status: Some(ConversionStatus::Approved),
        meta_data: Some(meta_data.into()),
        occurred_at: None,
    };
    let decisions = commit(&pool, vec![event(org, Body::UpdateConversion(update))]).await;
    assert_eq!(reasons(&decisions), ["applied"]);
    assert_eq!(
        balance(&pool, "janejameson").await,
        (Decimal::ZERO, Decimal::from(5))
    );
    let stored: serde_json::Value = sqlx::query_scalar("SELECT meta_data FROM conversions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(stored, serde_json::json!({ "k": "v" }));
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn parked_events_die_after_a_day(pool: Pool) {
    let org = demo(&pool).await;
    commit(&pool, vec![refund(org, "never")]).await;
    let mut transaction = db::begin(&pool).await.unwrap();
    let sweep = |hours| now() + TimeDelta::hours(hours);
    assert_eq!(
        events::sweep_parked(&mut transaction, sweep(23)).await.unwrap(),
        (0, 0)
    );
    let mut other = db::begin(&pool).await.unwrap();
    assert_eq!(
        events::sweep_parked(&mut other, sweep(24)).await.unwrap(),
        (0, 0),
        "somebody else does it"
    );
    db::rollback(other).await.unwrap();
    assert_eq!(
        events::sweep_parked(&mut transaction, sweep(24)).await.unwrap(),
        (0, 1)
    );
    db::commit(transaction).await.unwrap();
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM events WHERE status = 'dead' AND reason = 'missing_parent'"
        )
        .await,
        1
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM event_failures").await, 1);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_is_dead_can_be_queued_and_applied_once(pool: Pool) {
    let org = demo(&pool).await;
    let event = sale(org, "o1", "PETER10", 100);
    let failure = Failure {
        code: "22003".into(),
        detail: "too large".into(),
        fingerprint: "x".into(),
    };
    let mut transaction = db::begin(&pool).await.unwrap();
    assert!(
        dead_letters::record(&mut transaction, &event.event, &failure, now())
            .await
            .unwrap()
    );
    db::commit(transaction).await.unwrap();
    assert_eq!(
        reasons(&commit(&pool, vec![event.clone()]).await),
        ["22003"],
        "a copy from the broker changes nothing"
    );
    sqlx::query("UPDATE events SET status = 'queued', due_at = $1")
        .bind(now())
        .execute(&pool)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let due = events::due(&mut connection, now(), 10).await.unwrap();
    assert_eq!(due.events, vec![event.event.clone()]);
    let queued = Incoming {
        event: event.event,
        queued: true,
    };
    assert_eq!(reasons(&commit(&pool, vec![queued.clone()]).await), ["applied"]);
    assert_eq!(
        reasons(&commit(&pool, vec![queued]).await),
        ["applied"],
        "the second finds it applied"
    );
    assert_eq!(balance(&pool, "peterpeterson").await.0, Decimal::from(10));
    let mut transaction = db::begin(&pool).await.unwrap();
    let again = dead_letters::record(&mut transaction, &due.events[0], &failure, now())
        .await
        .unwrap();
    assert!(!again, "what is applied is never buried");
    db::commit(transaction).await.unwrap();
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn bytes_that_nobody_can_read_are_kept_once(pool: Pool) {
    let failure = Failure {
        code: "undecodable".into(),
        detail: "no".into(),
        fingerprint: "undecodable".into(),
    };
    let mut connection = pool.acquire().await.unwrap();
    let first = dead_letters::record_bytes(&mut connection, b"\0rubbish", &failure, now())
        .await
        .unwrap();
    let second = dead_letters::record_bytes(&mut connection, b"\0rubbish", &failure, now())
        .await
        .unwrap();
    assert_eq!(first, second);
    let (seconds, _) = first.get_timestamp().unwrap().to_unix();
    assert_eq!(
        i64::try_from(seconds).unwrap(),
        now().timestamp(),
        "it is listed when it came"
    );
    let kept: Vec<u8> = sqlx::query_scalar("SELECT original FROM event_failures")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, b"\0rubbish");
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn the_spool_hands_an_envelope_to_one_and_takes_it_back_on_rollback(pool: Pool) {
    let mut connection = pool.acquire().await.unwrap();
    for envelope in [b"one", b"two"] {
        spool::put(&mut connection, envelope).await.unwrap();
    }
    let mut first = db::begin(&pool).await.unwrap();
    assert_eq!(spool::take(&mut first, 0, 1).await.unwrap()[0].envelope, b"one");
    let mut second = db::begin(&pool).await.unwrap();
    let taken = spool::take(&mut second, 0, 9).await.unwrap();
    assert_eq!(taken.len(), 1, "what another holds is passed over");
    assert_eq!(taken[0].envelope, b"two");
    spool::remove(&mut second, &[taken[0].spool_id]).await.unwrap();
    db::rollback(first).await.unwrap();
    db::commit(second).await.unwrap();
    assert_eq!(db::backlog::spool(&mut connection).await.unwrap().express, 1);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn days_are_made_ahead_and_dropped_with_their_applied_events(pool: Pool) {
    let org = demo(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(partitions::make(&mut connection, now()).await.unwrap(), 4);
    assert_eq!(partitions::make(&mut connection, now()).await.unwrap(), 0);
    assert_eq!(partitions::drop_old(&mut connection, now()).await.unwrap(), 0);
    commit(
        &pool,
        vec![sale(org, "o2", "NOBODY", 1), sale(org, "o1", "PETER10", 100)],
    )
    .await;
    assert_eq!(
        count(&pool, "SELECT count(*) FROM events_default").await,
        0,
        "the day takes them"
    );
    let later = now() + TimeDelta::days(40);
    assert_eq!(partitions::drop_old(&mut connection, later).await.unwrap(), 4);
    let left: Vec<String> = sqlx::query_scalar("SELECT status FROM events")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(left, ["refused"], "failures stay longer");
    let much_later = now() + TimeDelta::days(100);
    partitions::drop_old(&mut connection, much_later).await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 0);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn events_that_came_before_the_partition_of_their_day_move_into_it(pool: Pool) {
    let org = demo(&pool).await;
    let event = sale(org, "o1", "PETER10", 100);
    commit(&pool, vec![event.clone()]).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM events_default").await, 1);
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(partitions::make(&mut connection, now()).await.unwrap(), 4);
    assert_eq!(count(&pool, "SELECT count(*) FROM events_default").await, 0);
    assert_eq!(
        reasons(&commit(&pool, vec![event]).await),
        ["applied"],
        "and are found there"
    );
    commit(&pool, vec![sale(org, "o2", "PETER10", 100)]).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM events_default").await, 0);
    let indexes = "SELECT count(*) FROM pg_inherits i JOIN pg_index x ON x.indrelid = i.inhrelid
                   WHERE i.inhparent = 'events'::regclass GROUP BY i.inhrelid ORDER BY 1 LIMIT 1";
    let of_all = "SELECT count(*) FROM pg_index WHERE indrelid = 'events'::regclass";
    assert_eq!(
        count(&pool, indexes).await,
        count(&pool, of_all).await,
        "each day has all indexes"
    );
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn known_outcomes_are_found_whatever_their_day(pool: Pool) {
    let org = demo(&pool).await;
    let events = vec![sale(org, "o1", "PETER10", 100), refund(org, "o9")];
    let ids: Vec<EventId> = events.iter().map(|incoming| incoming.event.id).collect();
    commit(&pool, events).await;
    let mut connection = pool.acquire().await.unwrap();
    let known = events::known(&mut connection, &ids).await.unwrap();
    assert_eq!(known.len(), 2);
    assert!(events::known(&mut connection, &[]).await.unwrap().is_empty());
}

mod busy_keys;
mod clicks;
mod costs;
mod exact;
mod kept_catalogs;
mod money;
mod numbers;
mod plans;
mod programs;
mod request_ids;
mod statements;
mod versions;
mod waiting;
