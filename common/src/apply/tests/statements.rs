//! What a batch costs in round trips: as much as one event does.

use sqlx::postgres::PgPoolOptions;

use super::{commit, demo, sale};
use crate::db::Pool;

/// For a batch of sales with customers, whatever its size: the locks, what is loaded, what is written. BEGIN and COMMIT come
/// on top.
const MAX_STATEMENTS: i64 = 30;

/// How often the session of the pool's only connection has executed prepared statements, as the database counts it: each
/// execution chooses a plan. This look is one of them.
async fn executed(one_connection: &Pool) -> i64 {
    sqlx::query_scalar(
        "SELECT COALESCE(sum(generic_plans + custom_plans), 0)::bigint FROM pg_prepared_statements",
    )
    .fetch_one(one_connection)
    .await
    .unwrap()
}

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn a_batch_costs_as_many_statements_as_one_event(pool: Pool) {
    let org = demo(&pool).await;
    let options = PgPoolOptions::new().max_connections(1);
    let pool = options
        .connect_with((*pool.connect_options()).clone())
        .await
        .unwrap();
    commit(&pool, vec![sale(org, "warm", "JANE10OFF", 10)]).await;
    let looks = [executed(&pool).await, executed(&pool).await];
    let look = looks[1] - looks[0];
    assert_eq!(look, 1, "an execution is counted once");
    let mut counts = Vec::new();
    for size in [1, 10, 300] {
        let batch = (0..size)
            .map(|order| sale(org, &format!("{size}-{order}"), "JANE10OFF", 10))
            .collect();
        let before = executed(&pool).await;
        commit(&pool, batch).await;
        counts.push(executed(&pool).await - before - look);
    }
    assert!(counts[0] > 5, "they are counted at all: {counts:?}");
    // Many new rows of a table are copied, which is no prepared statement.
    assert_eq!(counts[1], counts[0], "{counts:?}");
    assert!(counts[2] < counts[0], "{counts:?}");
    assert!(counts[0] <= MAX_STATEMENTS, "{counts:?}");
    println!("statements of a batch: {counts:?}");
    // The customer has been in one program so far. Elsewhere its own row stays as it is, and the one of that program is written;
    // from then on both are loaded, in one more statement.
    commit(&pool, vec![sale(org, "elsewhere", "PARTNER_CODE", 10)]).await;
    for (coupon, size, usual) in [
        ("JANE10OFF", 1, counts[0]),
        ("PARTNER_CODE", 1, counts[0]),
        ("PARTNER_CODE", 300, counts[2]),
    ] {
        let batch = (0..size)
            .map(|order| sale(org, &format!("{coupon}-{size}-{order}"), coupon, 10))
            .collect();
        let before = executed(&pool).await;
        commit(&pool, batch).await;
        assert_eq!(
            executed(&pool).await - before - look,
            usual + 1,
            "{coupon} {size}"
        );
    }
}
