//! What an event costs the database: bytes of WAL by its own statements. Of a batch of a fixed size it is the same on every machine, so
//! that a change which makes it dearer is seen here first. `commissary bench` measures the rest.

use super::{commit, count, demo, sale};
use crate::db::Pool;

const BATCH: usize = 100;
/// A fifth more than what a sale of such a batch wrote when this was measured: 3,050 bytes. Whoever makes it less lowers this, too.
const MAX_WAL_BYTES: i64 = 3_660;

/// Bytes that the statements of this database have written, without what others wrote meanwhile.
const WRITTEN: &str = "SELECT coalesce(sum(wal_bytes), 0)::bigint FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn an_event_writes_no_more_than_it_did(pool: Pool) {
    let org = demo(&pool).await;
    sqlx::raw_sql("CREATE EXTENSION pg_stat_statements")
        .execute(&pool)
        .await
        .unwrap();
    let sales = |name: &str| {
        let each = (0..BATCH).map(|order| sale(org, &format!("{name}-{order}"), "PARTNER_CODE", 10));
        each.collect::<Vec<_>>()
    };
    commit(&pool, sales("warm")).await;
    let before = count(&pool, WRITTEN).await;
    commit(&pool, sales("measured")).await;
    let of_each = (count(&pool, WRITTEN).await - before) / i64::try_from(BATCH).unwrap();
    println!("WAL of an event: {of_each} bytes");
    assert!(of_each > 500, "it is counted at all: {of_each}");
    assert!(of_each <= MAX_WAL_BYTES, "an event writes {of_each} bytes of WAL");
}
