//! Why an order paid what it paid, or why not: all that is known of it, in the order in which it was decided.
//!
//! Read-only, in one snapshot of the database. Plain data in `explanation`; `words` makes sentences of it.

mod attempts;
mod changes;
mod commissions;
mod details;
mod explanation;
mod limits;
mod orgs;
mod sales;
#[cfg(test)]
mod tests;
mod words;

use crate::{
    db::{Connection, DbError, Pool, pool, rollback},
    domain::{OrgId, ProgramId},
};
pub use explanation::{
    Attempt, Chapter, EventRow, Explanation, Sale, SaleClick, SaleCommission, SaleCustomer, SaleEvent,
    SalePayment, SaleRefund, SaleTransfer,
};
pub use limits::{MAX_ATTEMPTS, MAX_CONVERSIONS, MAX_NAMED_ORGS, MAX_ROWS};
pub use orgs::orgs_with;

/// Explains an order of one organisation. `None`: nothing that `scope`, the program to which a key is bound, may see is
/// known of it.
///
/// # Errors
/// When the database does not answer, or holds what no version of this code wrote.
pub async fn find(
    pool: &Pool,
    org: OrgId,
    order: &str,
    scope: Option<ProgramId>,
) -> Result<Option<Explanation>, DbError> {
    let mut snapshot = pool::snapshot(pool).await?;
    limit_time(&mut snapshot).await?;
    let slug = orgs::slug(&mut snapshot, org).await?;
    let (conversions, is_cut) = sales::of_order(&mut snapshot, org, order, scope).await?;
    let (attempts, is_more) = attempts::of_order(&mut snapshot, org, order, scope).await?;
    rollback(snapshot).await?;
    let Some(slug) = slug.filter(|_| !conversions.is_empty() || !attempts.is_empty()) else {
        return Ok(None);
    };
    let mut explanation = Explanation {
        org: slug,
        order: order.to_owned(),
        story: Vec::new(),
        conversions,
        attempts,
        is_cut: is_cut || is_more,
    };
    explanation.story = words::story(&explanation);
    Ok(Some(explanation))
}

/// Limits the time of a statement: a caller waits, unlike for the snapshots of the ledger check.
async fn limit_time(conn: &mut Connection) -> Result<(), DbError> {
    sqlx::query!("SET LOCAL statement_timeout = '10s'")
        .execute(conn)
        .await
        .map_err(|error| DbError::new("explain.begin", error))?;
    Ok(())
}
