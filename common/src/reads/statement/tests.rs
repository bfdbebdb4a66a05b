//! Statements of a history that was really applied, and of what went wrong with it.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::*;
use crate::{
    apply::apply,
    catalog,
    db::{self, fixture},
    domain::{
        AttributionFields, Body, ConversionStatus, CreateConversion, Dialect, Event, EventStatus, Incoming,
        OrgId, Refund, UpdateConversion, ledger::Balance,
    },
    message::EventIds,
};

const JANE: &str = "janejameson";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn noon(text: &str) -> DateTime<Utc> {
    day(text).and_hms_opt(12, 0, 0).unwrap().and_utc()
}

async fn demo(pool: &Pool) -> OrgId {
    let demo = catalog::parse(catalog::DEMO).unwrap();
    catalog::sync(pool, &demo, noon("2026-09-01")).await.unwrap();
    let org = sqlx::query_scalar("SELECT org_id FROM orgs WHERE slug = 'demo'");
    OrgId(org.fetch_one(pool).await.unwrap())
}

/// Applies one event at noon of a day.
async fn happens(pool: &Pool, org: OrgId, on: &str, body: Body) {
    let at = noon(on);
    let event = Event {
        id: EventIds::new(&"test".into()).unwrap().issue(org, at),
        org: Some(org),
        dialect: Dialect::Postback,
        received_at: at,
        authenticated: true,
        program_scope: None,
        idempotency: None,
        wait_until: None,
        request_id: None,
        trace: None,
        warnings: Vec::new(),
        body,
    };
    let mut transaction = db::begin(pool).await.unwrap();
    let incoming = Incoming { event, queued: false };
    let decisions = apply(&mut transaction, vec![incoming], at).await.unwrap();
    assert_eq!(decisions[0].outcome.status(), EventStatus::Applied);
    db::commit(transaction).await.unwrap();
}

fn sale(order: &str, amount: i64) -> Body {
    Body::CreateConversion(Box::new(CreateConversion {
        external_id: Some(order.to_owned()),
        attribution: AttributionFields {
            coupon: Some("JANE10OFF".to_owned()),
            ..Default::default()
        },
        amount: Decimal::from(amount),
        ..Default::default()
    }))
}

fn update(amount: Option<i64>, status: Option<ConversionStatus>) -> Body {
    Body::UpdateConversion(UpdateConversion {
        external_id: "o1".to_owned(),
        amount: amount.map(Decimal::from),
        status,
        meta_data: None,
        occurred_at: None,
    })
}

fn refund(amount: Option<i64>) -> Body {
    Body::Refund(Refund {
        external_id: "o1".to_owned(),
        amount: amount.map(Decimal::from),
        minor_units: None,
        refund_id: None,
    })
}

/// A sale, its update, its approval, two refunds, and another sale: one a day from 2026-09-21 on.
async fn history(pool: &Pool) -> OrgId {
    let org = demo(pool).await;
    let approved = Some(ConversionStatus::Approved);
    for (on, body) in [
        ("2026-09-21", sale("o1", 100)),
        ("2026-09-22", update(Some(120), None)),
        ("2026-09-23", update(None, approved)),
        ("2026-09-24", refund(Some(30))),
        ("2026-09-25", refund(None)),
        ("2026-09-26", sale("o2", 50)),
    ] {
        happens(pool, org, on, body).await;
    }
    org
}

fn jane() -> Query<'static> {
    Query {
        affiliate: JANE,
        ..Default::default()
    }
}

fn figures(balance: Balance) -> String {
    format!("{} {} {}", balance.pending, balance.payable, balance.paid)
}

/// Movements as `what | amount | code | pending payable paid`, without the number of the commission.
fn lines(account: &CurrencyAccount) -> Vec<String> {
    let shown = account.transfers.iter().map(|entry| {
        let number = format!("commission {}", entry.commission.unwrap());
        let what = entry.what.replace(&number, "commission");
        let balance = figures(entry.balance);
        format!("{what} | {} | {} | {balance}", entry.amount, entry.code.name())
    });
    shown.collect()
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_history_is_told_movement_by_movement(pool: Pool) {
    history(&pool).await;
    let statement = run(&pool, &jane()).await.unwrap();
    assert_eq!(
        (statement.org.as_str(), statement.name.as_str()),
        ("demo", "Jane Jameson")
    );
    let [usd] = statement.currencies.as_slice() else {
        panic!("{statement:?}")
    };
    assert_eq!(figures(usd.opening), "0.00 0.00 0.00");
    assert_eq!(
        lines(usd),
        [
            "commission of order o1 accrued, pending | 10.00 | accrual | 10.00 0.00 0.00",
            "commission of order o1 accrued, pending: order updated, amount set to 120.00 | 2.00 | accrual | 12.00 0.00 0.00",
            "commission of order o1 approved | 12.00 | approval | 0.00 12.00 0.00",
            "commission of order o1 reversed: refund of 30.00 | -3.00 | reversal | 0.00 9.00 0.00",
            "commission of order o1 reversed: refund of all that was left | -9.00 | reversal | 0.00 0.00 0.00",
            "commission of order o2 accrued, pending | 5.00 | accrual | 5.00 0.00 0.00",
        ]
    );
    assert_eq!(figures(usd.closing), "5.00 0.00 0.00");
    assert_eq!((usd.stored, usd.agrees), (Some(usd.closing), Some(true)));
    assert!(statement.contradictions().is_empty());
    let first = &usd.transfers[0];
    assert_eq!(first.time, noon("2026-09-21"));
    assert_eq!((first.from, first.to), ("expense", "pending"));
    assert_eq!(first.order.as_deref(), Some("o1"));
    assert_eq!(first.program.as_deref(), Some("johns-affiliate-program"));
    let json = serde_json::to_value(&usd.transfers[3]).unwrap();
    assert_eq!(json["amount"], "-3.00");
    assert_eq!(json["balance"]["payable"], "9.00");
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn the_parent_sees_the_level(pool: Pool) {
    history(&pool).await;
    let sandra = Query {
        affiliate: "sandrasanderson",
        ..Default::default()
    };
    let statement = run(&pool, &sandra).await.unwrap();
    assert_eq!(
        lines(&statement.currencies[0])[3],
        "level commission of order o1 reversed: refund of 30.00 | -1.50 | reversal | 0.00 4.50 0.00"
    );
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_period_begins_and_ends_with_its_days(pool: Pool) {
    history(&pool).await;
    let query = Query {
        from: Some(day("2026-09-22")),
        to: Some(day("2026-09-24")),
        ..jane()
    };
    let usd = run(&pool, &query).await.unwrap().currencies.remove(0);
    assert_eq!(figures(usd.opening), "10.00 0.00 0.00");
    assert_eq!(usd.transfers.len(), 3);
    assert_eq!(figures(usd.closing), "0.00 9.00 0.00");
    assert_eq!(
        usd.agrees, None,
        "what came later is in the stored balance, not in this"
    );
    // To the last and from the first microsecond of a day, in UTC.
    sqlx::query(
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, event_id, recorded_at)
         SELECT org_id, affiliate_id, 'payable', 'paid', 1, 'USD', 'pay', gen_random_uuid(), at
           FROM affiliates, (VALUES (timestamptz '2026-09-24 23:59:59.999999Z'), ('2026-09-25 00:00:00Z')) moment (at)
          WHERE slug = 'janejameson'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let usd = run(&pool, &query).await.unwrap().currencies.remove(0);
    assert_eq!(usd.transfers.len(), 4);
    assert_eq!(usd.transfers[3].what, "paid out");
    assert_eq!(figures(usd.closing), "0.00 8.00 1.00");
    let next = Query {
        from: Some(day("2026-09-25")),
        ..jane()
    };
    let after = run(&pool, &next).await.unwrap().currencies.remove(0);
    assert_eq!(
        after.opening, usd.closing,
        "one period begins where the other ends"
    );
    let backwards = Query {
        to: Some(day("2026-09-21")),
        ..query
    };
    assert_eq!(
        run(&pool, &backwards).await.unwrap_err().to_string(),
        "from: 2026-09-22 is after to, 2026-09-21"
    );
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn events_that_are_gone_are_told_by_what_they_left(pool: Pool) {
    history(&pool).await;
    sqlx::query("DELETE FROM events").execute(&pool).await.unwrap();
    let first_account = |statement: Statement| lines(&statement.currencies[0]);
    let after = first_account(run(&pool, &jane()).await.unwrap());
    assert_eq!(after.len(), 6);
    assert!(
        after[1]
            .starts_with("commission of order o1 accrued, pending: order updated, amount set to 120.00 |")
    );
    assert!(after[3].starts_with("commission of order o1 reversed: refund of 30.00 |"));
    sqlx::query("UPDATE conversions SET amount_by = gen_random_uuid()")
        .execute(&pool)
        .await
        .unwrap();
    let superseded = first_account(run(&pool, &jane()).await.unwrap());
    assert!(superseded[1].contains("accrued, pending: its event is no longer kept |"));
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_balance_that_the_transfers_do_not_make_is_said(pool: Pool) {
    history(&pool).await;
    let contradictions = async || run(&pool, &jane()).await.unwrap().contradictions();
    let damage = "UPDATE balances SET payable = payable + 0.01";
    sqlx::query(damage).execute(&pool).await.unwrap();
    assert_eq!(
        contradictions().await,
        [
            "the balance of janejameson in USD says pending 5.00, payable 0.01, paid 0.00, \
             but the transfers make pending 5.00, payable 0.00, paid 0.00"
        ]
    );
    sqlx::query("DELETE FROM balances").execute(&pool).await.unwrap();
    assert_eq!(
        contradictions().await,
        [
            "the balance of janejameson in USD is missing, but the transfers make pending 5.00, payable 0.00, paid 0.00"
        ]
    );
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_is_not_there_is_named(pool: Pool) {
    history(&pool).await;
    let refused = async |query: Query<'_>| run(&pool, &query).await.unwrap_err().to_string();
    let nobody = Query {
        affiliate: "nobody",
        ..Default::default()
    };
    let of = |org| Query {
        org: Some(org),
        ..nobody
    };
    assert_eq!(
        refused(nobody).await,
        "affiliate: there is no affiliate \"nobody\""
    );
    assert_eq!(
        refused(of("demo")).await,
        "affiliate: there is no affiliate \"nobody\" in organisation \"demo\""
    );
    assert_eq!(
        refused(of("none")).await,
        "org: there is no organisation \"none\""
    );
    let euro = Query {
        currency: Some("EUR".parse().unwrap()),
        ..jane()
    };
    assert_eq!(
        refused(euro).await,
        "currency: \"janejameson\" never had money in EUR, only in USD"
    );
    sqlx::query("INSERT INTO affiliates (org_id, slug, firstname, lastname) SELECT org_id, 'janejameson', 'J', '' FROM orgs WHERE slug <> 'demo'")
        .execute(&pool)
        .await
        .unwrap();
    let several = refused(jane()).await;
    assert!(
        several
            .starts_with("org: several organisations have an affiliate \"janejameson\": name one of demo, "),
        "{several}"
    );
    let named = Query {
        org: Some("demo"),
        ..jane()
    };
    assert_eq!(run(&pool, &named).await.unwrap().currencies.len(), 1);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn currencies_are_apart(pool: Pool) {
    drop(fixture::world(&pool).await);
    let jane = Query {
        affiliate: "jane",
        ..Default::default()
    };
    let statement = run(&pool, &jane).await.unwrap();
    let codes: Vec<_> = statement
        .currencies
        .iter()
        .map(|account| account.currency.code())
        .collect();
    assert_eq!(codes, ["EUR", "USD"]);
    assert!(
        statement
            .currencies
            .iter()
            .all(|account| account.agrees == Some(true))
    );
    let eur = &statement.currencies[0];
    let what: Vec<_> = eur.transfers.iter().map(|entry| entry.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "commission 1 of order OLD accrued, payable",
            "paid out: payment 1",
            "commission 1 of order OLD reversed"
        ]
    );
    assert_eq!(figures(eur.closing), "0.00 -3.50 3.50");
    let dollars = Query {
        currency: Some("USD".parse().unwrap()),
        ..jane
    };
    let statement = run(&pool, &dollars).await.unwrap();
    assert_eq!(statement.currencies.len(), 1);
    assert_eq!(figures(statement.currencies[0].closing), "10.05 0.00 0.00");
    let penniless = Query {
        affiliate: "penniless",
        ..Default::default()
    };
    sqlx::query(
        "INSERT INTO affiliates (org_id, affiliate_id, slug, firstname, lastname) VALUES (1, 4, 'penniless', '', '')",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert!(run(&pool, &penniless).await.unwrap().currencies.is_empty());
}

/// What each movement of an affiliate says in dollars, without those of the first fixture.
async fn later_words(pool: &Pool, affiliate: &str) -> Vec<String> {
    let query = Query {
        affiliate,
        currency: Some("USD".parse().unwrap()),
        ..Default::default()
    };
    let statement = run(pool, &query).await.unwrap();
    assert_eq!(statement.currencies[0].agrees, Some(true));
    let transfers = statement.currencies[0].transfers.iter();
    transfers
        .filter(|entry| entry.transfer > 6)
        .map(|entry| entry.what.clone())
        .collect()
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_comes_later_has_words(pool: Pool) {
    drop(fixture::later(&pool).await);
    let jane = [
        "commission 4 of order ORD7 accrued, pending",
        "commission 4 of order ORD7 reversed: superseded by the signed order, conversion 4",
        "commission 5 of order ORD7 accrued, pending",
        "commission 6 of order ORD8 accrued, pending",
        "commission 6 of order ORD8 reversed: charged back by the bank",
        "paid out: payment 2",
        "recurring commission 7 of order ORD7 accrued, pending: repetition 1",
        "bonus commission 8 accrued, payable: target of 2026-10 reached",
        "commission 5 of order ORD7 approved: its hold ended",
        "commission 5 of order ORD7 reversed: refund of 50.00",
        "commission 9 of order ORD9 accrued, pending",
        "commission 9 of order ORD9 reversed: the conversion was deleted",
    ];
    assert_eq!(later_words(&pool, "jane").await, jane);
    let sandra = ["paid out: payment 3", "payment taken back: payment 3"];
    assert_eq!(later_words(&pool, "sandra").await, sandra);

    sqlx::query("DELETE FROM events").execute(&pool).await.unwrap();
    let gone = later_words(&pool, "jane").await;
    let changed: Vec<_> = (0..jane.len()).filter(|at| gone[*at] != jane[*at]).collect();
    assert_eq!(
        changed,
        [6, 7, 8],
        "repetition, bonus and hold are forgotten with their events: {gone:?}"
    );
    assert_eq!(
        gone[7],
        "bonus commission 8 accrued, payable: its event is no longer kept"
    );
    assert_eq!(later_words(&pool, "sandra").await[1], "payment taken back");
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_statement_has_a_length_at_most(pool: Pool) {
    drop(fixture::world(&pool).await);
    sqlx::query(
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code, event_id, recorded_at)
         SELECT 1, 3, 'expense', 'payable', 0.01, 'USD', 'accrue', '01a1f8d3-ea00-7000-8000-000000000001',
                timestamptz '2026-11-01 00:00:00Z' + n * interval '1 s'
           FROM generate_series(0, $1) n",
    )
    .bind(i32::try_from(MAX_ENTRIES).unwrap())
    .execute(&pool)
    .await
    .unwrap();
    let peter = Query {
        affiliate: "peter",
        ..Default::default()
    };
    let refused = run(&pool, &peter).await.unwrap_err();
    assert!(matches!(refused, StatementError::TooLong), "{refused}");
    let one_day_less = Query {
        from: Some(day("2026-11-02")),
        ..peter
    };
    let usd = run(&pool, &one_day_less).await.unwrap().currencies.remove(0);
    assert_eq!(usd.transfers.len(), MAX_ENTRIES + 1 - 24 * 60 * 60);
    assert_eq!(figures(usd.opening), "0.00 864.00 0.00");
    assert_eq!(figures(usd.closing), "0.00 1000.01 0.00");
}
