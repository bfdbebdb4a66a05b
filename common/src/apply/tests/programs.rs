//! Customers in several programs: what is kept of them for each, as rows.

use super::*;
use crate::domain::{
    CommissionId, ConversionId, EditConversion, Repetition, Scheduled,
    entities::{Elsewhere, Standing},
};

/// The partner program pays three sales of a customer; its commissions come again each month.
async fn limited(pool: &Pool) -> OrgId {
    let org = demo(pool).await;
    sqlx::raw_sql(
        "UPDATE programs SET recurring_cap = 3 WHERE slug = 'partner-program';
         UPDATE commission_types t SET recurrence = 'monthly' FROM programs p
          WHERE (t.org_id, t.program_id) = (p.org_id, p.program_id) AND p.slug = 'partner-program'",
    )
    .execute(pool)
    .await
    .unwrap();
    org
}

/// Program, first affiliate, count, hours of the first sale after [`now`], whether capped: of the own program, then of others.
type Kept = (String, String, i64, Option<i64>, bool);

async fn kept(pool: &Pool) -> Vec<Kept> {
    sqlx::query_as(
        "SELECT p.slug, a.slug, k.counted, (extract(epoch FROM k.first_sale_at - $1) / 3600)::bigint, k.capped
           FROM (SELECT 0 AS place, org_id, program_id, affiliate_id, counted, first_sale_at, capped FROM customers
                 UNION ALL
                 SELECT 1, s.org_id, s.program_id, s.affiliate_id, s.counted, s.first_sale_at, s.capped
                   FROM customer_programs s JOIN customers u USING (org_id, customer_id)
                  WHERE s.program_id <> u.program_id AND u.several_programs) k
           JOIN programs p USING (org_id, program_id) JOIN affiliates a USING (org_id, affiliate_id)
          ORDER BY place, p.slug",
    )
    .bind(now())
    .fetch_all(pool)
    .await
    .unwrap()
}

fn of(program: &str, affiliate: &str, counted: i64, first: Option<i64>, capped: bool) -> Kept {
    (program.into(), affiliate.into(), counted, first, capped)
}

fn at(mut incoming: Incoming, hours: i64) -> Incoming {
    if let Body::CreateConversion(create) = &mut incoming.event.body {
        create.occurred_at = Some(now() + TimeDelta::hours(hours));
    }
    incoming
}

fn unauthenticated(mut incoming: Incoming) -> Incoming {
    incoming.event.authenticated = false;
    incoming
}

async fn number(pool: &Pool, order: &str) -> ConversionId {
    let number = sqlx::query_scalar("SELECT conversion_id FROM conversions WHERE external_id = $1");
    ConversionId(number.bind(order).fetch_one(pool).await.unwrap())
}

fn deletion(org: OrgId, conversion: ConversionId) -> Incoming {
    let delete = EditConversion {
        conversion,
        amount: None,
        external_id: None,
        meta_data: None,
        meta_change: None,
        recalculate: false,
        delete: true,
    };
    event(org, Body::EditConversion(Box::new(delete)))
}

/// What a customer has in another program comes back as it was written, in batches of any size and from many at once.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn each_program_counts_for_itself_in_any_batches(pool: Pool) {
    let org = limited(&pool).await;
    commit(&pool, vec![sale(org, "j1", "JANE10OFF", 100)]).await;
    let there = |n: i32| at(sale(org, &format!("p{n}"), "PARTNER_CODE", 100), -i64::from(n));
    commit(&pool, vec![there(1), there(2)]).await;
    let batches = (3..6).map(|n| commit(&pool, vec![there(n)]));
    futures_util::future::join_all(batches).await;
    let again = at(sale(org, "p6", "FLAT5", 100), 0);
    commit(&pool, vec![again, sale(org, "j2", "PETER10", 100)]).await;
    let (zero, thirty) = (Decimal::ZERO, Decimal::from(30));
    assert_eq!(
        balance(&pool, "patpartner").await,
        (zero, thirty),
        "6 sales of 100, of which 3 are paid"
    );
    assert_eq!(balance(&pool, "janejameson").await.0, Decimal::from(20));
    let johns = of("johns-affiliate-program", "janejameson", 2, Some(0), false);
    let partner = of("partner-program", "patpartner", 3, Some(-5), true);
    assert_eq!(kept(&pool).await, [johns, partner]);
    prove(&pool).await;
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn rows_come_back_as_they_were_written(pool: Pool) {
    let org = limited(&pool).await;
    let there = sale(org, "p1", "PARTNER_CODE", 100);
    let noted = there.event.id;
    commit(&pool, vec![sale(org, "j1", "JANE10OFF", 100), there]).await;
    let named = [(org, Identity::email("Jane@Example.com").key())];
    let mut transaction = db::begin(&pool).await.unwrap();
    let loaded = db::customers::lock(&mut transaction, &named, &[]).await.unwrap();
    let [customer] = loaded.as_slice() else {
        panic!("{loaded:?}")
    };
    let [elsewhere] = customer.elsewhere.as_slice() else {
        panic!("{customer:?}")
    };
    assert_eq!(
        *elsewhere,
        Elsewhere {
            change: crate::domain::entities::Change::None,
            standing: Standing {
                program: elsewhere.standing.program,
                affiliate: elsewhere.standing.affiliate,
                click: None,
                authenticated: true,
                counted_towards_cap: 1,
                first_sale_at: Some(now()),
                capped: false,
            },
            event: noted,
            created_at: now(),
        }
    );
    assert_ne!(elsewhere.standing.program, customer.own.program);
    drop(transaction);
    // A row of the own program is of the time before the customer moved there: nobody reads it.
    sqlx::raw_sql("UPDATE customer_programs s SET program_id = u.program_id FROM customers u")
        .execute(&pool)
        .await
        .unwrap();
    let mut transaction = db::begin(&pool).await.unwrap();
    let loaded = db::customers::lock(&mut transaction, &named, &[]).await.unwrap();
    assert_eq!((&loaded[0].own, loaded[0].elsewhere.len()), (&customer.own, 0));
}

/// As workers of the version before leave a history: what is sold outside of a customer's own program is not counted, its
/// repetitions count in the own one, whose days begin with the first sale anywhere.
const AS_BEFORE: &str = "
    UPDATE conversions c SET counted = (SELECT count(*) FROM commissions m WHERE m.kind = 'recurring'
                                         AND (m.org_id, m.conversion_id) = (c.org_id, c.conversion_id))
      FROM customers u WHERE (u.org_id, u.customer_id) = (c.org_id, c.customer_id) AND u.program_id <> c.program_id;
    UPDATE customers u SET counted = u.counted + 1, first_sale_at = '2020-01-01', capped = true, status = 'capped',
           several_programs = false;
    DELETE FROM customer_programs;";

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_history_of_the_version_before_is_counted_as_if_this_one_had_written_it(pool: Pool) {
    let org = limited(&pool).await;
    let batch = vec![
        sale(org, "j1", "JANE10OFF", 100),
        unauthenticated(sale(org, "p0", "FLAT5", 100)),
        at(sale(org, "p1", "PARTNER_CODE", 100), -48),
        sale(org, "p2", "FLAT5", 100),
        // Takes the place of the unauthenticated one.
        sale(org, "p0", "PARTNER_CODE", 70),
        sale(org, "p3", "PARTNER_CODE", 100),
    ];
    commit(&pool, batch).await;
    let (deleted, repeated) = (number(&pool, "p2").await, number(&pool, "p1").await);
    let started = sqlx::query_scalar("SELECT commission_id FROM commissions WHERE conversion_id = $1");
    let started = started.bind(repeated.0).fetch_one(&pool).await.unwrap();
    let repetition = event(
        org,
        Body::Scheduled(Scheduled::Recur(Repetition {
            conversion: repeated,
            commission: CommissionId(started),
            period: 1,
            due: now() + TimeDelta::days(28),
        })),
    );
    let batch = vec![
        deletion(org, deleted),
        repetition,
        sale(org, "p4", "PARTNER_CODE", 100),
    ];
    assert_eq!(reasons(&commit(&pool, batch).await), ["applied"; 3]);
    let before = kept(&pool).await;
    let johns = of("johns-affiliate-program", "janejameson", 1, Some(0), false);
    let partner = of("partner-program", "patpartner", 3, Some(-48), true);
    assert_eq!(before, [johns, partner]);
    let counts =
        "SELECT string_agg(conversion_id || ' ' || counted, ', ' ORDER BY conversion_id) FROM conversions";
    let counted: String = sqlx::query_scalar(counts).fetch_one(&pool).await.unwrap();
    sqlx::raw_sql(AS_BEFORE).execute(&pool).await.unwrap();
    // Once more changes nothing.
    for _ in 0..2 {
        assert_eq!(count(&pool, "SELECT count_customers_by_program()").await, 1);
        assert_eq!(kept(&pool).await, before);
        let again: String = sqlx::query_scalar(counts).fetch_one(&pool).await.unwrap();
        assert_eq!(again, counted);
        let status: String = sqlx::query_scalar("SELECT status FROM customers")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(status, "active");
        prove(&pool).await;
    }
}

/// A worker of the version before runs beside this one: it reads and writes `customers` alone, and this one sees that.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn what_the_version_before_counts_in_a_customers_own_program_holds(pool: Pool) {
    let org = limited(&pool).await;
    sqlx::raw_sql("UPDATE programs SET recurring_cap = 2 WHERE slug = 'johns-affiliate-program'")
        .execute(&pool)
        .await
        .unwrap();
    commit(&pool, vec![sale(org, "j1", "JANE10OFF", 100)]).await;
    let old_worker =
        "UPDATE customers SET counted = counted + 1, first_sale_at = first_sale_at - interval '3 hours';
                      UPDATE conversions SET counted = counted + 1";
    sqlx::raw_sql(old_worker).execute(&pool).await.unwrap();
    commit(
        &pool,
        vec![
            sale(org, "j2", "JANE10OFF", 100),
            sale(org, "p1", "PARTNER_CODE", 100),
        ],
    )
    .await;
    let johns = of("johns-affiliate-program", "janejameson", 2, Some(-3), true);
    let partner = of("partner-program", "patpartner", 1, Some(0), false);
    assert_eq!(kept(&pool).await, [johns, partner]);
    assert_eq!(balance(&pool, "janejameson").await.0, Decimal::from(10));
    prove(&pool).await;
}
