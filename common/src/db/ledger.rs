//! Transfers and balances, always written together.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns, copy, copy::copy_in};
use crate::domain::ledger::{Balance, Transfer};

columns! {
    /// Transfers, column by column.
    Columns<'a> of Transfer {
        org, affiliate, debit, credit, amount, currency, code, commission, event, recorded_at,
    } in &'a Transfer {
        org_id: i64 = org.0,
        affiliate_id: i64 = affiliate.0,
        debit_account: &'a str = debit.name(),
        credit_account: &'a str = credit.name(),
        amount: Decimal = *amount,
        currency: &'a str = currency.code(),
        code: &'a str = code.stored(),
        commission_id: Option<i64> = commission.map(|id| id.0),
        event_id: Uuid = event.0,
        recorded_at: DateTime<Utc> = *recorded_at,
    }
}

/// Posts transfers and moves the balances by the same amounts: one row per affiliate and currency, in sorted order.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn post(connection: &mut Connection, transfers: &[Transfer]) -> Result<(), DbError> {
    let Some(new) = Columns::of(transfers) else {
        return Ok(());
    };
    if transfers.len() >= copy::MANY {
        insert_many(connection, &new).await?;
    } else {
        insert(connection, &new).await?;
    }
    move_balances(connection, transfers).await
}

async fn insert(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO transfers (org_id, affiliate_id, debit_account, credit_account, amount, currency, code,
             commission_id, event_id, recorded_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::numeric[], $6::text[],
             $7::text[], $8::bigint[], $9::uuid[], $10::timestamptz[])",
        &new.org_id,
        &new.affiliate_id,
        &new.debit_account as _,
        &new.credit_account as _,
        &new.amount,
        &new.currency as _,
        &new.code as _,
        &new.commission_id as _,
        &new.event_id,
        &new.recorded_at,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("transfers.insert", error))?;
    Ok(())
}

async fn insert_many(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    copy_in!(
        connection,
        "COPY transfers",
        "transfers.copy",
        new,
        [
            org_id,
            affiliate_id,
            debit_account,
            credit_account,
            amount,
            currency,
            code,
            commission_id,
            event_id,
            recorded_at
        ]
    )
}

columns! {
    /// Movements of balances, column by column.
    BalanceColumns<'a> of ((org, affiliate, currency), Balance { pending, payable, paid }) in (&'a BalanceKey, &'a Balance) {
        org_id: i64 = *org,
        affiliate_id: i64 = *affiliate,
        currency: &'a str = currency,
        pending: Decimal = *pending,
        payable: Decimal = *payable,
        paid: Decimal = *paid,
    }
}

/// Organisation, affiliate and currency.
type BalanceKey = (i64, i64, &'static str);

async fn move_balances(connection: &mut Connection, transfers: &[Transfer]) -> Result<(), DbError> {
    // A busy affiliate costs one row lock per batch, and sorted rows cannot deadlock with another batch.
    let mut deltas: BTreeMap<BalanceKey, Balance> = BTreeMap::new();
    for transfer in transfers {
        let delta = deltas
            .entry((transfer.org.0, transfer.affiliate.0, transfer.currency.code()))
            .or_default();
        delta.post(transfer.debit, transfer.credit, transfer.amount);
    }
    let Some(moved) = BalanceColumns::of(&deltas) else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO balances AS b (org_id, affiliate_id, currency, pending, payable, paid)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[])
         ON CONFLICT ON CONSTRAINT balances_pkey DO UPDATE
         SET pending = b.pending + excluded.pending, payable = b.payable + excluded.payable,
             paid = b.paid + excluded.paid",
        &moved.org_id,
        &moved.affiliate_id,
        &moved.currency as _,
        &moved.pending,
        &moved.payable,
        &moved.paid,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("balances.move", error))?;
    Ok(())
}
