//! Commissions: loaded with their conversion, or alone where they have none (bonuses).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{Connection, DbError, decode};
use crate::domain::{
    AffiliateId, CommissionId, ConversionId, OrgId, PaymentId,
    entities::{Change, Commission, CommissionKind, Conversion},
    ledger::Position,
};

#[derive(sqlx::FromRow)]
struct Row {
    org_id: i64,
    commission_id: i64,
    conversion_id: Option<i64>,
    affiliate_id: i64,
    kind: String,
    commission_type: String,
    commission_name: String,
    rate: Option<Decimal>,
    sub_amount: Decimal,
    gross: Decimal,
    amount: Decimal,
    currency: String,
    approved: Option<bool>,
    pending: Decimal,
    payable: Decimal,
    part: Option<Decimal>,
    #[sqlx(rename = "final_at")]
    finalised_at: Option<DateTime<Utc>>,
    payment_id: Option<i64>,
    comment: Option<String>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn commission(self) -> Result<Commission, DbError> {
        Ok(Commission {
            change: Change::None,
            id: CommissionId(self.commission_id),
            affiliate: AffiliateId(self.affiliate_id),
            kind: CommissionKind::parse(&self.kind).ok_or_else(|| decode("commissions.kind", &self.kind))?,
            commission_type: self.commission_type,
            commission_name: self.commission_name,
            rate: self.rate.map(|rate| rate.normalize()),
            sub_amount: self.sub_amount.normalize(),
            gross: self.gross.normalize(),
            amount: self.amount.normalize(),
            currency: self
                .currency
                .parse()
                .map_err(|error| decode("commissions.currency", error))?,
            approved: self.approved,
            position: Position {
                pending: self.pending.normalize(),
                payable: self.payable.normalize(),
            },
            part: self.part.map(|part| part.normalize()),
            finalised_at: self.finalised_at,
            payment: self.payment_id.map(PaymentId),
            comment: self.comment,
            created_at: self.created_at,
        })
    }
}

/// Adds their commissions to conversions, in the order of their numbers.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn load_into(connection: &mut Connection, conversions: &mut [Conversion]) -> Result<(), DbError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT c.org_id, c.commission_id, c.conversion_id, c.affiliate_id, c.kind, c.commission_type,
                c.commission_name, c.rate, c.sub_amount, c.gross, c.amount, c.currency, c.approved, c.pending,
                c.payable, c.part, c.final_at, c.payment_id, c.comment, c.created_at
         FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, conversion_id)
         JOIN commissions c ON (c.org_id, c.conversion_id) = (sent.org_id, sent.conversion_id)
         ORDER BY c.org_id, c.commission_id",
    )
    .bind(conversions.iter().map(|one| one.org.0).collect::<Vec<_>>())
    .bind(conversions.iter().map(|one| one.id.0).collect::<Vec<_>>())
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("commissions.load", error))?;
    let mut found: HashMap<(OrgId, ConversionId), Vec<Commission>> = HashMap::new();
    for row in rows {
        let Some(conversion) = row.conversion_id else {
            continue;
        };
        let of = (OrgId(row.org_id), ConversionId(conversion));
        found.entry(of).or_default().push(row.commission()?);
    }
    for conversion in conversions {
        conversion.commissions = found.remove(&(conversion.org, conversion.id)).unwrap_or_default();
    }
    Ok(())
}

/// Commissions without a conversion by their numbers, with their rows locked.
///
/// # Errors
/// As [`load_into`].
pub async fn lock_bonuses(
    connection: &mut Connection,
    numbers: &[(OrgId, CommissionId)],
) -> Result<Vec<(OrgId, Commission)>, DbError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT c.org_id, c.commission_id, c.conversion_id, c.affiliate_id, c.kind, c.commission_type,
                c.commission_name, c.rate, c.sub_amount, c.gross, c.amount, c.currency, c.approved, c.pending,
                c.payable, c.part, c.final_at, c.payment_id, c.comment, c.created_at
         FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, commission_id)
         JOIN commissions c ON (c.org_id, c.commission_id) = (sent.org_id, sent.commission_id)
         WHERE c.conversion_id IS NULL
         ORDER BY c.org_id, c.commission_id FOR UPDATE OF c",
    )
    .bind(numbers.iter().map(|one| one.0.0).collect::<Vec<_>>())
    .bind(numbers.iter().map(|one| one.1.0).collect::<Vec<_>>())
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("commissions.lock", error))?;
    let row = |row: Row| Ok((OrgId(row.org_id), row.commission()?));
    rows.into_iter().map(row).collect()
}

/// Writes the commissions that deciding has marked, each with its organisation and its conversion.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write(
    connection: &mut Connection,
    commissions: &[(OrgId, Option<ConversionId>, &Commission)],
) -> Result<(), DbError> {
    for (change, sql) in [(Change::Insert, INSERT), (Change::Update, UPDATE)] {
        let marked: Vec<_> = commissions
            .iter()
            .filter(|(_, _, commission)| commission.change == change)
            .map(|(org, conversion, commission)| ((org.0, conversion.map(|id| id.0)), *commission))
            .collect();
        if marked.is_empty() {
            continue;
        }
        sqlx::query(sql)
            .bind(marked.iter().map(|((org, _), _)| *org).collect::<Vec<_>>())
            .bind(marked.iter().map(|(_, one)| one.id.0).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|((_, conversion), _)| *conversion)
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|(_, one)| one.affiliate.0).collect::<Vec<_>>())
            .bind(marked.iter().map(|(_, one)| one.kind.name()).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|(_, one)| one.commission_type.as_str())
                    .collect::<Vec<_>>(),
            )
            .bind(
                marked
                    .iter()
                    .map(|(_, one)| one.commission_name.as_str())
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|(_, one)| one.rate).collect::<Vec<_>>())
            .bind(marked.iter().map(|(_, one)| one.sub_amount).collect::<Vec<_>>())
            .bind(marked.iter().map(|(_, one)| one.gross).collect::<Vec<_>>())
            .bind(marked.iter().map(|(_, one)| one.amount).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|(_, one)| one.currency.code())
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|(_, one)| one.approved).collect::<Vec<_>>())
            .bind(
                marked
                    .iter()
                    .map(|(_, one)| one.position.pending)
                    .collect::<Vec<_>>(),
            )
            .bind(
                marked
                    .iter()
                    .map(|(_, one)| one.position.payable)
                    .collect::<Vec<_>>(),
            )
            .bind(
                marked
                    .iter()
                    .map(|(_, one)| one.comment.as_deref())
                    .collect::<Vec<_>>(),
            )
            .bind(marked.iter().map(|(_, one)| one.created_at).collect::<Vec<_>>())
            .bind(marked.iter().map(|(_, one)| one.part).collect::<Vec<_>>())
            .bind(marked.iter().map(|(_, one)| one.finalised_at).collect::<Vec<_>>())
            .execute(&mut *connection)
            .await
            .map_err(|error| DbError::new("commissions.write", error))?;
    }
    Ok(())
}

const INSERT: &str = "
    INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type,
        commission_name, rate, sub_amount, gross, amount, currency, approved, pending, payable, comment, created_at,
        part, final_at)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
        $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::text[], $13::boolean[], $14::numeric[],
        $15::numeric[], $16::text[], $17::timestamptz[], $18::numeric[], $19::timestamptz[])";

const UPDATE: &str = "
    UPDATE commissions c
    SET (rate, sub_amount, part, gross, amount, approved, pending, payable, comment, final_at)
      = (new.rate, new.sub_amount, new.part, new.gross, new.amount, new.approved, new.pending, new.payable, new.comment,
         new.final_at)
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
        $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::text[], $13::boolean[], $14::numeric[],
        $15::numeric[], $16::text[], $17::timestamptz[], $18::numeric[], $19::timestamptz[])
      AS new (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name, rate,
        sub_amount, gross, amount, currency, approved, pending, payable, comment, created_at, part, final_at)
    WHERE (c.org_id, c.commission_id) = (new.org_id, new.commission_id)";
