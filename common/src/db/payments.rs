//! Payments, and the commissions that they cover.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Connection, DbError, decode};
use crate::domain::{
    AffiliateId, EventId, OrgId, PaymentId,
    entities::{Change, Payment},
};

#[derive(sqlx::FromRow)]
struct Row {
    org_id: i64,
    payment_id: i64,
    affiliate_id: i64,
    amount: Decimal,
    currency: String,
    event_id: Uuid,
    created_at: DateTime<Utc>,
    canceled_at: Option<DateTime<Utc>>,
}

impl Row {
    fn payment(self) -> Result<Payment, DbError> {
        Ok(Payment {
            change: Change::None,
            org: OrgId(self.org_id),
            id: PaymentId(self.payment_id),
            affiliate: AffiliateId(self.affiliate_id),
            amount: self.amount.normalize(),
            currency: self
                .currency
                .parse()
                .map_err(|error| decode("payments.currency", error))?,
            event: EventId(self.event_id),
            created_at: self.created_at,
            canceled_at: self.canceled_at,
        })
    }
}

/// Payments by their numbers, with their rows locked.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn lock(
    connection: &mut Connection,
    numbers: &[(OrgId, PaymentId)],
) -> Result<Vec<Payment>, DbError> {
    let (orgs, numbers): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT p.org_id, p.payment_id, p.affiliate_id, p.amount, p.currency, p.event_id, p.created_at,
                p.canceled_at
         FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, payment_id)
         JOIN payments p ON (p.org_id, p.payment_id) = (sent.org_id, sent.payment_id)
         ORDER BY p.org_id, p.payment_id FOR UPDATE OF p",
    )
    .bind(orgs)
    .bind(numbers)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("payments.lock", error))?;
    rows.into_iter().map(Row::payment).collect()
}

/// Writes the payments that deciding has marked, in the order of their numbers, and the commissions that they cover.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write(connection: &mut Connection, payments: &[&Payment]) -> Result<(), DbError> {
    for payment in payments {
        match payment.change {
            Change::None => {}
            Change::Insert => {
                insert(connection, payment).await?;
                if payment.canceled_at.is_none() {
                    cover(connection, payment).await?;
                }
            }
            Change::Update => cancel(connection, payment).await?,
        }
    }
    Ok(())
}

async fn insert(connection: &mut Connection, payment: &Payment) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at, canceled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(payment.org.0)
    .bind(payment.id.0)
    .bind(payment.affiliate.0)
    .bind(payment.amount)
    .bind(payment.currency.code())
    .bind(payment.event.0)
    .bind(payment.created_at)
    .bind(payment.canceled_at)
    .execute(connection)
    .await
    .map_err(|error| DbError::new("payments.insert", error))?;
    Ok(())
}

/// Marks the oldest approved unpaid commissions that fit whole, up to the first that does not. They are added up in a
/// later statement than the one that waits for their rows: whoever held them may have changed their amounts.
async fn cover(connection: &mut Connection, payment: &Payment) -> Result<(), DbError> {
    let failed = |error| DbError::new("payments.cover", error);
    let unpaid: Vec<i64> = sqlx::query_scalar(
        "SELECT commission_id FROM commissions
         WHERE org_id = $1 AND affiliate_id = $2 AND currency = $3 AND approved AND payment_id IS NULL AND amount > 0
         ORDER BY commission_id FOR UPDATE",
    )
    .bind(payment.org.0)
    .bind(payment.affiliate.0)
    .bind(payment.currency.code())
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(
        "WITH unpaid AS (
             SELECT commission_id, sum(amount) OVER (ORDER BY created_at, commission_id) AS total
             FROM commissions
             WHERE org_id = $1 AND commission_id = ANY ($2))
         UPDATE commissions c SET payment_id = $3
         FROM unpaid
         WHERE c.org_id = $1 AND c.commission_id = unpaid.commission_id AND unpaid.total <= $4",
    )
    .bind(payment.org.0)
    .bind(unpaid)
    .bind(payment.id.0)
    .bind(payment.amount)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn cancel(connection: &mut Connection, payment: &Payment) -> Result<(), DbError> {
    sqlx::query(
        "WITH canceled AS (UPDATE payments SET canceled_at = $4 WHERE org_id = $1 AND payment_id = $2)
         UPDATE commissions SET payment_id = NULL WHERE org_id = $1 AND affiliate_id = $3 AND payment_id = $2",
    )
    .bind(payment.org.0)
    .bind(payment.id.0)
    .bind(payment.affiliate.0)
    .bind(payment.canceled_at)
    .execute(connection)
    .await
    .map_err(|error| DbError::new("payments.cancel", error))?;
    Ok(())
}
