//! Numbers from the sequences, drawn before deciding.

use super::{Connection, DbError};
use crate::domain::world::IdPool;

/// How many numbers a batch can need at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdDemand {
    pub customers: usize,
    pub conversions: usize,
    pub commissions: usize,
    pub clicks: usize,
    pub payments: usize,
}

/// Draws them. Low numbers come first.
///
/// # Errors
/// When the database does not answer.
pub async fn draw(connection: &mut Connection, demand: IdDemand) -> Result<IdPool, DbError> {
    let rows = sqlx::query!(
        r#"SELECT 1 AS "kind!", nextval('customer_ids') AS "id!" FROM generate_series(1, $1)
         UNION ALL SELECT 2, nextval('conversion_ids') FROM generate_series(1, $2)
         UNION ALL SELECT 3, nextval('commission_ids') FROM generate_series(1, $3)
         UNION ALL SELECT 4, nextval('click_ids') FROM generate_series(1, $4)
         UNION ALL SELECT 5, nextval('payment_ids') FROM generate_series(1, $5)"#,
        count(demand.customers),
        count(demand.conversions),
        count(demand.commissions),
        count(demand.clicks),
        count(demand.payments)
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("ids.draw", error))?;
    let of = |kind: i32| {
        rows.iter()
            .rev()
            .filter(move |row| row.kind == kind)
            .map(|row| row.id)
            .collect()
    };
    Ok(IdPool {
        customers: of(1),
        conversions: of(2),
        commissions: of(3),
        clicks: of(4),
        payments: of(5),
    })
}

fn count(demand: usize) -> i32 {
    i32::try_from(demand).unwrap_or(i32::MAX)
}
