use std::time::Duration;

use super::*;
use crate::db::Pool;

async fn count(pool: &Pool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_sale_has_all_its_rows(pool: Pool) {
    make_tables(&pool).await.unwrap();
    write(&pool, 10).await.unwrap();
    write(&pool, 10).await.unwrap();
    for table in [
        "SELECT count(*) FROM floor.conversions",
        "SELECT count(*) FROM floor.commissions",
        "SELECT count(*) FROM floor.transfers",
        "SELECT count(*) FROM floor.events",
        "SELECT (sum(pending) / 10)::bigint FROM floor.balances",
    ] {
        assert_eq!(count(&pool, table).await, 20, "{table}");
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM floor.customers").await, 16);
    assert_eq!(count(&pool, "SELECT count(*) FROM conversions").await, 0);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn the_copies_have_the_indexes_of_the_tables(pool: Pool) {
    make_tables(&pool).await.unwrap();
    let differ = "SELECT count(*) FROM unnest(ARRAY['customers', 'conversions', 'commissions', 'transfers', 'events', 'balances']) name
         WHERE (SELECT count(*) FROM pg_indexes WHERE schemaname = 'floor' AND tablename = name)
            <> (SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND tablename = name)";
    assert_eq!(count(&pool, differ).await, 0);
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn it_is_measured_and_made_anew(pool: Pool) {
    make_tables(&pool).await.unwrap();
    assert!(per_second(&pool, Duration::from_millis(10)).await.unwrap() > 0.0);
    assert_eq!(alone(&pool, 3).await.unwrap().len(), 3);
    make_tables(&pool).await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM floor.events").await, 0);
}
