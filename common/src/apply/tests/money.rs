//! Payments and the commissions that they cover.

use super::*;
use crate::domain::{Applied, CancelPayment, Pay, PaymentId, PaymentOrder};

fn pay(org: OrgId, payments: &[(&str, i64)]) -> Incoming {
    let order = |(affiliate, amount): &(&str, i64)| PaymentOrder {
        affiliate: (*affiliate).to_owned(),
        amount: Decimal::from(*amount),
        currency: "USD".parse().unwrap(),
    };
    let payments = payments.iter().map(order).collect();
    event(org, Body::Pay(Pay { payments }))
}

fn payments(decision: &Decision) -> Vec<PaymentId> {
    match &decision.outcome {
        Outcome::Applied(Applied::Payments(views)) => views.iter().map(|view| view.id).collect(),
        other => panic!("no payments: {other:?}"),
    }
}

/// The orders whose commissions are covered.
async fn covered(pool: &Pool) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT c.external_id FROM conversions c JOIN commissions m USING (org_id, conversion_id)
         WHERE m.payment_id IS NOT NULL ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Approved commissions of 10, 20 and 30 of patpartner, the oldest first.
async fn earned(pool: &Pool, org: OrgId) {
    for (order, amount) in [("o1", 100), ("o2", 200), ("o3", 300)] {
        commit(pool, vec![sale(org, order, "PARTNER_CODE", amount)]).await;
    }
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_payment_covers_the_oldest_commissions_that_fit_whole(pool: Pool) {
    let org = demo(&pool).await;
    earned(&pool, org).await;
    let paid = commit(&pool, vec![pay(org, &[("patpartner", 35)])]).await;
    assert_eq!(reasons(&paid), ["applied"]);
    assert_eq!(
        covered(&pool).await,
        ["o1", "o2"],
        "30 does not fit into what is left"
    );
    assert_eq!(balance(&pool, "patpartner").await.1, Decimal::from(25));
    let more = commit(&pool, vec![pay(org, &[("patpartner", 25), ("patpartner", 30)])]).await;
    assert_eq!(
        covered(&pool).await,
        ["o1", "o2", "o3"],
        "the one after the other"
    );
    assert_eq!(
        balance(&pool, "patpartner").await.1,
        Decimal::from(-30),
        "a payment may exceed it"
    );
    prove(&pool).await;

    let payment = payments(&more[0])[1];
    let cancel = || event(org, Body::CancelPayment(CancelPayment { payment }));
    assert_eq!(reasons(&commit(&pool, vec![cancel()]).await), ["applied"]);
    assert_eq!(covered(&pool).await, ["o1", "o2"]);
    assert_eq!(balance(&pool, "patpartner").await.1, Decimal::ZERO);
    assert_eq!(reasons(&commit(&pool, vec![cancel()]).await), ["unknown_payment"]);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn payments_are_recorded_all_or_none(pool: Pool) {
    let org = demo(&pool).await;
    earned(&pool, org).await;
    let refused = commit(&pool, vec![pay(org, &[("patpartner", 10), ("nobody", 10)])]).await;
    assert_eq!(reasons(&refused), ["unknown_affiliate"]);
    assert_eq!(count(&pool, "SELECT count(*) FROM payments").await, 0);
    assert_eq!(covered(&pool).await, [""; 0]);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn payments_at_once_cover_no_commission_twice(pool: Pool) {
    let org = demo(&pool).await;
    earned(&pool, org).await;
    let paying = [10, 20, 30].map(|amount| commit(&pool, vec![pay(org, &[("patpartner", amount)])]));
    futures_util::future::join_all(paying).await;
    let overpaid = "SELECT count(*) FROM payments p
                    WHERE p.amount < (SELECT sum(m.amount) FROM commissions m WHERE m.payment_id = p.payment_id)";
    assert_eq!(count(&pool, overpaid).await, 0);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_payment_counts_what_was_changed_while_it_waited(pool: Pool) {
    let org = demo(&pool).await;
    commit(
        &pool,
        vec![
            sale(org, "o1", "PARTNER_CODE", 100),
            sale(org, "o2", "PARTNER_CODE", 100),
        ],
    )
    .await;
    // The first is about to bring 15 instead of 10.
    let mut other = db::begin(&pool).await.unwrap();
    let update = UpdateConversion {
        external_id: "o1".to_owned(),
        amount: Some(Decimal::from(150)),
        status: None,
        meta_data: None,
        occurred_at: None,
    };
    apply(
        &mut other,
        vec![event(org, Body::UpdateConversion(update))],
        now(),
    )
    .await
    .unwrap();
    let paying = {
        let pool = pool.clone();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move { commit(&pool, vec![pay(org, &[("patpartner", 10)])]).await })
    };
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while count(&pool, waiting).await == 0 {
        assert!(!paying.is_finished(), "it did not wait");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    db::commit(other).await.unwrap();
    assert_eq!(reasons(&paying.await.unwrap()), ["applied"]);
    assert_eq!(covered(&pool).await, [""; 0], "10 does not pay for 15");
    prove(&pool).await;
}
