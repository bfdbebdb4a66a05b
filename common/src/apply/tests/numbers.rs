//! Rows that events name by their number are the same rows that other events name by an external id.

use super::*;
use crate::domain::{Applied, ConversionId, EditConversion};

fn edit(org: OrgId, conversion: ConversionId, change: impl FnOnce(&mut EditConversion)) -> Incoming {
    let mut edit = EditConversion {
        conversion,
        amount: None,
        external_id: None,
        meta_data: None,
        meta_change: None,
        recalculate: false,
        delete: false,
    };
    change(&mut edit);
    event(org, Body::EditConversion(Box::new(edit)))
}

fn number(decision: &Decision) -> ConversionId {
    match &decision.outcome {
        Outcome::Applied(Applied::Conversion(view)) => view.id,
        other => panic!("no conversion: {other:?}"),
    }
}

fn partial_refund(org: OrgId, order: &str, amount: i64) -> Incoming {
    event(
        org,
        Body::Refund(Refund {
            external_id: order.to_owned(),
            amount: Some(Decimal::from(amount)),
            refund_id: None,
            minor_units: None,
        }),
    )
}

/// Applies one batch, lets another begin and wait for it, then commits the first.
async fn overlapping(pool: &Pool, first: Incoming, second: Incoming) -> (Vec<Decision>, Vec<Decision>) {
    let mut transaction = db::begin(pool).await.unwrap();
    let decided = apply(&mut transaction, vec![first], now()).await.unwrap();
    let release = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while count(pool, waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        db::commit(transaction).await.unwrap();
    };
    let ((), later) = tokio::join!(release, commit(pool, vec![second]));
    (decided, later)
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn an_edit_by_number_and_a_refund_by_order_wait_for_each_other(pool: Pool) {
    let org = demo(&pool).await;
    for (order, edit_first) in [("o1", true), ("o2", false)] {
        let sold = commit(&pool, vec![sale(org, order, "PETER10", 100)]).await;
        let edit = edit(org, number(&sold[0]), |edit| {
            edit.amount = Some(Decimal::from(200));
            edit.recalculate = true;
        });
        let refund = partial_refund(org, order, 50);
        let (first, second) = if edit_first {
            (edit, refund)
        } else {
            (refund, edit)
        };
        let (first, second) = overlapping(&pool, first, second).await;
        assert_eq!(
            (reasons(&first), reasons(&second)),
            (vec!["applied"], vec!["applied"])
        );
    }
    let both = "SELECT count(*) FROM conversions WHERE amount = 200 AND refunded = 50";
    assert_eq!(count(&pool, both).await, 2);
    assert_eq!(
        balance(&pool, "peterpeterson").await.0,
        Decimal::from(30),
        "10 % of 150, twice"
    );
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_refund_that_waited_for_a_renaming_does_not_find_the_old_name(pool: Pool) {
    let org = demo(&pool).await;
    let sold = commit(&pool, vec![sale(org, "o1", "PETER10", 100)]).await;
    let rename = edit(org, number(&sold[0]), |edit| {
        edit.external_id = Some("o2".to_owned());
    });
    let (renamed, refunded) = overlapping(&pool, rename, refund(org, "o1")).await;
    assert_eq!(
        (reasons(&renamed), reasons(&refunded)),
        (vec!["applied"], vec!["parked"])
    );
    assert_eq!(
        reasons(&commit(&pool, vec![refund(org, "o2")]).await),
        ["applied"]
    );
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_sale_that_waited_for_a_deletion_takes_the_free_order_id(pool: Pool) {
    let org = demo(&pool).await;
    let sold = commit(&pool, vec![sale(org, "o1", "PETER10", 100)]).await;
    let delete = edit(org, number(&sold[0]), |edit| edit.delete = true);
    let (deleted, again) = overlapping(&pool, delete, sale(org, "o1", "PETER10", 300)).await;
    assert_eq!(
        (reasons(&deleted), reasons(&again)),
        (vec!["applied"], vec!["applied"])
    );
    assert_eq!(balance(&pool, "peterpeterson").await.0, Decimal::from(30));
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn two_orders_that_are_renamed_alike_at_once_do_not_both_get_the_name(pool: Pool) {
    let org = demo(&pool).await;
    let sold = commit(
        &pool,
        vec![sale(org, "o1", "PETER10", 100), sale(org, "o2", "PETER10", 100)],
    )
    .await;
    let renamings = sold.iter().map(|sale| {
        let rename = edit(org, number(sale), |edit| edit.external_id = Some("o3".to_owned()));
        commit(&pool, vec![rename])
    });
    let decided = futures_util::future::join_all(renamings).await.concat();
    let mut said = reasons(&decided);
    said.sort_unstable();
    assert_eq!(said, ["applied", "duplicate_order"]);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_number_of_another_organisation_names_nothing(pool: Pool) {
    let org = demo(&pool).await;
    let sold = commit(&pool, vec![sale(org, "o1", "PETER10", 100)]).await;
    let other: i64 = sqlx::query_scalar("SELECT org_id FROM orgs WHERE slug = 'other'")
        .fetch_one(&pool)
        .await
        .unwrap();
    let delete = edit(OrgId(other), number(&sold[0]), |edit| edit.delete = true);
    assert_eq!(reasons(&commit(&pool, vec![delete]).await), ["unknown_order"]);
    assert_eq!(
        count(&pool, "SELECT count(*) FROM conversions WHERE deleted_at IS NULL").await,
        1
    );
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn an_authenticated_order_takes_the_place_of_an_unauthenticated_one(pool: Pool) {
    let org = demo(&pool).await;
    sqlx::query("UPDATE commission_types SET recurrence = 'monthly'")
        .execute(&pool)
        .await
        .unwrap();
    let mut unauthenticated = sale(org, "o1", "JANE10OFF", 100);
    unauthenticated.event.authenticated = false;
    commit(&pool, vec![unauthenticated]).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM schedules").await, 1);
    let authenticated = commit(&pool, vec![sale(org, "o1", "PETER10", 200)]).await;
    assert_eq!(reasons(&authenticated), ["applied"]);
    let linked = "SELECT count(*) FROM conversions old
                  JOIN conversions new ON (new.org_id, new.conversion_id) = (old.org_id, old.superseded_by)
                  WHERE old.deleted_at IS NOT NULL AND NOT old.trusted AND new.trusted";
    assert_eq!(count(&pool, linked).await, 1);
    let calendar =
        "SELECT count(*) FROM schedules JOIN conversions USING (org_id, conversion_id) WHERE trusted";
    assert_eq!(count(&pool, calendar).await, 1);
    assert_eq!(
        count(&pool, "SELECT count(*) FROM schedules").await,
        1,
        "the old one's is off"
    );
    assert_eq!(balance(&pool, "janejameson").await.0, Decimal::ZERO);
    assert_eq!(balance(&pool, "peterpeterson").await.0, Decimal::from(20));
    prove(&pool).await;
}
