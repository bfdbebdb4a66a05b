//! Transfers and balances, always written together.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Connection, DbError};
use crate::domain::ledger::{Account, Transfer};

/// Posts transfers and moves the balances by the same amounts: one row per affiliate and currency, in sorted order.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn post(connection: &mut Connection, transfers: &[Transfer]) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code,
                                commission_id, event_id, recorded_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::numeric[], $6::text[],
                              $7::text[], $8::bigint[], $9::uuid[], $10::timestamptz[])",
    )
    .bind(transfers.iter().map(|one| one.org.0).collect::<Vec<_>>())
    .bind(transfers.iter().map(|one| one.affiliate.0).collect::<Vec<_>>())
    .bind(transfers.iter().map(|one| one.debit.name()).collect::<Vec<_>>())
    .bind(transfers.iter().map(|one| one.credit.name()).collect::<Vec<_>>())
    .bind(transfers.iter().map(|one| one.amount).collect::<Vec<_>>())
    .bind(
        transfers
            .iter()
            .map(|one| one.currency.code())
            .collect::<Vec<_>>(),
    )
    .bind(transfers.iter().map(|one| one.code).collect::<Vec<_>>())
    .bind(
        transfers
            .iter()
            .map(|one| one.commission.map(|id| id.0))
            .collect::<Vec<_>>(),
    )
    .bind(transfers.iter().map(|one| one.event.0).collect::<Vec<_>>())
    .bind(transfers.iter().map(|one| one.recorded_at).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await
    .map_err(|error| DbError::new("transfers.insert", error))?;
    move_balances(connection, transfers).await
}

#[derive(Default)]
struct Delta {
    pending: Decimal,
    payable: Decimal,
    paid: Decimal,
}

impl Delta {
    fn add(&mut self, account: Account, amount: Decimal) {
        match account {
            Account::Expense => {}
            Account::Pending => self.pending += amount,
            Account::Payable => self.payable += amount,
            Account::Paid => self.paid += amount,
        }
    }
}

async fn move_balances(connection: &mut Connection, transfers: &[Transfer]) -> Result<(), DbError> {
    // A busy affiliate costs one row lock per batch, and sorted rows cannot deadlock with another batch.
    let mut deltas: BTreeMap<(i64, i64, &str), Delta> = BTreeMap::new();
    for one in transfers {
        let delta = deltas
            .entry((one.org.0, one.affiliate.0, one.currency.code()))
            .or_default();
        delta.add(one.credit, one.amount);
        delta.add(one.debit, -one.amount);
    }
    sqlx::query(
        "INSERT INTO balances AS b (org_id, affiliate_id, currency, pending, payable, paid)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[])
         ON CONFLICT ON CONSTRAINT balances_pkey DO UPDATE
         SET pending = b.pending + excluded.pending, payable = b.payable + excluded.payable,
             paid = b.paid + excluded.paid",
    )
    .bind(deltas.keys().map(|key| key.0).collect::<Vec<_>>())
    .bind(deltas.keys().map(|key| key.1).collect::<Vec<_>>())
    .bind(deltas.keys().map(|key| key.2).collect::<Vec<_>>())
    .bind(deltas.values().map(|delta| delta.pending).collect::<Vec<_>>())
    .bind(deltas.values().map(|delta| delta.payable).collect::<Vec<_>>())
    .bind(deltas.values().map(|delta| delta.paid).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("balances.move", error))?;
    Ok(())
}
