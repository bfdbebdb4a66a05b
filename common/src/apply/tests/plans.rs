//! A batch reads its own rows and no others, whatever the planner knows of the tables.

use super::{apply, commit, demo, now, refund, sale};
use crate::{
    apply::{ApplyError, Catalogs, Manner, apply_batch},
    db::{self, BatchSession, Pool},
    domain::{Event, Idempotency, Incoming, OrgId},
};

/// Tuples of one table that a small batch may read.
const MAX_READ: i64 = 200;

/// 20,000 rows in each table that grows, in the organisation of the batch, which asks for those that are last in their indexes.
const MANY: &str = "
    ALTER TABLE conversions SET (autovacuum_enabled = off);
    ALTER TABLE commissions SET (autovacuum_enabled = off);
    ALTER TABLE customers SET (autovacuum_enabled = off);
    ALTER TABLE customer_programs SET (autovacuum_enabled = off);
    ALTER TABLE clicks SET (autovacuum_enabled = off);
    ALTER TABLE events_default SET (autovacuum_enabled = off);
    ALTER TABLE parked_keys SET (autovacuum_enabled = off);
    ALTER TABLE idempotency_keys SET (autovacuum_enabled = off);
    ALTER TABLE refunds SET (autovacuum_enabled = off);
    INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, customer_id, event_id, dialect,
        trusted, attributed_by, amount, currency, created_at)
    SELECT c.org_id, n, 'many' || n, c.program_id, c.affiliate_id, n, gen_random_uuid(), c.dialect, true, c.attributed_by,
        1, 'USD', c.created_at FROM conversions c, generate_series(1001, 21000) n;
    INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name,
        sub_amount, gross, amount, currency, pending, payable, created_at)
    SELECT m.org_id, n, n, m.affiliate_id, m.kind, m.commission_type, m.commission_name, 1, 1, 1, 'USD', 1, 0, m.created_at
    FROM commissions m, generate_series(1001, 21000) n WHERE m.kind = 'regular';
    INSERT INTO customers (org_id, customer_id, identity, program_id, affiliate_id, status, trusted, created_at)
    SELECT u.org_id, n, 'id:many' || n, u.program_id, u.affiliate_id, u.status, true, u.created_at
    FROM customers u, generate_series(1001, 21000) n;
    UPDATE customers SET several_programs = true;
    INSERT INTO customer_programs (org_id, customer_id, program_id, affiliate_id, trusted, counted, capped, event_id, created_at)
    SELECT u.org_id, u.customer_id, u.program_id + 1, u.affiliate_id, true, 0, false, gen_random_uuid(), u.created_at
    FROM customers u;
    INSERT INTO clicks (org_id, click_id, name, program_id, affiliate_id, referral_code, event_id, dialect, trusted,
        created_at, clicked_at)
    SELECT u.org_id, n, 'many' || n, u.program_id, u.affiliate_id, 'x', gen_random_uuid(), 'affy', true, u.created_at,
        u.created_at FROM customers u, generate_series(1001, 21000) n WHERE u.customer_id < 1000;
    INSERT INTO events (event_id, org_id, kind, dialect, status, order_key, received_at, trusted, body)
    SELECT gen_random_uuid(), u.org_id, 'refund', 'rest', CASE n % 2 WHEN 0 THEN 'parked' ELSE 'discarded' END, 'many' || n,
        u.created_at, true, '{}' FROM customers u, generate_series(1001, 21000) n WHERE u.customer_id < 1000;
    INSERT INTO parked_keys (key, event_id, org_id, kind, name)
    SELECT n, gen_random_uuid(), u.org_id, 'order', 'many' || n FROM customers u, generate_series(1001, 21000) n
    WHERE u.customer_id < 1000;
    INSERT INTO idempotency_keys (org_id, key, event_id, request_hash)
    SELECT u.org_id, 'many' || n, gen_random_uuid(), '' FROM customers u, generate_series(1001, 21000) n
    WHERE u.customer_id < 1000;
    INSERT INTO refunds (org_id, conversion_id, refund_key, event_id, created_at)
    SELECT u.org_id, n, 'many' || n, gen_random_uuid(), u.created_at FROM customers u, generate_series(1001, 21000) n
    WHERE u.customer_id < 1000;";

fn batch(org: OrgId) -> Vec<Incoming> {
    let with_key = Incoming {
        event: Event {
            idempotency: Some(Idempotency::plain("many9992".to_owned(), "00".to_owned())),
            ..sale(org, "many9993", "JANE10OFF", 10).event
        },
        queued: false,
    };
    vec![
        sale(org, "o1", "JANE10OFF", 10),
        sale(org, "o2", "JANE10OFF", 10),
        refund(org, "many9994"),
        refund(org, "never"),
        with_key,
    ]
}

/// Tables of which more was read than the batch needs.
async fn read_too_much(pool: &Pool, org: OrgId) -> Vec<(String, i64)> {
    let mut transaction = db::begin(pool).await.unwrap();
    apply(&mut transaction, batch(org), now()).await.unwrap();
    let read = sqlx::query_as(
        "SELECT relname::text, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
         WHERE seq_tup_read + coalesce(idx_tup_fetch, 0) > $1",
    )
    .bind(MAX_READ)
    .fetch_all(&mut *transaction)
    .await
    .unwrap();
    db::rollback(transaction).await.unwrap();
    read
}

#[sqlx::test(migrator = "db::MIGRATOR")]
async fn a_batch_reads_only_its_own_rows_with_statistics_and_without(pool: Pool) {
    let org = demo(&pool).await;
    commit(&pool, vec![sale(org, "first", "PETER10", 10)]).await;
    sqlx::raw_sql(MANY).execute(&pool).await.unwrap();
    assert_eq!(read_too_much(&pool, org).await, []);
    sqlx::raw_sql("ANALYZE").execute(&pool).await.unwrap();
    assert_eq!(read_too_much(&pool, org).await, []);
}

/// A worker's plans are kept, and made while the tables are empty.
#[sqlx::test(migrator = "db::MIGRATOR")]
async fn kept_plans_read_only_their_own_rows_however_the_tables_grow(pool: Pool) {
    let org = demo(&pool).await;
    let (mut session, mut catalogs) = (BatchSession::open(&pool).await.unwrap(), Catalogs::default());
    let mut read = async |events: Vec<Incoming>| {
        let applied = session.in_transaction(events.len(), async |connection| {
            apply_batch(connection, events, now(), Manner::Leaving, &mut catalogs).await?;
            // Of the few affiliates that there are any index will do.
            let read: Vec<(String, i64)> = sqlx::query_as(
                "SELECT relname::text, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
                 WHERE seq_tup_read + coalesce(idx_tup_fetch, 0) > $1 AND relname <> 'affiliates'",
            )
            .bind(MAX_READ)
            .fetch_all(connection)
            .await
            .unwrap();
            Ok::<_, ApplyError>(read)
        });
        applied.await.unwrap()
    };
    assert_eq!(read(vec![sale(org, "first", "PETER10", 10)]).await, []);
    sqlx::raw_sql(MANY).execute(&pool).await.unwrap();
    assert_eq!(read(batch(org)).await, []);
    sqlx::raw_sql("ANALYZE").execute(&pool).await.unwrap();
    assert_eq!(read(batch(org)).await, []);
}
