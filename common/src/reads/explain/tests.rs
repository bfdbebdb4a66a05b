//! Orders of the fixture in sentences; and each limit, reached.

use super::*;
use crate::db::fixture;

const DEMO: OrgId = OrgId(1);

async fn explained(pool: &Pool, order: &str) -> Explanation {
    find(pool, DEMO, order, None).await.unwrap().unwrap()
}

/// Titles and lines. Events are named by their numbers in the fixture.
fn lines(explanation: &Explanation) -> Vec<String> {
    let lines = explanation.story.iter().flat_map(|chapter| {
        let title = format!("# {}", chapter.title);
        std::iter::once(title).chain(chapter.lines.iter().cloned())
    });
    lines
        .map(|line| line.replace("01a1f8d3-ea00-7000-8000-0000000000", "#"))
        .collect()
}

/// Where its customer came from and stands is told of the order's program.
#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_customers_order_in_another_program_than_its_own(pool: Pool) {
    let mut conn = fixture::later(&pool).await;
    sqlx::raw_sql(
        "UPDATE conversions SET program_id = 2, affiliate_id = 2 WHERE conversion_id = 4;
         UPDATE customer_programs SET counted = 7, first_sale_at = '2026-11-20 12:12:00Z'",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    drop(conn);
    let order = explained(&pool, "ORD7").await;
    let customers = order.conversions.iter().filter_map(|sale| sale.customer.as_ref());
    let told: Vec<_> = customers
        .map(|of| (of.program.as_deref(), of.affiliate.as_deref(), of.counted))
        .collect();
    assert_eq!(
        told,
        [
            (Some("johns"), Some("jane"), 2),
            (Some("johns"), Some("peter"), 7)
        ]
    );
    let line = "customer \"USER2\", active now in johns, was brought first to partner by peter";
    assert!(lines(&order).contains(&line.to_owned()), "{:?}", lines(&order));
    let seen = find(&pool, DEMO, "ORD7", Some(ProgramId(2)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen.conversions[0].customer.as_ref().unwrap().program, None);
    let line = line.replace("in johns", "in another program");
    assert!(lines(&seen).contains(&line), "{:?}", lines(&seen));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_order_is_told_from_its_click_to_its_payment(pool: Pool) {
    let mut conn = fixture::later(&pool).await;
    sqlx::query("UPDATE conversions SET details = $1::jsonb WHERE conversion_id = 4")
        .bind(r#"{"ip": "203.0.113.7", "notes": "for jane@example.com"}"#)
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    let order = explained(&pool, "ORD7").await;
    assert_eq!(
        lines(&order),
        [
            "# Order \"ORD7\" of demo, in short",
            "jane gets 15.00 USD (regular commission 5): approved, covered by payment 2",
            "jane gets 20.00 USD (recurring commission 7): pending",
            "# Conversion 3: 200.00 USD in johns, earned by jane, superseded 2026-11-20 12:12:01 UTC by the signed conversion 4",
            "sold 2026-11-20 12:11:00 UTC, not signed, recorded by event #11 (pixel)",
            "found by click_id; how was not recorded: it is older than the version that does",
            "click 1 by code \"jane\" of 2026-11-17 12:00:00 UTC, 3 days before the sale",
            "customer \"USER2\", active now, was brought first by jane",
            "# Commission 4: 20.00 USD for jane (regular, standard)",
            "10 % of 200.00: 20.00 USD; which rule it was is not recorded",
            "taken back with its conversion",
            "2026-11-20 12:11:01 UTC accrual 20.00 USD from expense to pending, by create_conversion (event #11)",
            "2026-11-20 12:12:01 UTC reversal 20.00 USD from pending to expense, by create_conversion (event #12)",
            "# What came later to conversion 3",
            "2026-11-20 12:00:00 UTC the signed order took its place (event #12)",
            "# Conversion 4: 200.00 USD in johns, earned by jane",
            "sold 2026-11-20 12:12:00 UTC, signed, recorded by event #12 (rest)",
            "coupon \"NO\" leads to nobody",
            "click_id \"c1\" leads to jane: chosen; the click was 3 days old, 45 days count",
            "click 1 by code \"jane\" of 2026-11-17 12:00:00 UTC, 3 days before the sale",
            "customer \"USER2\", active now, was brought first by jane",
            "within the program's limit: 0 of 12 conversions counted before",
            "also sent: ip \"203.0.113.7\", notes \"for [e-mail]\"",
            "# Commission 5: 15.00 USD for jane (regular, standard)",
            "10 % of 200.00 by type \"standard\", in its first version: exactly 20.004, rounded 20.00 USD",
            "after refunds 15.00 of 20.00 USD are left",
            "approved",
            "covered by payment 2 of 20.00 USD, 2026-11-20 12:15:00 UTC",
            "2026-11-20 12:12:01 UTC accrual 20.00 USD from expense to pending, by create_conversion (event #12)",
            "2026-11-20 12:20:01 UTC approval 20.00 USD from pending to payable, by the end of its hold (event #20)",
            "2026-11-20 12:21:01 UTC reversal 5.00 USD from payable to expense, by refund (event #21)",
            "# Commission 7: 20.00 USD for jane (recurring, standard)",
            "10 % of 200.00: 20.00 USD; as the commission that it repeats",
            "pending until 2026-12-20 12:17:00 UTC, then approved by itself",
            "2026-11-20 12:17:01 UTC accrual 20.00 USD from expense to pending, by its repetition (event #17)",
            "# What came later to conversion 4",
            "2026-11-20 12:21:00 UTC refunded 50.00 USD, by event #21",
            "2026-11-20 12:00:00 UTC its repetition (event #17)",
            "2026-11-20 12:00:00 UTC the end of its hold (event #20)",
        ]
    );
    let json = serde_json::to_value(&order).unwrap();
    let commission = &json["conversions"][1]["commissions"][0];
    assert_eq!(commission["amount"], "15.00");
    assert_eq!(commission["rule"]["exact"], "20.004");
    assert_eq!(commission["transfers"][1]["to"], "payable");
    assert_eq!(json["conversions"][0]["trace"], serde_json::Value::Null);
    assert_eq!(json["conversions"][0]["superseded_by"], 4);
    assert_eq!(json["conversions"][0]["details"], serde_json::json!({}));
    assert_eq!(json["conversions"][1]["details"]["notes"], "for [e-mail]");
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn what_took_the_money_back_is_told(pool: Pool) {
    drop(fixture::later(&pool).await);
    let back = lines(&explained(&pool, "ORD8").await);
    assert_eq!(
        back[back.len() - 2..],
        [
            "the bank took the money back: its commissions are nothing",
            "2026-11-20 12:00:00 UTC chargeback (event #14); its word on the chargeback still holds",
        ]
    );
    let deleted = lines(&explained(&pool, "ORD9").await);
    assert_eq!(deleted[1], "it pays nothing: its conversion was taken back");
    assert_eq!(
        deleted.last().unwrap(),
        "2026-11-20 12:00:00 UTC its deletion (event #23)"
    );
    let reversal = r#"UPDATE events SET body = '{"chargeback":{"external_id":"ORD8","reversed":true}}' WHERE kind = 'chargeback'"#;
    sqlx::query(reversal).execute(&pool).await.unwrap();
    assert_eq!(
        lines(&explained(&pool, "ORD8").await).last().unwrap(),
        "2026-11-20 12:00:00 UTC the reversal of the chargeback (event #14); its word on the chargeback still holds"
    );
    // What the events said is gone with them; what they did is not.
    sqlx::query("DELETE FROM events").execute(&pool).await.unwrap();
    let forgotten = lines(&explained(&pool, "ORD8").await);
    assert_eq!(
        forgotten.last().unwrap(),
        "2026-11-20 12:00:00 UTC event #14, which is no longer kept; its word on the chargeback still holds"
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn which_of_two_changes_won_is_told(pool: Pool) {
    drop(fixture::later(&pool).await);
    let outdated = r#"UPDATE conversions SET trace = trace || '{"outdated": [
        {"field": "amount", "event": "01a1f8d3-ea00-7000-8000-000000000002", "at": "2026-11-20T10:00:00Z",
         "by": "01a1f8d3-ea00-7000-8000-000000000020", "by_at": "2026-11-20T11:30:00.250Z"}]}' WHERE external_id = 'ORD8'"#;
    sqlx::query(outdated).execute(&pool).await.unwrap();
    let told = lines(&explained(&pool, "ORD8").await);
    let told: Vec<_> = told.iter().filter(|line| line.contains("#02")).collect();
    assert_eq!(
        told,
        [
            "2026-11-20 12:00:00 UTC update_conversion (event #02); its amount is of 2026-11-20 10:00:00 UTC and changed nothing, \
          as event #20 had set it at 2026-11-20 11:30:00.250 UTC, which is later"
        ]
    );
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn why_an_order_paid_nothing_is_told(pool: Pool) {
    drop(fixture::later(&pool).await);
    assert_eq!(
        lines(&explained(&pool, "ORD10").await),
        [
            "# Order \"ORD10\" of demo, in short",
            "it is not recorded and paid nothing: no attempt had an effect",
            "the last attempt was refused: window_expired",
            "# Event #24, create_conversion as affitor, was refused: window_expired",
            "received 2026-11-20 12:24:00 UTC, signed",
            "the click found by click_id is 50 days old; the program lets 45 days count",
            "click_id \"c1\" leads to jane, but the click is too old; the click was 50 days old, 45 days count",
        ]
    );
    let dead = lines(&explained(&pool, "ORD5").await);
    assert_eq!(
        dead[3..],
        [
            "# Event #05, create_conversion as yaplet, could not be applied: data_error",
            "received 2026-11-20 12:00:00 UTC, signed",
            "numeric field overflow",
        ]
    );
    let parked = lines(&explained(&pool, "ORD6").await);
    assert_eq!(
        parked.last().unwrap(),
        "waits for the order until 2026-11-21 12:00:00 UTC"
    );
    // A repeat is told beside the order that it repeats.
    let order = explained(&pool, "ORD1").await;
    assert_eq!((order.conversions.len(), order.attempts.len()), (1, 1));
    assert_eq!(order.attempts[0].reason.as_deref(), Some("duplicate_order"));
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_order_is_its_organisations_and_its_programs_own(pool: Pool) {
    let mut conn = fixture::later(&pool).await;
    assert_eq!(find(&pool, OrgId(2), "ORD7", None).await.unwrap(), None);
    assert_eq!(find(&pool, DEMO, "ORD99", None).await.unwrap(), None);
    let bound = async |program| find(&pool, DEMO, "ORD7", Some(ProgramId(program))).await.unwrap();
    assert_eq!(bound(1).await.unwrap().conversions.len(), 2);
    assert_eq!(bound(2).await, None);
    // What came with a key that is not bound is not for one that is.
    assert_eq!(find(&pool, DEMO, "ORD5", Some(ProgramId(1))).await.unwrap(), None);
    for order in ["ORD7", "ORD9", "ORD5", "ORD6"] {
        let orgs = orgs_with(&mut conn, order).await.unwrap();
        assert_eq!(orgs, [(DEMO, "demo".to_owned())], "{order}");
    }
    assert_eq!(orgs_with(&mut conn, "ORD99").await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_limits_are_said(pool: Pool) {
    let mut conn = fixture::later(&pool).await;
    sqlx::raw_sql(
        "INSERT INTO events (event_id, org_id, kind, dialect, status, reason, order_key, received_at, trusted, body)
         SELECT gen_random_uuid(), 1, 'create_conversion', 'rest', 'refused', 'unknown_partner', 'MANY', now(), true, 'null'
           FROM generate_series(1, 51);
         INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, event_id, dialect, trusted,
                                  attributed_by, amount, currency, created_at, deleted_at)
         SELECT 1, 100 + n, 'OFTEN', 1, 1, gen_random_uuid(), 'rest', true, 'coupon', 1, 'USD', now(), now()
           FROM generate_series(1, 21) n;
         INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, commission_id,
                                event_id, recorded_at)
         SELECT 1, 1, 'expense', 'pending', 0.01, 'USD', 'accrue', 5, gen_random_uuid(), now() FROM generate_series(1, 1000);
         INSERT INTO refunds (org_id, conversion_id, refund_key, event_id, amount, created_at)
         SELECT 1, 5, 'id:' || n, gen_random_uuid(), 0.01, now() FROM generate_series(1, 1001) n;
         INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name,
                                  sub_amount, gross, amount, currency, pending, payable, created_at)
         SELECT 1, 1000 + n, 6, 1, 'recurring', 'standard', 'standard', 1, 0, 0, 'USD', 0, 0, now()
           FROM generate_series(1, 1000) n;
         INSERT INTO orgs (org_id, slug, title) SELECT 100 + n, 'org-' || n, '' FROM generate_series(1, 12) n;
         INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, event_id, dialect, trusted,
                                  attributed_by, amount, currency, created_at)
         SELECT 100 + n, 1, 'SHARED', 1, 1, gen_random_uuid(), 'rest', true, 'coupon', 1, 'USD', now()
           FROM generate_series(1, 12) n",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let many = explained(&pool, "MANY").await;
    assert_eq!((many.attempts.len(), many.is_cut), (50, true));
    assert!(lines(&many).contains(&"there is more than is shown here".to_owned()));
    let often = explained(&pool, "OFTEN").await;
    assert_eq!((often.conversions.len(), often.is_cut), (20, true));
    assert_eq!(
        often.conversions[0].conversion, 102,
        "the oldest of the latest first"
    );
    let moved = explained(&pool, "ORD7").await;
    let count = moved
        .conversions
        .iter()
        .flat_map(|sale| &sale.commissions)
        .map(|commission| commission.transfers.len());
    assert_eq!((count.sum::<usize>(), moved.is_cut), (1000, true));
    let refunded = explained(&pool, "ORD8").await;
    assert_eq!(
        (refunded.conversions[0].refunds.len(), refunded.is_cut),
        (1000, true)
    );
    let recurring = explained(&pool, "ORD9").await;
    assert_eq!(
        (recurring.conversions[0].commissions.len(), recurring.is_cut),
        (1000, true)
    );
    assert_eq!(orgs_with(&mut conn, "SHARED").await.unwrap().len(), 11);
}
