//! Commissions of the sales of an order, each with the movements of its money.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    explanation::{SaleCommission, SalePayment, SaleTransfer},
    limits::{MAX_ROWS, cut},
};
use crate::{
    db::{Connection, DbError},
    domain::{Currency, OrgId, ledger::TransferCode},
};

/// The earliest [`MAX_ROWS`] commissions of the conversions, each beside the number of its conversion, with their earliest
/// [`MAX_ROWS`] transfers; and whether there are more of either.
pub(super) async fn of_conversions(
    conn: &mut Connection,
    org: OrgId,
    conversions: &[i64],
) -> Result<(Vec<(i64, SaleCommission)>, bool), DbError> {
    let mut rows = commissions(conn, org, conversions).await?;
    let is_cut = cut(&mut rows, MAX_ROWS);
    let ids: Vec<i64> = rows.iter().map(|row| row.commission_id).collect();
    let mut transfers = transfers(conn, org, &ids).await?;
    let is_cut = is_cut | cut(&mut transfers, MAX_ROWS);
    let mut by_commission: HashMap<i64, Vec<TransferRow>> = HashMap::new();
    for transfer in transfers {
        by_commission
            .entry(transfer.commission_id)
            .or_default()
            .push(transfer);
    }
    let with_transfers = rows.into_iter().map(|row| {
        let transfers = by_commission.remove(&row.commission_id).unwrap_or_default();
        (row.conversion_id, row.commission(transfers))
    });
    Ok((with_transfers.collect(), is_cut))
}

struct CommissionRow {
    commission_id: i64,
    conversion_id: i64,
    kind: String,
    affiliate: Option<String>,
    commission_type: String,
    commission_name: String,
    rate: Option<Decimal>,
    sub_amount: Decimal,
    share: Option<Decimal>,
    gross: Decimal,
    amount: Decimal,
    currency: Currency,
    approved: Option<bool>,
    finalised_at: Option<DateTime<Utc>>,
    comment: Option<String>,
    payment_id: Option<i64>,
    paid: Option<Decimal>,
    paid_at: Option<DateTime<Utc>>,
}

impl CommissionRow {
    fn commission(self, transfers: Vec<TransferRow>) -> SaleCommission {
        let currency = self.currency;
        let payment = self.payment_id.zip(self.paid).zip(self.paid_at);
        SaleCommission {
            commission: self.commission_id,
            kind: self.kind,
            affiliate: self.affiliate,
            commission_type: self.commission_type,
            commission_name: self.commission_name,
            rule: None,
            rate: self.rate.map(|rate| rate.normalize()),
            sub_amount: currency.shown(self.sub_amount),
            gross: currency.shown(self.gross),
            amount: currency.shown(self.amount),
            currency,
            approved: self.approved,
            finalised_at: self.finalised_at,
            comment: self.comment,
            payment: payment.map(|((payment, amount), created_at)| SalePayment {
                payment,
                amount: currency.shown(amount),
                created_at,
            }),
            transfers: transfers.into_iter().map(|row| row.transfer(currency)).collect(),
            share: self.share.map(|share| currency.shown(share)),
        }
    }
}

async fn commissions(
    conn: &mut Connection,
    org: OrgId,
    conversions: &[i64],
) -> Result<Vec<CommissionRow>, DbError> {
    sqlx::query_as!(
        CommissionRow,
        r#"SELECT m.commission_id, m.conversion_id AS "conversion_id!", m.kind, m.commission_type, m.commission_name, m.rate,
                m.sub_amount, m.part AS share, m.gross, m.amount, m.currency AS "currency: Currency", m.approved,
                m.final_at AS finalised_at, m.comment, m.payment_id, a.slug AS "affiliate?", p.amount AS "paid?",
                p.created_at AS "paid_at?"
           FROM commissions m
           LEFT JOIN affiliates a ON a.org_id = m.org_id AND a.affiliate_id = m.affiliate_id
           LEFT JOIN payments p ON p.org_id = m.org_id AND p.payment_id = m.payment_id
          WHERE m.org_id = $1 AND m.conversion_id = ANY ($2)
          ORDER BY m.commission_id
          LIMIT $3"#,
        org.0,
        conversions,
        MAX_ROWS + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.commissions", error))
}

struct TransferRow {
    transfer_id: i64,
    commission_id: i64,
    recorded_at: DateTime<Utc>,
    code: TransferCode,
    debit_account: String,
    credit_account: String,
    amount: Decimal,
    event_id: Uuid,
}

impl TransferRow {
    fn transfer(self, currency: Currency) -> SaleTransfer {
        SaleTransfer {
            transfer: self.transfer_id,
            time: self.recorded_at,
            code: self.code,
            from: self.debit_account,
            to: self.credit_account,
            amount: currency.shown(self.amount),
            event: self.event_id,
        }
    }
}

async fn transfers(
    conn: &mut Connection,
    org: OrgId,
    commissions: &[i64],
) -> Result<Vec<TransferRow>, DbError> {
    sqlx::query_as!(
        TransferRow,
        r#"SELECT transfer_id, commission_id AS "commission_id!", recorded_at, code AS "code: TransferCode",
                debit_account, credit_account, amount, event_id
           FROM transfers WHERE org_id = $1 AND commission_id = ANY ($2)
          ORDER BY transfer_id
          LIMIT $3"#,
        org.0,
        commissions,
        MAX_ROWS + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.transfers", error))
}
