//! Payments, and the commissions that they cover.

use super::{Connection, DbError};
use crate::domain::{
    AffiliateId, Currency, EventId, OrgId, PaymentId,
    entities::{Change, Payment},
};

/// Payments by their numbers, with their rows locked.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn lock(
    connection: &mut Connection,
    numbers: &[(OrgId, PaymentId)],
) -> Result<Vec<Payment>, DbError> {
    let (orgs, numbers): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows = sqlx::query!(
        r#"SELECT p.org_id AS "org: OrgId", p.payment_id AS "id: PaymentId", p.affiliate_id AS "affiliate: AffiliateId",
                p.amount, p.currency AS "currency: Currency", p.event_id AS "event: EventId", p.created_at, p.canceled_at
         FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, payment_id)
         JOIN payments p ON (p.org_id, p.payment_id) = (sent.org_id, sent.payment_id)
         ORDER BY p.org_id, p.payment_id FOR UPDATE OF p"#,
        &orgs,
        &numbers
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("payments.lock", error))?;
    let payments = rows.into_iter().map(|row| Payment {
        change: Change::None,
        org: row.org,
        id: row.id,
        affiliate: row.affiliate,
        amount: row.amount.normalize(),
        currency: row.currency,
        event: row.event,
        created_at: row.created_at,
        canceled_at: row.canceled_at,
    });
    Ok(payments.collect())
}

/// Writes the payments that deciding has marked, in the order of their numbers, and the commissions that they cover.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write(connection: &mut Connection, payments: &[&Payment]) -> Result<(), DbError> {
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
    let Payment {
        change: _,
        org,
        id,
        affiliate,
        amount,
        currency,
        event,
        created_at,
        canceled_at,
    } = payment;
    sqlx::query!(
        "INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at, canceled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        id.0,
        affiliate.0,
        amount,
        currency.code(),
        event.0,
        created_at,
        *canceled_at
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("payments.insert", error))?;
    Ok(())
}

/// Marks the oldest approved unpaid commissions that fit whole, up to the first that does not. They are added up in a
/// later statement than the one that waits for their rows: whoever held them may have changed their amounts.
async fn cover(connection: &mut Connection, payment: &Payment) -> Result<(), DbError> {
    let failed = |error| DbError::new("payments.cover", error);
    let unpaid = sqlx::query_scalar!(
        "SELECT commission_id FROM commissions
         WHERE org_id = $1 AND affiliate_id = $2 AND currency = $3 AND approved AND payment_id IS NULL AND amount > 0
         ORDER BY commission_id FOR UPDATE",
        payment.org.0,
        payment.affiliate.0,
        payment.currency.code()
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query!(
        "WITH unpaid AS (
             SELECT commission_id, sum(amount) OVER (ORDER BY created_at, commission_id) AS total
             FROM commissions
             WHERE org_id = $1 AND commission_id = ANY ($2))
         UPDATE commissions c SET payment_id = $3
         FROM unpaid
         WHERE c.org_id = $1 AND c.commission_id = unpaid.commission_id AND unpaid.total <= $4",
        payment.org.0,
        &unpaid,
        payment.id.0,
        payment.amount
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn cancel(connection: &mut Connection, payment: &Payment) -> Result<(), DbError> {
    sqlx::query!(
        "WITH canceled AS (UPDATE payments SET canceled_at = $4 WHERE org_id = $1 AND payment_id = $2)
         UPDATE commissions SET payment_id = NULL WHERE org_id = $1 AND affiliate_id = $3 AND payment_id = $2",
        payment.org.0,
        payment.id.0,
        payment.affiliate.0,
        payment.canceled_at
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("payments.cancel", error))?;
    Ok(())
}
