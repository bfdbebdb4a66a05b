//! Damage to what comes after a sale: refunds, payments, repetitions, clicks. Each check is shown what it must find.

use super::*;
use crate::db::fixture;

/// What the events of the sale, its repetition and the bonus have reported.
const REPORTED: &str = "
    UPDATE events SET outcome = '{\"applied\":{\"conversion\":{\"id\":4,\"commissions\":[{\"id\":5}]}}}'
     WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000012';
    UPDATE events SET outcome = '{\"applied\":{\"commissions\":[{\"id\":7,\"conversion\":4}]}}'
     WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000017';
    UPDATE events SET outcome = '{\"applied\":{\"commission\":{\"id\":8}}}'
     WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000018';";

/// What the checks find after `damage` to a consistent world, as `check: subject: detail`.
async fn found(pool: &Pool, damage: &'static str) -> Vec<String> {
    let mut conn = fixture::later(pool).await;
    sqlx::raw_sql(REPORTED).execute(&mut *conn).await.unwrap();
    sqlx::raw_sql(damage).execute(&mut *conn).await.unwrap();
    drop(conn);
    let report = run(pool, fixture::now(), |_| {}).await.unwrap();
    let shown = report.violations.iter();
    shown
        .map(|violation| format!("{}: {}: {}", violation.check, violation.subject, violation.detail))
        .collect()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn all_that_comes_later_is_consistent(pool: Pool) {
    assert_eq!(found(&pool, "").await, Vec::<String>::new());
    let report = run(&pool, fixture::now(), |_| {}).await.unwrap();
    let unused = report.checks.iter().filter(|check| check.checked == 0);
    assert_eq!(
        unused.count(),
        0,
        "every check looks at something: {:?}",
        report.checks
    );
}

/// One cent (or its like) more or less at each place, and what says so.
macro_rules! drifts {
    ($($name:ident: $damage:literal => [$($want:literal),* $(,)?];)+) => {$(
        #[sqlx::test(migrator = "crate::db::MIGRATOR")]
        async fn $name(pool: Pool) {
            let want: &[&str] = &[$($want),*];
            assert_eq!(found(&pool, $damage).await, want);
        }
    )+};
}

drifts! {
    a_refunded_commission_drifts:
        "UPDATE commissions SET amount = 15.01, payable = 15.01 WHERE commission_id = 5" => [
        "commission_positions: commission 5: position is pending 0, payable 15.01; transfers make 0, 15",
        "commission_nets: commission 5: amount is 15.01; gross 20 and the refunds make 15",
    ];
    a_charged_back_commission_drifts:
        "UPDATE commissions SET amount = 0.01, pending = 0.01 WHERE commission_id = 6" => [
        "commission_positions: commission 6: position is pending 0.01, payable 0; transfers make 0, 0",
        "commission_nets: commission 6: amount is 0.01; gross 5 and the refunds make 0",
    ];
    a_recurring_commission_drifts:
        "UPDATE commissions SET gross = 20.01 WHERE commission_id = 7" => [
        "commission_nets: commission 7: amount is 20; gross 20.01 and the refunds make 20.01",
    ];
    a_commission_that_was_reported_and_is_gone: "DELETE FROM commissions WHERE commission_id = 7" => [
        "transfer_references: transfer 16: commission 7 does not exist",
        "event_commissions: commission 7: event 01a1f8d3-ea00-7000-8000-000000000017 reports it; it does not exist",
    ];
    a_commission_of_another_conversion: "UPDATE commissions SET conversion_id = 5 WHERE commission_id = 7" => [
        "event_commissions: commission 7: event 01a1f8d3-ea00-7000-8000-000000000017 reports it of conversion 4",
    ];
    a_gross_beside_its_rate: "UPDATE commissions SET rate = 20 WHERE commission_id = 6" => [
        "commission_grosses: commission 6: gross is 5; 20 % of 50 makes 10",
    ];
    an_edit_by_the_version_before_that_an_event_said:
        "UPDATE commissions SET settled_on = 150, exact_gross = 20 WHERE commission_id = 5;
         UPDATE commissions SET part = NULL, gross = 30, amount = 22.5, payable = 22.5, settled_on = 0 WHERE commission_id = 5;
         INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, commission_id, event_id, recorded_at)
         VALUES (1, 1, 'expense', 'payable', 7.5, 'USD', 'accrue', 5, '01a1f8d3-ea00-7000-8000-000000000023', now());
         UPDATE balances SET payable = payable + 7.5 WHERE affiliate_id = 1 AND currency = 'USD';
         UPDATE events SET kind = 'edit_commission', body = '{\"edit_commission\":{\"commission\":5,\"amount\":\"29.999\"}}'
          WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000023'" => [];
    a_bonus_drifts: "UPDATE commissions SET gross = 7.51 WHERE commission_id = 8" => [
        "commission_nets: commission 8: amount is 7.5; gross 7.51 and the refunds make 7.51",
    ];
    a_commission_of_no_currency: "UPDATE commissions SET currency = 'ZZZ' WHERE commission_id = 6" => [
        "transfer_references: transfer 10: posted to affiliate 1 in USD, but commission 6 is for affiliate 1 in ZZZ",
        "transfer_references: transfer 11: posted to affiliate 1 in USD, but commission 6 is for affiliate 1 in ZZZ",
        "commission_currencies: commission 6: 10 % of a sale in USD is paid in ZZZ",
        "commission_nets: commission 6: currency ZZZ is not known",
    ];
    a_fixed_rate_in_another_currency_than_its_rule:
        "UPDATE conversions SET trace = '{\"rules\":[{\"source\":\"type\",\"commission_type\":\"standard\",\"exact\":\"7.5\",\"currency\":\"EUR\"}]}'
          WHERE conversion_id = 4" => [
        "commission_rules: commission 5: rate is 10; the rule says null",
        "commission_currencies: commission 5: it is paid in USD; the rule says EUR",
    ];
    a_bonus_beside_its_month: "UPDATE bonus_awards SET definition = definition || '{\"target\": 1}'" => [
        "bonus_amounts: commission 8: it is 7.5; the sales of 2026-10-01 make 0",
    ];
    a_bonus_that_is_about_to_be_calculated_again:
        "UPDATE bonus_awards SET definition = definition || '{\"target\": 1}';
         INSERT INTO bonus_recounts SELECT org_id, program_id, bonus_id, affiliate_id, month FROM bonus_awards" => [];
    a_deleted_commission_holds_a_cent:
        "UPDATE commissions SET approved = NULL, amount = 0.01, pending = 0.01 WHERE commission_id = 9" => [
        "commission_positions: commission 9: position is pending 0.01, payable 0; transfers make 0, 0",
        "deleted_commissions: commission 9: conversion 6 is deleted; pending 0.01, payable 0",
    ];
    a_refund_drifts: "UPDATE refunds SET amount = 50.01 WHERE conversion_id = 4" => [
        "refund_sums: conversion 4: refunded 50, all of it: f; its refunds make 50.01, f",
    ];
    a_lost_refund: "DELETE FROM refunds WHERE conversion_id = 4" => [
        "refund_sums: conversion 4: refunded 50, all of it: f; its refunds make 0, f",
        "event_refunds: event 01a1f8d3-ea00-7000-8000-000000000021: it has 0 refunds",
    ];
    a_refund_by_another_kind:
        "UPDATE refunds SET event_id = '01a1f8d3-ea00-7000-8000-000000000012', refund_key = 'id:x' WHERE conversion_id = 4;
         UPDATE events SET body = '{\"refund\":{\"external_id\":\"ORD7\",\"refund_id\":\"x\"}}'
          WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000021'" => [
        "refund_events: refund id:x of conversion 4: event 01a1f8d3-ea00-7000-8000-000000000012 is a create_conversion, applied",
    ];
    a_payment_drifts: "UPDATE payments SET amount = 20.01 WHERE payment_id = 2" => [
        "payment_transfers: affiliate 1, 20 USD by event 01a1f8d3-ea00-7000-8000-000000000015: 0 payments, 1 transfers",
        "payment_transfers: affiliate 1, 20.01 USD by event 01a1f8d3-ea00-7000-8000-000000000015: 1 payments, 0 transfers",
        "payment_balances: affiliate 1 USD: balance has paid 20; payments make 20.01",
    ];
    a_payment_uncancelled: "UPDATE payments SET canceled_at = NULL WHERE payment_id = 3" => [
        "payment_transfers: affiliate 2, 5 USD, cancelled: 0 payments, 1 transfers",
        "payment_balances: affiliate 2 USD: balance has paid 0; payments make 5",
    ];
    money_paid_beside_payments:
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, event_id, recorded_at)
         VALUES (1, 3, 'payable', 'paid', 0.01, 'USD', 'pay', '01a1f8d3-ea00-7000-8000-000000000015', now());
         UPDATE balances SET payable = -0.01, paid = 0.01 WHERE affiliate_id = 3" => [
        "payment_transfers: affiliate 3, 0.01 USD by event 01a1f8d3-ea00-7000-8000-000000000015: 0 payments, 1 transfers",
        "payment_balances: affiliate 3 USD: balance has paid 0.01; payments make 0",
    ];
    a_transfer_with_the_wrong_code:
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, event_id, recorded_at)
         VALUES (1, 3, 'expense', 'pending', 1, 'USD', 'gift', '01a1f8d3-ea00-7000-8000-000000000015', now()),
                (1, 3, 'pending', 'expense', 1, 'USD', 'reverse', '01a1f8d3-ea00-7000-8000-000000000015', now())" => [
        "transfer_codes: transfer 21: code gift from expense to pending",
        "transfer_codes: transfer 22: code reverse with commission null",
    ];
    an_order_to_pay_without_one_of_its_payments:
        "UPDATE events SET body = '{\"pay\":{\"payments\":[{},{},{}]}}' WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000015'" => [
        "event_payments: event 01a1f8d3-ea00-7000-8000-000000000015: it orders 3 payments and has 2",
    ];
    a_payment_of_an_event_that_is_not_applied:
        "UPDATE events SET status = 'queued' WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000015'" => [
        "transfer_events: transfer 13: event 01a1f8d3-ea00-7000-8000-000000000015 is queued",
        "transfer_events: transfer 14: event 01a1f8d3-ea00-7000-8000-000000000015 is queued",
        "payment_events: payment 2: event 01a1f8d3-ea00-7000-8000-000000000015 is a pay, queued",
        "payment_events: payment 3: event 01a1f8d3-ea00-7000-8000-000000000015 is a pay, queued",
    ];
    marks_of_cancelled_and_other_payments:
        "UPDATE commissions SET payment_id = 3 WHERE commission_id = 8; UPDATE commissions SET payment_id = 99 WHERE commission_id = 7;
         UPDATE commissions SET payment_id = 1 WHERE commission_id = 2" => [
        "payment_references: commission 2: payment 1 went to affiliate 1 in EUR",
        "payment_references: commission 7: payment 99 does not exist",
        "payment_references: commission 8: payment 3 is cancelled",
    ];
    a_payment_that_covers_too_much:
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, event_id, recorded_at)
         VALUES (1, 1, 'payable', 'paid', 7.49, 'USD', 'pay', '01a1f8d3-ea00-7000-8000-000000000015', now());
         UPDATE balances SET payable = -4.99, paid = 27.49 WHERE affiliate_id = 1 AND currency = 'USD';
         INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at)
         VALUES (1, 4, 1, 7.49, 'USD', '01a1f8d3-ea00-7000-8000-000000000015', now());
         UPDATE events SET body = '{\"pay\":{\"payments\":[{},{},{}]}}' WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000015';
         UPDATE commissions SET payment_id = 4 WHERE commission_id = 8" => [
        "payment_covers: payment 4: 7.49 covers commissions of 7.5",
    ];
    a_bonus_without_its_event:
        "UPDATE bonus_awards SET event_id = '01a1f8d3-ea00-7000-8000-000000000015'" => [
        "bonus_awards: bonus ten of affiliate 1 for 2026-10-01: event 01a1f8d3-ea00-7000-8000-000000000015 is a pay, applied",
    ];
    a_lost_chargeback: "DELETE FROM events WHERE event_id = '01a1f8d3-ea00-7000-8000-000000000014'" => [
        "transfer_events: transfer 11: event 01a1f8d3-ea00-7000-8000-000000000014 does not exist",
        "conversion_changes: conversion 5: event 01a1f8d3-ea00-7000-8000-000000000014 of its chargeback does not exist",
    ];
    a_successor_that_is_not_there:
        "UPDATE conversions SET superseded_by = 99 WHERE conversion_id = 3; UPDATE conversions SET superseded_by = 4 WHERE conversion_id = 5" => [
        "conversion_references: conversion 3: conversion 99, which superseded it, does not exist",
        "conversion_references: conversion 5: superseded by conversion 4, but not deleted",
    ];
    a_removed_click: "DELETE FROM clicks" => [
        "conversion_references: conversion 3: click 1 does not exist",
        "conversion_references: conversion 4: click 1 does not exist",
        "session_references: session s1: click 1 does not exist",
        "customer_references: customer 2: click 1 does not exist",
    ];
    a_click_of_nobody:
        "UPDATE clicks SET program_id = 9;
         UPDATE events SET status = 'refused', reason = 'unknown_click' WHERE kind = 'click'" => [
        "click_references: click 1: program 9 does not exist",
        "click_events: click 1: event 01a1f8d3-ea00-7000-8000-000000000010 is refused",
    ];
    a_schedule_of_nothing:
        "INSERT INTO schedules VALUES (1, 'hold', 5, 0, 4, now()), (1, 'hold', 98, 0, 98, now()), (1, 'recurrence', 6, 1, 4, now())" => [
        "schedule_references: hold 5, period 0: it is for conversion 4",
        "schedule_references: hold 98, period 0: conversion 98 does not exist",
        "schedule_references: recurrence 6, period 1: conversion 4 has no such commission",
    ];
    a_customer_of_another_status:
        "UPDATE customers SET capped = true WHERE customer_id = 2; UPDATE customers SET status = 'stopped' WHERE customer_id = 1" => [
        "customer_statuses: customer 1: status is stopped, but track new, canceled f, capped f, first sale 2026-11-20 12:00:00+00 make it active",
        "customer_statuses: customer 2: status is active, but track new, canceled f, capped t, first sale 2026-11-20 12:11:00+00 make it capped",
    ];
    a_customer_that_counts_wrong:
        "UPDATE customers SET counted = 0 WHERE customer_id = 1; UPDATE customers SET counted = 3 WHERE customer_id = 2" => [
        "customer_counts: customer 1 in program 1: it counts 0; its living conversions there count 1",
        "customer_counts: customer 2 in program 1: it counts 3; its living conversions there count 2",
    ];
    a_customer_that_counts_wrong_elsewhere:
        "INSERT INTO customer_programs VALUES (1, 1, 2, 1, NULL, true, 1, NULL, false, gen_random_uuid(), now());
         UPDATE customers SET several_programs = true; UPDATE conversions SET program_id = 2 WHERE customer_id = 2" => [
        "customer_counts: customer 1 in program 2: it counts 1; its living conversions there count 0",
        "customer_counts: customer 2 in program 1: it counts 2; its living conversions there count 0",
        "customer_counts: customer 2 in program 2: it counts 0; its living conversions there count 2",
    ];
    a_customer_in_a_program_that_is_not_there:
        "INSERT INTO customer_programs
         SELECT 1, customer, program, affiliate, NULL, true, 0, NULL, false, gen_random_uuid(), now()
           FROM (VALUES (9, 2, 1), (1, 9, 1), (1, 2, 9)) wrong (customer, program, affiliate);
         UPDATE customer_programs SET click_id = 99 WHERE customer_id = 2;
         INSERT INTO customer_programs VALUES (1, 1, 3, 1, NULL, true, 0, NULL, false, gen_random_uuid(), now());
         INSERT INTO programs (org_id, program_id, slug, title, currency) VALUES (1, 3, 'third', 'Third', 'USD')" => [
        "customer_program_references: customer 1 in program 2: affiliate 9 does not exist",
        "customer_program_references: customer 1 in program 3: the customer does not say that it has been in several programs",
        "customer_program_references: customer 1 in program 9: program 9 does not exist",
        "customer_program_references: customer 2 in program 2: click 99 does not exist",
        "customer_program_references: customer 9 in program 2: customer 9 does not exist",
    ];
}

/// The words of the check are those of the domain.
#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_status_of_the_domain_is_right(pool: Pool) {
    use strum::IntoEnumIterator as _;

    use crate::domain::CustomerLifecycle;
    let mut conn = fixture::world(&pool).await;
    let mut number = 10;
    for lifecycle in CustomerLifecycle::iter() {
        for flags in 0..8 {
            let [canceled, capped, has_bought] = [1, 2, 4].map(|bit| flags & bit != 0);
            number += 1;
            sqlx::query(
                "INSERT INTO customers (org_id, customer_id, identity, program_id, affiliate_id, status, trusted, created_at,
                                        track, canceled, capped, first_sale_at)
                 VALUES (1, $1, 'id:' || $1, 1, 1, $2, true, now(), $3, $4, $5, CASE WHEN $6 THEN now() END)",
            )
            .bind(number)
            .bind(lifecycle.status(canceled, capped, has_bought))
            .bind(lifecycle.name())
            .bind(canceled)
            .bind(capped)
            .bind(has_bought)
            .execute(&mut *conn)
            .await
            .unwrap();
        }
    }
    drop(conn);
    let report = run(&pool, fixture::now(), |_| {}).await.unwrap();
    assert_eq!((number, &report.violations), (34, &vec![]));
}

/// Half a cent goes up, and a third is cut: as the domain rounds, from the same numbers.
#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn nets_are_rounded_as_the_domain_rounds(pool: Pool) {
    use rust_decimal::Decimal;

    use crate::domain::{
        fraction::Fraction,
        pricing::{money, net},
    };
    let mut conn = fixture::world(&pool).await;
    let cases = [
        ("0.01", "2", "1"),
        ("10.05", "30", "10"),
        ("100", "7", "3"),
        ("0.05", "100", "90"),
        ("0.005", "0.05", "0.025"),
        ("0.1249999999", "100", "0"),
        ("99999999999.9999999", "999999999999.999999", "0.05"),
        ("1", "0", "0"),
    ];
    for (number, (exact, sale, refunded)) in (100..).zip(cases) {
        for (offset, code) in [(0, "USD"), (1000, "JPY"), (2000, "KWD")] {
            let [exact, sale, refunded] =
                [exact, sale, refunded].map(|text| text.parse::<Decimal>().unwrap());
            let currency = code.parse().unwrap();
            let left = if sale.is_zero() {
                // Gone with its first refund, even of nothing.
                Decimal::ZERO
            } else {
                net(&Fraction::of(exact), refunded, sale, currency).amount()
            };
            sqlx::query(
                "WITH sale AS (INSERT INTO conversions (org_id, conversion_id, program_id, affiliate_id, event_id, dialect,
                                   trusted, attributed_by, amount, currency, refunded, created_at)
                               VALUES (1, $1, 1, 3, '01a05cd7-2a00-7000-8000-000000000001', 'rest', true, 'coupon', $2, $6, $3, now())),
                      back AS (INSERT INTO refunds VALUES (1, $1, 'id:x', '01a05cd7-2a00-7000-8000-000000000001', $3, now()))
                 INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name,
                     sub_amount, exact_gross, gross, amount, settled_on, currency, approved, pending, payable, created_at)
                 VALUES (1, $1, $1, 3, 'regular', '', '', $2, $4, $7, $5, $2 - $3, $6, false, 0, 0, now())",
            )
            .bind(number + offset)
            .bind(sale)
            .bind(refunded)
            .bind(exact)
            .bind(left)
            .bind(code)
            .bind(money(exact, currency).unwrap().amount())
            .execute(&mut *conn)
            .await
            .unwrap();
        }
    }
    drop(conn);
    assert_eq!(
        run(&pool, fixture::now(), |_| {}).await.unwrap().violations,
        vec![]
    );
}
