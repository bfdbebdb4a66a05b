//! Exact money through the database: what is stored proves it, and what is changed by hand is named by the ledger check.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::*;

/// Applies what is told, at once. Each is later than the one before, by its id: of two changes of an amount the later one wins.
async fn tell(pool: &Pool, org: OrgId, body: Value) -> Decision {
    static TOLD: AtomicI64 = AtomicI64::new(0);
    let mut incoming = event(org, serde_json::from_value(body).unwrap());
    let at = now() + TimeDelta::milliseconds(TOLD.fetch_add(1, Ordering::Relaxed));
    incoming.event.id = EventIds::new(&"test".into()).unwrap().issue(Some(org), at);
    commit(pool, vec![incoming]).await.pop().unwrap()
}

fn create(order: &str, coupon: &str, amount: &str, more: &Value) -> Value {
    let mut body = json!({"external_id": order, "attribution": {"coupon": coupon}, "amount": amount});
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    json!({"create_conversion": body})
}

/// The commissions of an order, the seller's first: gross and amount.
async fn commissions(pool: &Pool, order: &str) -> Vec<(Decimal, Decimal)> {
    let rows: Vec<(Decimal, Decimal)> = sqlx::query_as(
        "SELECT m.gross, m.amount FROM commissions m JOIN conversions c USING (org_id, conversion_id)
         WHERE c.external_id = $1 AND c.deleted_at IS NULL ORDER BY m.commission_id",
    )
    .bind(order)
    .fetch_all(pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(gross, amount)| (gross.normalize(), amount.normalize()))
        .collect()
}

fn decimals(pairs: &[(&str, &str)]) -> Vec<(Decimal, Decimal)> {
    pairs
        .iter()
        .map(|(gross, amount)| (gross.parse().unwrap(), amount.parse().unwrap()))
        .collect()
}

fn refunded(order: &str, amount: &str) -> Value {
    json!({"refund": {"external_id": order, "amount": amount, "refund_id": null}})
}

/// Sales at the limits and next to half a cent, refunded, followed and edited.
async fn sold(pool: &Pool) -> OrgId {
    let org = demo(pool).await;
    let none = || json!({});
    for body in [
        create("largest", "PARTNER_CODE", "999999999999.999999", &none()),
        refunded("largest", "0.05"),
        create("half", "PARTNER_CODE", "0.05", &none()),
        refunded("half", "0.025"),
        create(
            "said",
            "PARTNER_CODE",
            "100",
            &json!({"commission": "0.1249999999"}),
        ),
        create(
            "parts",
            "PARTNER_CODE",
            "90",
            &json!({"lines": [
            {"sub_amount": "30", "commission_type": null, "comment": null},
            {"sub_amount": "60", "commission_type": null, "comment": null}]}),
        ),
        json!({"update_conversion": {"external_id": "parts", "amount": "0.149999", "status": null, "meta_data": null}}),
        create("levels", "JANE10OFF", "0.15", &none()),
        refunded("levels", "0.07"),
        create("fixed", "FLAT5", "20", &none()),
        create("plain", "PARTNER_CODE", "250", &none()),
    ] {
        let decision = tell(pool, org, body).await;
        assert_eq!(
            decision.outcome.status().name(),
            "applied",
            "{:?}",
            decision.outcome
        );
    }
    org
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn every_amount_is_rounded_once(pool: Pool) {
    let org = sold(&pool).await;
    for (order, want) in [
        ("largest", &[("100000000000", "99999999999.99")][..]),
        ("half", &[("0.01", "0")]),
        ("said", &[("0.12", "0.12")]),
        ("parts", &[("0", "0"), ("0.01", "0.01")]),
        ("levels", &[("0.02", "0.01"), ("0.01", "0")]),
        ("fixed", &[("5", "5")]),
    ] {
        let got = commissions(&pool, order).await;
        assert_eq!(&got[..want.len()], decimals(want), "{order}");
    }
    prove(&pool).await;
    // What was stored goes on exactly: half of what was said, then a later amount of the parts.
    tell(&pool, org, refunded("said", "96.0000000")).await;
    assert_eq!(commissions(&pool, "said").await, decimals(&[("0.12", "0")]));
    let update = json!({"update_conversion": {"external_id": "parts", "amount": "0.15", "status": null, "meta_data": null}});
    tell(&pool, org, update).await;
    assert_eq!(
        commissions(&pool, "parts").await,
        decimals(&[("0.01", "0.01"), ("0.01", "0.01")])
    );
    for amount in ["0.05", "0.04", "0.06"] {
        tell(&pool, org, refunded("parts", amount)).await;
    }
    assert_eq!(
        commissions(&pool, "parts").await,
        decimals(&[("0.01", "0"), ("0.01", "0")])
    );
    prove(&pool).await;
}

/// Rows as the version before wrote them: they keep their amounts and pass, until something changes their sale.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn rows_of_the_version_before_keep_their_amounts_until_something_changes_them(pool: Pool) {
    let org = sold(&pool).await;
    // Rounded twice, as it did: half of a cent is a cent.
    sqlx::raw_sql(
        "UPDATE commissions SET exact_gross = NULL, followed_amount = NULL, settled_on = NULL;
         UPDATE commissions SET gross = 0.13, amount = 0.13, payable = 0.13 WHERE gross = 0.12;
         UPDATE commissions m SET amount = 0.01, payable = 0.01 FROM conversions c
          WHERE c.conversion_id = m.conversion_id AND c.external_id = 'half';
         UPDATE commissions m SET amount = 0.01, pending = 0.01 FROM conversions c
          WHERE c.conversion_id = m.conversion_id AND c.external_id = 'levels' AND m.kind = 'level' AND m.gross = 0.01;
         UPDATE commissions m SET gross = 0.01, amount = 0.01, payable = 0.01 FROM conversions c
          WHERE c.conversion_id = m.conversion_id AND c.external_id = 'parts';
         UPDATE conversions SET trace = jsonb_set(trace, '{rules,0,exact}', '\"0.125\"') WHERE external_id = 'said'",
    )
    .execute(&pool)
    .await
    .unwrap();
    rebook(&pool).await;
    let violations = found(&pool).await;
    assert_eq!(violations, Vec::<String>::new());
    let edit = json!({"update_conversion": {"external_id": "half", "amount": null, "status": "approved", "meta_data": null}});
    tell(&pool, org, edit).await;
    assert_eq!(commissions(&pool, "half").await, decimals(&[("0.01", "0")]));
    tell(&pool, org, refunded("said", "50")).await;
    assert_eq!(
        commissions(&pool, "said").await,
        decimals(&[("0.13", "0.06")]),
        "half of 0.125"
    );
    assert_eq!(found(&pool).await, Vec::<String>::new());
}

/// Makes transfers and balances of what commissions hold, so that nothing but the commissions themselves is wrong.
async fn rebook(pool: &Pool) {
    sqlx::raw_sql(
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, commission_id, event_id,
                                recorded_at)
         SELECT m.org_id, m.affiliate_id, CASE WHEN d.due > 0 THEN 'expense' ELSE d.account END,
                CASE WHEN d.due > 0 THEN d.account ELSE 'expense' END, abs(d.due), m.currency,
                CASE WHEN d.due > 0 THEN 'accrue' ELSE 'reverse' END, m.commission_id, c.event_id, now()
           FROM commissions m JOIN conversions c USING (org_id, conversion_id)
           LEFT JOIN (SELECT org_id, commission_id,
                             sum(CASE 'pending' WHEN credit_account THEN amount WHEN debit_account THEN -amount END) AS pending,
                             sum(CASE 'payable' WHEN credit_account THEN amount WHEN debit_account THEN -amount END) AS payable
                        FROM transfers GROUP BY org_id, commission_id) t USING (org_id, commission_id)
          CROSS JOIN LATERAL (VALUES ('pending', m.pending - coalesce(t.pending, 0)),
                                     ('payable', m.payable - coalesce(t.payable, 0))) d (account, due)
          WHERE d.due <> 0;
         UPDATE balances b SET pending = t.pending, payable = t.payable
           FROM (SELECT org_id, affiliate_id, currency,
                        coalesce(sum(CASE 'pending' WHEN credit_account THEN amount WHEN debit_account THEN -amount END), 0) AS pending,
                        coalesce(sum(CASE 'payable' WHEN credit_account THEN amount WHEN debit_account THEN -amount END), 0) AS payable
                   FROM transfers GROUP BY org_id, affiliate_id, currency) t
          WHERE (t.org_id, t.affiliate_id, t.currency) = (b.org_id, b.affiliate_id, b.currency)",
    )
    .execute(pool)
    .await
    .unwrap();
}

async fn found(pool: &Pool) -> Vec<String> {
    let report = db::ledger_check::run(pool, now(), |_| {}).await.unwrap();
    let shown = report.violations.iter();
    shown
        .map(|violation| format!("{}: {}", violation.check, violation.detail))
        .collect()
}

/// One step of a random history: an order or a number, an amount in millionths, and what happens.
type Step = (u8, i64, i64, u8);

fn happens(org: OrgId, (order, number, micros, what): Step) -> Incoming {
    let order = format!("order {order}");
    let amount = Decimal::new(micros, 6);
    let coupon = ["JANE10OFF", "GOLD20", "FLAT5", "PARTNER_CODE"][usize::from(what / 16) % 4];
    let part = |amount| json!({"sub_amount": amount, "commission_type": null, "comment": null});
    let body = match what % 16 {
        0..=3 => create(&order, coupon, &amount.to_string(), &json!({})),
        4 => {
            let half = Decimal::new(micros / 2, 6);
            create(
                &order,
                coupon,
                &amount.to_string(),
                &json!({"lines": [part(half), part(amount - half)]}),
            )
        }
        5 => create(
            &order,
            coupon,
            &amount.to_string(),
            &json!({"commission": Decimal::new(micros % 100_000, 10)}),
        ),
        6 | 7 => {
            json!({"update_conversion": {"external_id": order, "amount": amount, "status": null, "meta_data": null}})
        }
        8 => {
            json!({"update_conversion": {"external_id": order, "amount": null, "status": "disapproved", "meta_data": null}})
        }
        9 | 10 => refunded(&order, &amount.to_string()),
        11 => {
            json!({"edit_conversion": {"conversion": number, "amount": amount, "recalculate": what % 32 == 11}})
        }
        12 => json!({"add_commissions": {"conversion": number, "lines": [part(amount)]}}),
        13 => {
            json!({"edit_commission": {"commission": number, "amount": Decimal::new(micros % 100_000, 10)}})
        }
        14 => json!({"edit_commission": {"commission": number, "sub_amount": amount}}),
        _ => json!({"edit_commission": {"commission": number, "approved": what % 32 == 15}}),
    };
    let mut incoming = event(org, serde_json::from_value(body).unwrap());
    // Half of the sales are unauthenticated: others take their places.
    incoming.event.authenticated = what % 16 > 5 || what % 2 == 0;
    incoming
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn the_check_passes_on_random_histories(pool: Pool) {
    use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
    let org = demo(&pool).await;
    let amounts = prop_oneof![
        1i64..1_000_000,
        1i64..200_000_000,
        Just(0),
        Just(50_000),
        Just(999_999_999_999_999_999)
    ];
    let step = (0u8..120, 1i64..400, amounts, any::<u8>());
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(step, 2_000)
        .new_tree(&mut runner)
        .unwrap()
        .current();
    let mut applied = 0;
    for batch in steps.chunks(40) {
        let decisions = commit(&pool, batch.iter().map(|step| happens(org, *step)).collect()).await;
        applied += reasons(&decisions)
            .iter()
            .filter(|word| **word == "applied")
            .count();
    }
    assert!(applied > 500, "{applied} of {} took effect", steps.len());
    assert!(
        count(
            &pool,
            "SELECT count(*) FROM conversions WHERE superseded_by IS NOT NULL"
        )
        .await
            > 10
    );
    prove(&pool).await;
}

/// Something that is changed by hand with all of its transfers and balances, and what says so.
macro_rules! tampers {
    ($($name:ident: $damage:literal => [$($want:literal),+ $(,)?];)+) => {$(
        #[sqlx::test(migrator = "db::MIGRATOR")]
        async fn $name(pool: Pool) {
            sold(&pool).await;
            sqlx::raw_sql(concat!(
                "CREATE VIEW sale AS SELECT m.*, c.external_id FROM commissions m JOIN conversions c
                  USING (org_id, conversion_id);", $damage)).execute(&pool).await.unwrap();
            rebook(&pool).await;
            let found = found(&pool).await;
            let want = [$($want),+];
            assert_eq!(found.len(), want.len(), "{found:#?}");
            for (found, want) in found.iter().zip(want) {
                assert!(found.starts_with(want), "{found}\n{want}");
            }
        }
    )+};
}

tampers! {
    a_doubled_rate:
        "UPDATE commissions SET rate = 20 WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'plain')" => [
        "commission_grosses: gross is 25; 20 % of 250 makes 50",
        "commission_rules: rate is 20; the rule says 10",
    ];
    a_doubled_rate_with_all_that_follows:
        "UPDATE commissions SET rate = 20, gross = 50, amount = 50, payable = 50
          WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'plain')" => [
        "commission_rules: rate is 20; the rule says 10",
    ];
    a_doubled_amount_of_an_unrefunded_sale:
        "UPDATE conversions SET amount = 500 WHERE external_id = 'plain'" => [
        "conversion_amounts: amount is 500, and nothing has changed it from 250",
    ];
    a_doubled_amount_with_its_base:
        "UPDATE conversions SET amount = 500, base_amount = 500 WHERE external_id = 'plain'" => [
        "conversion_amounts: amount is 500; event ",
    ];
    a_doubled_amount_of_a_sale_that_was_updated:
        "UPDATE conversions SET amount = 0.3 WHERE external_id = 'parts'" => [
        "conversion_amounts: amount is 0.3; event ",
    ];
    a_doubled_sub_amount_with_its_money:
        "UPDATE commissions SET sub_amount = 500, gross = 50, amount = 50, payable = 50
          WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'plain')" => [
        "commission_grosses: sub amount is 500; its part of the sale is 250",
    ];
    a_doubled_gross_with_its_money:
        "UPDATE commissions SET gross = 50, amount = 50, payable = 50
          WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'plain')" => [
        "commission_grosses: gross is 50; 10 % of 250 makes 25",
    ];
    a_cent_more_of_what_was_said:
        "UPDATE commissions SET gross = 0.13, amount = 0.13, payable = 0.13
          WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'said')" => [
        "commission_grosses: gross is 0.13; 0.1249999999 as it was said makes 0.12",
    ];
    a_fixed_amount_beside_its_rule:
        "UPDATE commissions SET exact_gross = 6, gross = 6, amount = 6, payable = 6
          WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'fixed')" => [
        "commission_rules: it is exactly 6; the rule says 5",
    ];
    what_is_left_rounded_twice:
        "UPDATE commissions SET amount = 0.01, payable = 0.01
          WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'half')" => [
        "commission_nets: amount is 0.01; gross 0.01 and the refunds make 0",
    ];
    what_is_left_of_the_largest_sale:
        "UPDATE commissions SET amount = 100000000000, payable = 100000000000
          WHERE commission_id IN (SELECT commission_id FROM sale WHERE external_id = 'largest')" => [
        "commission_nets: amount is 100000000000; gross 100000000000 and the refunds make 99999999999.99",
    ];
    a_commission_removed_with_its_transfers_and_balance:
        "ALTER TABLE transfers DISABLE TRIGGER transfers_append_only;
         DELETE FROM transfers WHERE commission_id = (SELECT min(commission_id) FROM sale WHERE external_id = 'levels');
         DELETE FROM commissions WHERE commission_id = (SELECT min(commission_id) FROM sale WHERE external_id = 'levels');
         UPDATE balances SET pending = 0, payable = 0" => [
        "conversion_commissions: it has ",
        "event_commissions: event ",
        "event_commissions: event ",
    ];
}
