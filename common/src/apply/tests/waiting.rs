//! What needs something that is not there: its row from the first look to the last, on a real database.

use super::*;
use crate::{
    db::{barriers, parked_keys},
    domain::{CreateCustomer, CustomerTarget, UpdateCustomer},
};

const WAIT: TimeDelta = TimeDelta::seconds(3);

/// Applies a batch at a time of its own.
async fn commit_at(pool: &Pool, at: TimeDelta, events: Vec<Incoming>) -> Vec<Decision> {
    let mut transaction = db::begin(pool).await.unwrap();
    let decisions = apply(&mut transaction, events, now() + at).await.unwrap();
    db::commit(transaction).await.unwrap();
    decisions
}

fn awaited(mut incoming: Incoming) -> Incoming {
    incoming.event.wait_until = Some(now() + WAIT);
    incoming
}

fn again(incoming: &Incoming) -> Incoming {
    Incoming {
        queued: true,
        ..incoming.clone()
    }
}

/// Everything that was accepted so far is through, with the spool as the only queue.
async fn pass_barrier(pool: &Pool) {
    let mut conn = pool.acquire().await.unwrap();
    let number = barriers::set(&mut conn, &[], 0).await.unwrap();
    assert_eq!(barriers::look(&mut conn).await.unwrap().passed, number);
}

fn customer(org: OrgId, name: &str) -> Incoming {
    let create = CreateCustomer {
        customer_id: name.to_owned(),
        attribution: AttributionFields {
            coupon: Some("JANE10OFF".to_owned()),
            ..AttributionFields::default()
        },
        ..CreateCustomer::default()
    };
    event(org, Body::CreateCustomer(Box::new(create)))
}

fn customer_update(org: OrgId, name: &str) -> Incoming {
    event(
        org,
        Body::UpdateCustomer(UpdateCustomer {
            customer: CustomerTarget::Id(name.to_owned()),
            customer_id: None,
            meta_data: None,
            meta_change: None,
            action: None,
            occurred_at: None,
        }),
    )
}

fn sale_by_customer(org: OrgId, order: &str, name: &str) -> Incoming {
    let mut incoming = sale(org, order, "", 10);
    incoming.event.dialect = Dialect::Affitor;
    if let Body::CreateConversion(create) = &mut incoming.event.body {
        create.attribution = AttributionFields::default();
        create.customer = create.customer.take().map(|customer| CustomerRef {
            identity: Identity::Id(name.to_owned()),
            ..customer
        });
    }
    incoming
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_refund_is_refused_at_its_last_look_once_a_barrier_is_behind_it(pool: Pool) {
    let org = demo(&pool).await;
    let last = WAIT - TimeDelta::milliseconds(300);
    let (lost, found) = (awaited(refund(org, "never")), awaited(refund(org, "o1")));
    assert_eq!(
        reasons(&commit(&pool, vec![lost.clone(), found.clone()]).await),
        ["queued", "queued"]
    );
    let mut conn = pool.acquire().await.unwrap();
    let due = events::due(&mut conn, now() + WAIT, 10).await.unwrap();
    assert_eq!(due.waits_since.len(), 2);
    assert!(
        due.events
            .iter()
            .all(|event| event.wait_until == Some(now() + WAIT))
    );
    drop(conn);

    let early = commit_at(&pool, TimeDelta::seconds(1), vec![again(&lost)]).await;
    assert_eq!(reasons(&early), ["queued"]);
    commit(&pool, vec![sale(org, "o1", "JANE10OFF", 10)]).await;
    pass_barrier(&pool).await;
    let early = commit_at(&pool, TimeDelta::seconds(1), vec![again(&lost)]).await;
    assert_eq!(reasons(&early), ["queued"], "its caller still waits");
    let ended = commit_at(&pool, last, vec![again(&lost), again(&found)]).await;
    assert_eq!(reasons(&ended), ["unknown_order", "applied"]);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_refund_whose_sale_may_be_under_way_is_parked_and_comes_with_it(pool: Pool) {
    let org = demo(&pool).await;
    let last = WAIT - TimeDelta::milliseconds(300);
    let (early, imported) = (awaited(refund(org, "o1")), awaited(refund(org, "o2")));
    commit(&pool, vec![early.clone()]).await;
    let ended = commit_at(&pool, last, vec![again(&early)]).await;
    assert_eq!(reasons(&ended), ["parked"], "no barrier is behind it");

    commit(&pool, vec![imported.clone()]).await;
    let waiting = sale(org, "o2", "JANE10OFF", 10);
    let mut conn = pool.acquire().await.unwrap();
    db::event_writes::enqueue(&mut conn, vec![waiting.event.clone()], now())
        .await
        .unwrap();
    pass_barrier(&pool).await;
    let ended = commit_at(&pool, last, vec![again(&imported)]).await;
    assert_eq!(reasons(&ended), ["parked"], "its sale waits for its turn");

    let sales = vec![sale(org, "o1", "JANE10OFF", 10), again(&waiting)];
    assert_eq!(reasons(&commit(&pool, sales).await), ["applied"; 4]);
    assert_eq!(count(&pool, "SELECT count(*) FROM parked_keys").await, 2);
    assert_eq!(parked_keys::sweep(&mut conn).await.unwrap(), 2);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_customer_brings_its_changes_and_its_sales(pool: Pool) {
    let org = demo(&pool).await;
    let (change, sold) = (customer_update(org, "c1"), sale_by_customer(org, "o1", "c1"));
    let first = commit(&pool, vec![change.clone(), sold.clone()]).await;
    assert_eq!(reasons(&first), ["parked", "queued"]);
    assert_eq!(
        reasons(&commit(&pool, vec![again(&sold)]).await),
        ["queued"],
        "it may be under way"
    );
    let came = commit(&pool, vec![customer(org, "c1")]).await;
    assert_eq!(reasons(&came), ["queued", "applied"]);
    let turn = vec![again(&change), again(&sold)];
    assert_eq!(reasons(&commit(&pool, turn).await), ["applied", "applied"]);

    let nobody = sale_by_customer(org, "o2", "nobody");
    commit(&pool, vec![nobody.clone()]).await;
    pass_barrier(&pool).await;
    assert_eq!(
        reasons(&commit(&pool, vec![again(&nobody)]).await),
        ["unknown_customer"]
    );
    prove(&pool).await;
}

/// A worker of the version before brings what it parked itself by its order alone.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_has_no_key_of_what_it_waits_for_is_swept(pool: Pool) {
    let org = demo(&pool).await;
    commit(
        &pool,
        vec![
            refund(org, "o1"),
            customer_update(org, "c1"),
            refund(org, "never"),
        ],
    )
    .await;
    sqlx::query("DELETE FROM parked_keys WHERE kind = 'order'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        reasons(&commit(&pool, vec![sale(org, "o1", "JANE10OFF", 10)]).await),
        ["applied"]
    );
    // Of a customer the same worker brings nothing.
    sqlx::query("UPDATE parked_keys SET key = 0")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        reasons(&commit(&pool, vec![customer(org, "c1")]).await),
        ["applied"]
    );
    let mut transaction = db::begin(&pool).await.unwrap();
    assert_eq!(
        events::sweep_parked(&mut transaction, now()).await.unwrap(),
        (2, 0)
    );
    db::commit(transaction).await.unwrap();
}
