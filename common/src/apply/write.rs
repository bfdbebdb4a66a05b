//! Writes what was decided, set-based and in one order for all: customers, conversions, ledger, events, balances last.

use chrono::{DateTime, Utc};

use crate::{
    db::{Connection, DbError, conversions, customers, events, idempotency, ledger, write_commissions},
    domain::{Decisions, entities::Conversion},
};

pub(super) async fn write(
    connection: &mut Connection,
    decided: &Decisions,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    customers::write(connection, &decided.world.customers).await?;
    let mut all: Vec<&Conversion> = decided.world.conversions.values().collect();
    all.sort_by_key(|conversion| (conversion.org, conversion.id));
    conversions::write(connection, &all).await?;
    write_commissions(connection, &all).await?;
    if !decided.refunds.is_empty() {
        conversions::insert_refunds(connection, &decided.refunds).await?;
    }
    if !decided.idempotency.is_empty() {
        idempotency::insert(connection, &decided.idempotency).await?;
    }
    events::write(connection, &decided.decisions, now).await?;
    if !decided.transfers.is_empty() {
        ledger::post(connection, &decided.transfers).await?;
    }
    Ok(())
}
