//! What REST 1.6 reads: newest first, in pages, with all names, in one statement a page.

pub mod balances;
pub mod clicks;
pub mod commissions;
pub mod conversions;
pub mod customers;
pub(super) mod rows;

use sqlx::{Postgres, postgres::PgArguments, query::QueryScalar, types::Json};

use crate::db::{Connection, DbError};

/// Rows of a page (seed: REST 1.6, pagination).
pub const PAGE_SIZE: u32 = 25;
/// Totals are exact up to here; beyond, the planner's estimate is good enough for a link to the last page.
pub const MAX_EXACT_TOTAL: u64 = 10_000;

/// How many rows come before `page`, of which the first is 1.
pub(super) fn skipped(page: u32) -> i64 {
    i64::from(page.saturating_sub(1)) * i64::from(PAGE_SIZE)
}

/// A count is worth this many rows.
pub(super) fn exact_limit() -> i64 {
    i64::try_from(MAX_EXACT_TOTAL).unwrap_or(i64::MAX)
}

/// What `counted` says up to [`MAX_EXACT_TOTAL`]; above it what the planner thinks of the same rows.
pub(super) async fn total(
    conn: &mut Connection,
    operation: &'static str,
    counted: QueryScalar<'_, Postgres, i64, PgArguments>,
    plan: QueryScalar<'_, Postgres, Json<serde_json::Value>, PgArguments>,
) -> Result<u64, DbError> {
    let counted = counted
        .fetch_one(&mut *conn)
        .await
        .map_err(|error| DbError::new(operation, error))?;
    let counted = u64::try_from(counted).unwrap_or_default();
    if counted <= MAX_EXACT_TOTAL {
        return Ok(counted);
    }
    let Json(plan) = plan
        .fetch_one(conn)
        .await
        .map_err(|error| DbError::new(operation, error))?;
    let estimate = plan
        .pointer("/0/Plan/Plan Rows")
        .and_then(serde_json::Value::as_u64);
    Ok(estimate.unwrap_or_default().max(counted))
}
