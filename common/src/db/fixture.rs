//! A small consistent world for the tests of this module: see `fixture.sql` and `later.sql`.

use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use uuid::Uuid;

use super::Pool;
use crate::domain::EventId;

/// When everything of the fixture happened, and the time at which tests look at it.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_176_000_000).unwrap()
}

/// The `n`th event of the fixture.
pub(crate) fn event(n: u128) -> EventId {
    EventId(Uuid::from_u128(0x01a1_f8d3_ea00_7000_8000_0000_0000_0000 + n))
}

/// Fills the database, and hands out a connection to it.
pub(crate) async fn world(pool: &Pool) -> PoolConnection<sqlx::Postgres> {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(include_str!("fixture.sql"))
        .execute(&mut *conn)
        .await
        .unwrap();
    conn
}

/// [`world`] with what comes later: see `later.sql`.
pub(crate) async fn later(pool: &Pool) -> PoolConnection<sqlx::Postgres> {
    let mut conn = world(pool).await;
    sqlx::raw_sql(include_str!("later.sql"))
        .execute(&mut *conn)
        .await
        .unwrap();
    conn
}
