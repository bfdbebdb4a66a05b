//! On the demo world: type standard of 10 percent, levels of 5 and 3; peter has no parent, jane's parent is sandra.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::*;
use crate::{
    apply,
    bulk::{Caller, SelectError},
    catalog::{self, Declaration},
    db::{
        self, Pool,
        audit::{Actor, Author},
        ledger_check,
    },
    domain::{
        AttributionFields, Body, CommissionId, ConversionId, CreateConversion, Dialect, EditCommission,
        Incoming, OrgId, Pay, PaymentOrder, ProgramId, Refund,
    },
    message::EventIds,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_790_000_000_000).unwrap()
}

fn a_week_ago() -> DateTime<Utc> {
    now() - TimeDelta::days(7)
}

fn ids() -> EventIds {
    EventIds::new(&"test".into()).unwrap()
}

/// The demo world, and its organisations `demo` and `other`.
async fn demo(pool: &Pool) -> (OrgId, OrgId) {
    let file = catalog::parse(catalog::DEMO).unwrap();
    catalog::sync(pool, &file, now() - TimeDelta::days(100))
        .await
        .unwrap();
    let mut found = Vec::new();
    for slug in ["demo", "other"] {
        let org = sqlx::query_scalar("SELECT org_id FROM orgs WHERE slug = $1").bind(slug);
        found.push(OrgId(org.fetch_one(pool).await.unwrap()));
    }
    (found[0], found[1])
}

/// The demo world with another rate of the standard type of each program.
fn with_rate(percent: &str) -> Declaration {
    let text = catalog::DEMO.replace(
        "types.standard.percentage = 10",
        &format!("types.standard.percentage = {percent}"),
    );
    let text = text.replace(
        "standard = { percentage = 10",
        &format!("standard = {{ percentage = {percent}"),
    );
    let text = text.replace(
        "standard.percentage = 10\n",
        &format!("standard.percentage = {percent}\n"),
    );
    assert_ne!(
        text,
        catalog::DEMO,
        "the demo world's standard types are 10 percent"
    );
    catalog::parse(&text).unwrap()
}

/// Each type has another rate since a week ago.
async fn change_rates(pool: &Pool, percent: &str) {
    catalog::sync(pool, &with_rate(percent), a_week_ago())
        .await
        .unwrap();
}

fn caller(org: OrgId) -> Caller {
    Caller {
        author: Author {
            org,
            actor: Actor::Cli("tester".into()),
            request_id: None,
            now: now(),
        },
        scope: None,
        dialect: Dialect::Native,
    }
}

fn request(org: OrgId, preview: bool) -> Request {
    Request {
        caller: caller(org),
        preview,
        rules: None,
        limit: 10,
    }
}

async fn commit(pool: &Pool, org: OrgId, bodies: Vec<Body>) {
    let events: Vec<Incoming> = bodies
        .into_iter()
        .map(|body| caller(org).event(&ids(), body))
        .collect();
    let mut transaction = db::begin(pool).await.unwrap();
    let decisions = apply::apply(&mut transaction, events, now()).await.unwrap();
    for decision in decisions {
        assert_eq!(
            decision.outcome.status().name(),
            "applied",
            "{:?}",
            decision.outcome
        );
    }
    db::commit(transaction).await.unwrap();
}

fn sale(order: &str, coupon: &str, days_ago: i64) -> Body {
    Body::CreateConversion(Box::new(CreateConversion {
        external_id: Some(order.to_owned()),
        attribution: AttributionFields {
            coupon: Some(coupon.to_owned()),
            ..Default::default()
        },
        amount: Decimal::from(100),
        occurred_at: Some(now() - TimeDelta::days(days_ago)),
        ..Default::default()
    }))
}

async fn chosen(pool: &Pool, org: OrgId, filter: &ConversionFilter) -> Vec<ConversionId> {
    let mut conn = pool.acquire().await.unwrap();
    select(&mut conn, org, filter).await.unwrap()
}

async fn run(pool: &Pool, request: &Request) -> Report {
    let all = chosen(pool, request.caller.author.org, &ConversionFilter::default()).await;
    recalculate(pool, &ids(), &all, request, |_| {}).await.unwrap()
}

async fn count(pool: &Pool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn prove(pool: &Pool) {
    let report = ledger_check::run(pool, now(), |_| {}).await.unwrap();
    assert!(report.violations.is_empty(), "{:?}", report.violations);
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

const EVENTS: &str = "SELECT count(*) FROM events WHERE kind = 'recalculate_commissions'";
const NOTES: &str =
    "SELECT count(*) FROM audit_entries WHERE action = 'recalculate_commissions' AND actor_kind = 'cli'";

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_preview_tells_what_is_done_and_does_nothing(pool: Pool) {
    let (org, other) = demo(&pool).await;
    let sales = [
        ("o1", "PETER10", 20),
        ("o2", "PETER10", 2),
        ("o3", "JANE10OFF", 1),
    ];
    commit(
        &pool,
        org,
        sales
            .map(|(order, coupon, days)| sale(order, coupon, days))
            .into(),
    )
    .await;
    commit(&pool, other, vec![sale("o1", "JANE10OFF", 1)]).await;
    assert_eq!(
        run(&pool, &request(org, false)).await.changed,
        0,
        "nothing was changed"
    );
    change_rates(&pool, "12").await;

    let preview = run(&pool, &request(org, true)).await;
    assert_eq!(
        (
            preview.selected,
            preview.conversions,
            preview.changed,
            preview.refused
        ),
        (3, 2, 2, 0)
    );
    let total = preview.totals["USD"];
    assert_eq!((total.from, total.to), (decimal("20"), decimal("24")));
    let first = &preview.differences[0];
    assert_eq!(
        (
            first.external_id.as_deref(),
            first.affiliate.as_str(),
            first.from,
            first.to
        ),
        (Some("o2"), "peterpeterson", decimal("10"), decimal("12"))
    );
    assert_eq!((count(&pool, EVENTS).await, count(&pool, NOTES).await), (0, 0));
    assert_eq!(
        count(&pool, "SELECT count(*) FROM commissions WHERE gross = 12").await,
        0
    );

    let done = run(&pool, &request(org, false)).await;
    assert_eq!(done, preview, "the effect is what the preview told");
    assert_eq!((count(&pool, EVENTS).await, count(&pool, NOTES).await), (2, 2));
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM commissions WHERE amount = 12 AND rate = 12 AND pending = 12"
        )
        .await,
        2
    );
    assert_eq!(
        count(&pool, "SELECT count(*) FROM commissions WHERE amount = 10").await,
        2,
        "o1, and another tenant's"
    );
    prove(&pool).await;
    let again = run(&pool, &request(org, false)).await;
    assert_eq!((again.selected, again.changed), (3, 0));
    assert_eq!(
        count(&pool, EVENTS).await,
        2,
        "what is as it should be gets no event"
    );
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn supposed_rules_are_told_of_and_never_hold(pool: Pool) {
    let (org, _) = demo(&pool).await;
    let sales = [("o1", "PETER10", 20), ("o2", "PETER10", 2)];
    commit(
        &pool,
        org,
        sales
            .map(|(order, coupon, days)| sale(order, coupon, days))
            .into(),
    )
    .await;
    let versions = "SELECT count(*) FROM commission_types";
    let before = count(&pool, versions).await;
    for (from, changed) in [(now() - TimeDelta::days(30), 2), (a_week_ago(), 1), (now(), 0)] {
        let rules = Some(Rules {
            file: with_rate("12"),
            from,
        });
        // Even where it is not called a preview.
        let supposed = Request {
            rules,
            ..request(org, false)
        };
        assert_eq!(run(&pool, &supposed).await.changed, changed, "{from}");
    }
    assert_eq!(count(&pool, versions).await, before);
    assert_eq!((count(&pool, EVENTS).await, count(&pool, NOTES).await), (0, 0));
    assert_eq!(run(&pool, &request(org, false)).await.changed, 0);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn conversions_are_chosen_by_what_is_said_and_slips_are_told(pool: Pool) {
    let (org, other) = demo(&pool).await;
    let sales = [
        ("o1", "PETER10", 20),
        ("o2", "JANE10OFF", 2),
        ("o3", "PARTNER_CODE", 1),
    ];
    commit(
        &pool,
        org,
        sales
            .map(|(order, coupon, days)| sale(order, coupon, days))
            .into(),
    )
    .await;
    let partner: i64 = count(
        &pool,
        "SELECT program_id FROM programs WHERE slug = 'partner-program'",
    )
    .await;
    let none = ConversionFilter::default;
    let of = |text: &str| Some(text.to_owned());
    let days_ago = |days| Some(now() - TimeDelta::days(days));
    for (filter, want) in [
        (none(), 3),
        (
            ConversionFilter {
                program: of("partner-program"),
                ..none()
            },
            1,
        ),
        (
            ConversionFilter {
                affiliate: of("peterpeterson"),
                ..none()
            },
            1,
        ),
        (
            ConversionFilter {
                from: days_ago(2),
                ..none()
            },
            2,
        ),
        (
            ConversionFilter {
                before: days_ago(2),
                ..none()
            },
            1,
        ),
        (
            ConversionFilter {
                scope: Some(ProgramId(partner)),
                ..none()
            },
            1,
        ),
        (
            ConversionFilter {
                scope: Some(ProgramId(partner)),
                affiliate: of("peterpeterson"),
                ..none()
            },
            0,
        ),
    ] {
        assert_eq!(chosen(&pool, org, &filter).await.len(), want, "{filter:?}");
    }
    assert_eq!(chosen(&pool, other, &none()).await, []);
    let mut conn = pool.acquire().await.unwrap();
    for filter in [
        ConversionFilter {
            program: of("nowhere"),
            ..none()
        },
        ConversionFilter {
            program: of("other-program"),
            ..none()
        },
        ConversionFilter {
            affiliate: of("otheroscar"),
            ..none()
        },
    ] {
        let error = select(&mut conn, org, &filter).await.unwrap_err();
        assert!(error.to_string().ends_with("is not known"), "{error}");
    }
    sqlx::query(
        "INSERT INTO conversions (org_id, conversion_id, program_id, affiliate_id, event_id, dialect, trusted, attributed_by,
             amount, currency, refunded, meta_data, created_at, counted)
         SELECT org_id, 1000000 + n, program_id, affiliate_id, event_id, dialect, trusted, attributed_by, 0, currency, 0, '{}',
                created_at, 0
           FROM conversions, generate_series(1, 100000) n WHERE external_id = 'o1'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let error = select(&mut conn, org, &none()).await.unwrap_err();
    assert!(matches!(error, SelectError::TooMany(100_000)), "{error}");
    let few = ConversionFilter {
        from: days_ago(3),
        ..none()
    };
    assert_eq!(chosen(&pool, org, &few).await.len(), 2);
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_was_decided_by_people_and_refunds_stays(pool: Pool) {
    let (org, _) = demo(&pool).await;
    let mut explicit = sale("o4", "PETER10", 1);
    if let Body::CreateConversion(create) = &mut explicit {
        create.commission = Some(Decimal::from(10));
    }
    commit(
        &pool,
        org,
        vec![
            sale("o1", "PETER10", 1),
            sale("o2", "PETER10", 1),
            sale("o3", "PETER10", 1),
            explicit,
        ],
    )
    .await;
    let number = |order: &'static str| {
        let pool = pool.clone();
        async move {
            let sql =
                "SELECT m.commission_id FROM commissions m JOIN conversions c USING (org_id, conversion_id)
                        WHERE c.external_id = $1";
            let number: i64 = sqlx::query_scalar(sql)
                .bind(order)
                .fetch_one(&pool)
                .await
                .unwrap();
            CommissionId(number)
        }
    };
    let edit = |commission, amount, approved| {
        Body::EditCommission(EditCommission {
            approved,
            amount,
            ..EditCommission::of(commission)
        })
    };
    let refund = Refund {
        external_id: "o1".to_owned(),
        amount: Some(Decimal::from(50)),
        minor_units: None,
        refund_id: None,
    };
    let (second, third) = (number("o2").await, number("o3").await);
    commit(
        &pool,
        org,
        vec![
            Body::Refund(refund),
            edit(second, Some(Decimal::from(10)), None),
            edit(third, None, Some(false)),
        ],
    )
    .await;
    change_rates(&pool, "12").await;
    let report = run(&pool, &request(org, false)).await;
    assert_eq!(
        (report.changed, report.left.explicit, report.left.by_hand),
        (2, 1, 1)
    );
    let amounts: Vec<(String, Decimal, Decimal, Decimal)> = sqlx::query_as(
        "SELECT c.external_id, m.gross, m.amount, m.pending FROM commissions m JOIN conversions c USING (org_id, conversion_id)
          ORDER BY c.external_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let want = [
        ("o1", "12", "6", "6"),
        ("o2", "10", "10", "10"),
        ("o3", "12", "12", "0"),
        ("o4", "10", "10", "10"),
    ];
    for ((order, gross, amount, pending), want) in amounts.iter().zip(want) {
        assert_eq!(
            (order.as_str(), *gross, *amount, *pending),
            (want.0, decimal(want.1), decimal(want.2), decimal(want.3))
        );
    }
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_was_paid_stays_paid_and_the_difference_is_owed(pool: Pool) {
    let (org, _) = demo(&pool).await;
    commit(&pool, org, vec![sale("o1", "PETER10", 1)]).await;
    let commission = CommissionId(count(&pool, "SELECT commission_id FROM commissions").await);
    let approve = EditCommission {
        approved: Some(true),
        ..EditCommission::of(commission)
    };
    let pay = Pay {
        payments: vec![PaymentOrder {
            affiliate: "peterpeterson".to_owned(),
            amount: Decimal::from(10),
            currency: "USD".parse().unwrap(),
        }],
    };
    commit(&pool, org, vec![Body::EditCommission(approve)]).await;
    commit(&pool, org, vec![Body::Pay(pay)]).await;
    let paid = "SELECT count(*) FROM commissions WHERE payment_id IS NOT NULL";
    assert_eq!(count(&pool, paid).await, 1);
    for (percent, payable, days_ago) in [("12", 2, 7), ("7", -3, 6)] {
        let from = now() - TimeDelta::days(days_ago);
        catalog::sync(&pool, &with_rate(percent), from).await.unwrap();
        assert_eq!(run(&pool, &request(org, false)).await.changed, 1);
        assert_eq!(
            count(&pool, "SELECT payable::bigint FROM balances").await,
            payable
        );
        assert_eq!(count(&pool, paid).await, 1);
        prove(&pool).await;
    }
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_key_of_another_program_changes_nothing(pool: Pool) {
    let (org, other) = demo(&pool).await;
    commit(&pool, org, vec![sale("o1", "PETER10", 1)]).await;
    change_rates(&pool, "12").await;
    let all = chosen(&pool, org, &ConversionFilter::default()).await;
    let mut bound = request(org, false);
    bound.caller.scope = Some(ProgramId(
        count(
            &pool,
            "SELECT program_id FROM programs WHERE slug = 'partner-program'",
        )
        .await,
    ));
    for request in [bound, request(other, false)] {
        let report = recalculate(&pool, &ids(), &all, &request, |_| {}).await.unwrap();
        assert_eq!((report.changed, report.refused), (0, 1));
    }
    assert_eq!(count(&pool, EVENTS).await, 0);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn sales_and_refunds_go_on_meanwhile(pool: Pool) {
    let (org, _) = demo(&pool).await;
    let sold: Vec<Body> = (0..40).map(|n| sale(&format!("o{n}"), "PETER10", 1)).collect();
    commit(&pool, org, sold).await;
    change_rates(&pool, "12").await;
    let changing = async {
        let (first, second) = (request(org, false), request(org, false));
        let (first, second) = tokio::join!(run(&pool, &first), run(&pool, &second));
        first.changed + second.changed
    };
    let going_on = async {
        for n in 0..20 {
            let refund = Refund {
                external_id: format!("o{n}"),
                amount: Some(Decimal::from(25)),
                minor_units: None,
                refund_id: None,
            };
            commit(
                &pool,
                org,
                vec![Body::Refund(refund), sale(&format!("later{n}"), "PETER10", 1)],
            )
            .await;
        }
    };
    let (changed, ()) = tokio::join!(changing, going_on);
    assert!(changed >= 40, "{changed}");
    let by_amount = "SELECT count(*) FROM commissions WHERE rate = 12 AND amount = 9";
    assert_eq!(count(&pool, by_amount).await, 20);
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM commissions WHERE rate = 12 AND amount = 12"
        )
        .await,
        40
    );
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_report_lists_no_more_than_is_asked_for_and_counts_all(pool: Pool) {
    let (org, _) = demo(&pool).await;
    let sold: Vec<Body> = (0..600).map(|n| sale(&format!("o{n}"), "PETER10", 1)).collect();
    commit(&pool, org, sold).await;
    change_rates(&pool, "12").await;
    let all = chosen(&pool, org, &ConversionFilter::default()).await;
    let mut told = Vec::new();
    let (ids, request) = (ids(), request(org, true));
    let preview = recalculate(&pool, &ids, &all, &request, |done| told.push(done)).await;
    let preview = preview.unwrap();
    assert_eq!(told, [500, 600], "in two batches");
    assert_eq!(
        (preview.changed, preview.differences.len(), preview.more()),
        (600, 10, true)
    );
    assert_eq!(preview.totals["USD"].to, decimal("7200"));
    prove(&pool).await;
}
