//! A batch that leaves what somebody else is busy with.

use super::*;
use crate::apply::{Applied, Catalogs, Manner, apply_batch};

async fn leaving(connection: &mut db::Connection, events: Vec<Incoming>) -> Applied {
    let catalogs = &mut Catalogs::default();
    let applied = apply_batch(connection, events, now(), Manner::Leaving, catalogs);
    applied.await.unwrap()
}

fn ids<'a>(events: impl IntoIterator<Item = &'a Incoming>) -> Vec<EventId> {
    events.into_iter().map(|incoming| incoming.event.id).collect()
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_others_hold_is_left_with_all_that_comes_after_it(pool: Pool) {
    let org = demo(&pool).await;
    let sale_to = |order: &str, customer: &str, coupon: &str| {
        let mut sale = sale(org, order, coupon, 100);
        if let Body::CreateConversion(create) = &mut sale.event.body {
            let named = create.customer.as_mut().unwrap();
            named.identity = Identity::email(customer);
            named.email = None;
            named.external_id = None;
        }
        sale
    };
    // Of another affiliate: balances are locked to the end, too.
    let mut holder = db::begin(&pool).await.unwrap();
    apply(
        &mut holder,
        vec![sale_to("held", "ann@example.com", "GOLD20")],
        now(),
    )
    .await
    .unwrap();

    let events = vec![
        sale_to("free", "bea@example.com", "PETER10"),
        sale_to("of the same customer", "ann@example.com", "PETER10"),
        // Its order is left, so it must not come before it.
        refund(org, "of the same customer"),
        refund(org, "held"),
        refund(org, "free"),
    ];
    let mut connection = db::begin(&pool).await.unwrap();
    let applied = leaving(&mut connection, events.clone()).await;
    db::commit(connection).await.unwrap();
    assert_eq!(reasons(&applied.decisions), ["applied", "applied"]);
    assert_eq!(ids(&applied.left), ids(&events[1..4]));
    db::commit(holder).await.unwrap();

    let decisions = commit(&pool, applied.left).await;
    assert_eq!(reasons(&decisions), ["applied"; 3]);
    assert_eq!(
        count(&pool, "SELECT count(*) FROM conversions WHERE fully_refunded").await,
        3
    );
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_batch_of_which_all_is_held_applies_nothing(pool: Pool) {
    let org = demo(&pool).await;
    let mut holder = db::begin(&pool).await.unwrap();
    apply(&mut holder, vec![sale(org, "o1", "PETER10", 100)], now())
        .await
        .unwrap();
    let events: Vec<Incoming> = (2..5)
        .map(|order| sale(org, &format!("o{order}"), "PETER10", 100))
        .collect();
    let mut connection = db::begin(&pool).await.unwrap();
    let applied = leaving(&mut connection, events.clone()).await;
    assert_eq!(applied.decisions.len(), 0);
    assert_eq!(ids(&applied.left), ids(&events));
    db::rollback(connection).await.unwrap();
    db::rollback(holder).await.unwrap();
}

/// Twenty at once, of few customers: whatever each leaves is applied once, and the books are right.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn batches_of_the_same_customers_apply_everything_once(pool: Pool) {
    let org = demo(&pool).await;
    let batches = (0..8).map(|batch| {
        let pool = pool.clone();
        async move {
            let orders =
                (0..40).map(|order| sale(org, &format!("o{}", (batch + order) % 50), "PETER10", 100));
            let mut transaction = db::begin(&pool).await.unwrap();
            let applied = leaving(&mut transaction, orders.collect()).await;
            db::commit(transaction).await.unwrap();
            let rest = commit(&pool, applied.left).await;
            applied.decisions.len() + rest.len()
        }
    });
    let decided: usize = futures_util::future::join_all(batches).await.into_iter().sum();
    assert_eq!(decided, 8 * 40);
    assert_eq!(count(&pool, "SELECT count(*) FROM conversions").await, 47);
    prove(&pool).await;
}
