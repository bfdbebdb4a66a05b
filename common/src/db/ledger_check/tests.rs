//! Each check is shown what it must find.

use super::*;
use crate::db::fixture;

/// What the checks find after `damage`, as `check: subject: detail`.
async fn found(pool: &Pool, damage: &'static str) -> Vec<String> {
    let mut conn = fixture::world(pool).await;
    sqlx::raw_sql(damage).execute(&mut *conn).await.unwrap();
    drop(conn);
    let report = run(pool, fixture::now(), |_| {}).await.unwrap();
    assert_eq!(report.checks.len(), checks().count());
    assert_eq!(report.total(), report.violations.len() as u64);
    let shown = report.violations.iter().map(|violation| {
        assert_eq!(violation.org, "demo");
        format!("{}: {}: {}", violation.check, violation.subject, violation.detail)
    });
    shown.collect()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_consistent_world_has_no_violations(pool: Pool) {
    drop(fixture::world(&pool).await);
    let mut seen = Vec::new();
    let report = run(&pool, fixture::now(), |check| seen.push(check.name))
        .await
        .unwrap();
    assert_eq!((report.total(), &report.violations), (0, &vec![]));
    let checked: Vec<_> = report
        .checks
        .iter()
        .map(|check| (check.check, check.checked))
        .collect();
    assert_eq!(seen.len(), checks().count());
    for (check, count) in [
        ("balances", 4),
        ("accounts", 2),
        ("commission_positions", 3),
        ("transfer_references", 6),
        ("transfer_events", 3),
        ("conversion_events", 1),
        ("event_conversions", 1),
        ("refund_references", 1),
    ] {
        assert!(checked.contains(&(check, count)), "{check} {count}: {checked:?}");
    }
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_empty_database_is_right(pool: Pool) {
    assert_eq!(run(&pool, fixture::now(), |_| {}).await.unwrap().total(), 0);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_drift_of_one_cent(pool: Pool) {
    let drift = "UPDATE balances SET pending = pending - 0.01 WHERE affiliate_id = 1 AND currency = 'USD'";
    assert_eq!(
        found(&pool, drift).await,
        [
            "balances: affiliate 1 USD: balance is pending 10.04, payable 0, paid 0; transfers make 10.05, 0, 0",
            "accounts: USD: the four accounts sum to -0.01",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn money_on_the_wrong_account(pool: Pool) {
    let moved = "UPDATE balances SET payable = payable + 1, paid = paid - 1 WHERE currency = 'EUR'";
    assert_eq!(
        found(&pool, moved).await,
        [
            "balances: affiliate 1 EUR: balance is pending 0, payable -2.5, paid 2.5; transfers make 0, -3.5, 3.5",
            "payment_balances: affiliate 1 EUR: balance has paid 2.5; payments make 3.5",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_missing_balance(pool: Pool) {
    let found = found(&pool, "DELETE FROM balances WHERE affiliate_id = 2").await;
    assert_eq!(
        found,
        [
            "balances: affiliate 2 USD: balance is pending 0, payable 0, paid 0; transfers make 0, 5, 0",
            "accounts: USD: the four accounts sum to -5",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_balance_without_transfers(pool: Pool) {
    let found = found(&pool, "UPDATE balances SET paid = 2 WHERE affiliate_id = 3").await;
    assert_eq!(
        found[0],
        "balances: affiliate 3 USD: balance is pending 0, payable 0, paid 2; transfers make 0, 0, 0"
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_commission_beside_its_transfers(pool: Pool) {
    let grown = "UPDATE commissions SET gross = 11, amount = 11, pending = 11 WHERE commission_id = 2";
    assert_eq!(
        found(&pool, grown).await,
        ["commission_positions: commission 2: position is pending 11, payable 0; transfers make 10.05, 0"]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_commission_above_its_gross(pool: Pool) {
    let above = "ALTER TABLE commissions DROP CONSTRAINT commissions_amount_check;
                 UPDATE commissions SET gross = 4.99 WHERE commission_id = 3";
    assert_eq!(
        found(&pool, above).await,
        [
            "commission_amounts: commission 3: amount 5 is not within 0 and 4.99",
            "commission_nets: commission 3: amount is 5; gross 4.99 and the refunds make 4.99",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_commission_that_stands_elsewhere(pool: Pool) {
    let elsewhere = "ALTER TABLE commissions DROP CONSTRAINT commissions_position_check;
                     UPDATE commissions SET approved = false WHERE commission_id = 3";
    assert_eq!(
        found(&pool, elsewhere).await,
        ["commission_amounts: commission 3: amount 5 with approved false stands as pending 0, payable 5"]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_transfer_without_its_commission(pool: Pool) {
    assert_eq!(
        found(&pool, "DELETE FROM commissions WHERE commission_id = 2").await,
        ["transfer_references: transfer 4: commission 2 does not exist"]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_commission_posted_to_another(pool: Pool) {
    let other = "UPDATE commissions SET affiliate_id = 3 WHERE commission_id = 2";
    assert_eq!(
        found(&pool, other).await,
        [
            "transfer_references: transfer 4: posted to affiliate 1 in USD, but commission 2 is for affiliate 3 in USD"
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_removed_affiliate(pool: Pool) {
    let found = found(
        &pool,
        "DELETE FROM affiliations; DELETE FROM affiliates WHERE affiliate_id = 2",
    )
    .await;
    assert_eq!(
        found,
        [
            "transfer_references: transfer 5: affiliate 2 does not exist",
            "transfer_references: transfer 6: affiliate 2 does not exist",
            "commission_references: commission 3: affiliate 2 does not exist",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_removed_conversion_and_its_refund(pool: Pool) {
    assert_eq!(
        found(&pool, "DELETE FROM conversions WHERE conversion_id = 1").await,
        [
            "commission_references: commission 1: conversion 1 does not exist",
            "refund_references: refund id:R1 of conversion 1: the conversion does not exist",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_conversion_without_its_customer_or_program(pool: Pool) {
    let removed = "DELETE FROM customers; UPDATE conversions SET program_id = 9 WHERE conversion_id = 1";
    assert_eq!(
        found(&pool, removed).await,
        [
            "conversion_references: conversion 1: program 9 does not exist",
            "conversion_references: conversion 2: customer 1 does not exist",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_lost_event(pool: Pool) {
    let lost = "DELETE FROM events WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000001'";
    let missing = "event 01a1f8d3-ea00-7000-8000-000000000001 does not exist";
    assert_eq!(
        found(&pool, lost).await,
        [
            format!("transfer_events: transfer 4: {missing}"),
            format!("transfer_events: transfer 5: {missing}"),
            format!("conversion_events: conversion 2: {missing}"),
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_effect_without_an_applied_event(pool: Pool) {
    let undone =
        "UPDATE events SET status = 'queued' WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000001'";
    assert_eq!(
        found(&pool, undone).await[2],
        "conversion_events: conversion 2: event 01a1f8d3-ea00-7000-8000-000000000001 is a create_conversion, queued"
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_event_applied_twice(pool: Pool) {
    let twice = "INSERT INTO conversions SELECT org_id, 3, 'AGAIN', program_id, affiliate_id, customer_id, event_id, dialect,
                        trusted, attributed_by, amount, currency, 0, false, meta_data, details, created_at
                   FROM conversions WHERE conversion_id = 2;
                 UPDATE conversions SET counted = 1 WHERE conversion_id = 3";
    assert_eq!(
        found(&pool, twice).await,
        [
            "event_conversions: event 01a1f8d3-ea00-7000-8000-000000000001: it has 2 conversions",
            "customer_counts: customer 1 in program 1: it counts 1; its living conversions there count 2",
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn two_events_that_share_a_conversion(pool: Pool) {
    let shared = "UPDATE events SET status = 'applied', reason = NULL
                   WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000003'";
    assert_eq!(
        found(&pool, shared).await,
        ["event_conversions: event 01a1f8d3-ea00-7000-8000-000000000003: it has 0 conversions"]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn all_violations_are_counted_and_some_are_shown(pool: Pool) {
    let mut conn = fixture::world(&pool).await;
    sqlx::raw_sql("INSERT INTO balances SELECT 1, 100 + n, 'USD', 1, 0, 0 FROM generate_series(1, 50) n")
        .execute(&mut *conn)
        .await
        .unwrap();
    let report = run(&pool, fixture::now(), |_| {}).await.unwrap();
    assert_eq!((report.checks[0].checked, report.checks[0].violations), (54, 50));
    assert_eq!(report.violations.len(), 21);
}
