//! The migration that counts customers by program, over a history of the version before it. How the same history is written now is
//! compared in `apply`.

use sqlx::migrate::Migrator;

use super::{MIGRATOR, Pool};

/// The last migration of the version before.
const BEFORE: i64 = 28;

/// Customer 1 came to program 1, bought there once, and then five times in program 2, which pays three, and in program 3: by
/// an unsigned sale, by one that was deleted, and by one of a type that does not count. Customer 2 is of program 1 alone. Customer 3
/// came to program 2 and has bought in program 1 only, twice: a month ago and today. Program 1 pays 20 days.
const HISTORY: &str = "
    INSERT INTO orgs (org_id, slug, title) VALUES (1, 'one', 'One');
    INSERT INTO programs (org_id, program_id, slug, title, currency, is_default, recurring_cap, recurring_period_days)
    VALUES (1, 1, 'p', 'P', 'USD', true, NULL, 20), (1, 2, 'q', 'Q', 'USD', false, 3, NULL), (1, 3, 'r', 'R', 'USD', false, 2, NULL);
    INSERT INTO program_terms (org_id, program_id, valid_from, cookie_time, recurring, recurring_cap, approval, default_type)
    VALUES (1, 3, '-infinity', 45, true, 1, 'manual', 'standard'), (1, 3, now() + interval '1 day', 45, true, 2, 'manual', 'standard');
    INSERT INTO commission_types (org_id, program_id, identifier, title, form, value, count_towards_cap)
    SELECT 1, program, type, '', 'percentage', 10, type = 'standard' FROM generate_series(1, 3) program, unnest('{standard,free}'::text[]) type;
    INSERT INTO customers (org_id, customer_id, identity, program_id, affiliate_id, status, trusted, created_at, counted, first_sale_at)
    VALUES (1, 1, 'id:1', 1, 1, 'active', true, '2026-01-01', 2, '2026-01-01'),
           (1, 2, 'id:2', 1, 1, 'capped', true, '2026-01-01', 1, '2026-01-01'),
           (1, 3, 'id:3', 2, 2, 'active', true, '2026-01-01', 0, '2026-01-01');
    UPDATE customers SET capped = true WHERE customer_id = 2;
    INSERT INTO conversions (org_id, conversion_id, program_id, affiliate_id, customer_id, event_id, dialect, trusted, attributed_by,
                             amount, currency, created_at, counted, deleted_at, trace)
    SELECT 1, number, program, affiliate, customer, ('00000000-0000-0000-0000-0000000000' || number)::uuid, 'postback', trusted,
           'coupon', 100, 'USD', day::timestamptz, counted, deleted::timestamptz, trace::jsonb
      FROM (VALUES (10, 1, 1, 1, true, '2026-01-05', 1, NULL, '{}'),
                   (11, 2, 3, 1, false, '2026-01-01', 0, NULL, '{}'),
                   (12, 2, 3, 1, true, '2026-01-03', 0, NULL, '{\"unsigned_binding\": true}'),
                   (13, 2, 2, 1, true, '2026-01-02', 1, NULL, '{}'),
                   (14, 2, 1, 1, true, '2026-01-04', 0, NULL, '{}'),
                   (15, 2, 1, 1, true, '2026-01-04', 0, NULL, '{}'),
                   (16, 2, 1, 1, true, '2026-01-04', 0, NULL, '{}'),
                   (17, 3, 2, 1, false, '2026-01-01', 0, NULL, '{}'),
                   (18, 3, 1, 1, true, '2026-01-02', 0, '2026-01-09', '{}'),
                   (19, 3, 3, 1, true, '2026-01-03', 0, NULL, '{}'),
                   (20, 1, 1, 2, true, '2026-01-01', 1, NULL, '{}'),
                   (21, 1, 3, 3, true, '2026-01-01', 0, NULL, '{}'),
                   (22, 1, 1, 3, true, '2026-02-01', 0, NULL, '{}'))
        sold (number, program, affiliate, customer, trusted, day, counted, deleted, trace);
    -- The repetition of sale 13 has counted, in program 1 by mistake.
    INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name, rate, sub_amount,
                             gross, amount, currency, pending, payable, created_at)
    SELECT 1, row_number() OVER (), number, 1, kind, type, '', 10, 100, 10, 10, 'USD', 10, 0, day::timestamptz
      FROM (SELECT conversion_id AS number, 'regular' AS kind, CASE conversion_id WHEN 19 THEN 'free' ELSE 'standard' END AS type,
                   created_at AS day FROM conversions
             UNION ALL
            SELECT 13, 'recurring', 'standard', '2026-02-02' UNION ALL SELECT 13, 'recurring', 'level-2', '2026-02-02'
             UNION ALL
            -- Added by hand to a sale that had reached its limit and brought nothing.
            SELECT 22, 'regular', 'standard', '2026-02-07') made;
    DELETE FROM commissions WHERE conversion_id = 22 AND created_at < '2026-02-07';";

async fn rows(pool: &Pool, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

#[sqlx::test]
async fn what_was_sold_before_is_counted_by_customer_and_program(pool: Pool) {
    let before = MIGRATOR.iter().filter(|migration| migration.version <= BEFORE);
    let before = Migrator::with_migrations(before.cloned().collect());
    before.run(&pool).await.unwrap();
    sqlx::raw_sql(HISTORY).execute(&pool).await.unwrap();
    MIGRATOR.run(&pool).await.unwrap();
    let customers = "SELECT concat_ws(' ', customer_id, program_id, affiliate_id, counted, first_sale_at::date, capped, status,
                                      several_programs) FROM customers ORDER BY customer_id";
    assert_eq!(
        rows(&pool, customers).await,
        [
            "1 1 1 1 2026-01-05 f active t",
            "2 1 1 1 2026-01-01 t capped f",
            "3 2 2 0 f new t",
        ]
    );
    let elsewhere = "SELECT concat_ws(' ', customer_id, program_id, affiliate_id, trusted, counted, first_sale_at::date, capped,
                                      right(event_id::text, 2)) FROM customer_programs ORDER BY customer_id, program_id";
    assert_eq!(
        rows(&pool, elsewhere).await,
        [
            "1 2 2 t 6 2026-01-02 t 13",
            "1 3 1 t 0 2026-01-02 f 18",
            "3 1 3 t 1 2026-01-01 t 21",
        ]
    );
    let counted =
        "SELECT string_agg(conversion_id || ':' || counted, ' ' ORDER BY conversion_id) FROM conversions";
    assert_eq!(
        rows(&pool, counted).await,
        ["10:1 11:0 12:1 13:2 14:1 15:1 16:1 17:0 18:0 19:0 20:1 21:1 22:0"]
    );
}
