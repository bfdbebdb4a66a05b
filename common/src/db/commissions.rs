//! Commissions: loaded with their conversion, or alone where they have none (bonuses).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns, copy, copy::copy_in};
use crate::domain::{
    AffiliateId, CommissionId, ConversionId, Currency, EventId, OrgId, PaymentId,
    entities::{Change, Commission, CommissionKind, Conversion},
    ledger::CommissionBalance,
};

struct Row {
    org: OrgId,
    id: CommissionId,
    conversion: Option<ConversionId>,
    affiliate: AffiliateId,
    kind: CommissionKind,
    commission_type: String,
    commission_name: String,
    rate: Option<Decimal>,
    sub_amount: Decimal,
    part: Option<Decimal>,
    followed_amount: Option<Decimal>,
    exact_gross: Option<Decimal>,
    gross: Decimal,
    amount: Decimal,
    settled_on: Option<Decimal>,
    currency: Currency,
    approved: Option<bool>,
    approved_by: Option<EventId>,
    finalised_at: Option<DateTime<Utc>>,
    pending: Decimal,
    payable: Decimal,
    payment: Option<PaymentId>,
    comment: Option<String>,
    created_at: DateTime<Utc>,
}

/// Selects [`Row`]s of `commissions c`; `$from` says which.
macro_rules! select_commissions {
    ($from:literal, $($arguments:tt)+) => {
        sqlx::query_as!(
            Row,
            r#"SELECT c.org_id AS "org: OrgId", c.commission_id AS "id: CommissionId",
                      c.conversion_id AS "conversion: ConversionId", c.affiliate_id AS "affiliate: AffiliateId",
                      c.kind AS "kind: CommissionKind", c.commission_type, c.commission_name, c.rate, c.sub_amount, c.part,
                      c.followed_amount, c.exact_gross, c.gross, c.amount, c.settled_on, c.currency AS "currency: Currency", c.approved, c.approved_by AS "approved_by: EventId", c.final_at AS finalised_at,
                      c.pending, c.payable, c.payment_id AS "payment: PaymentId", c.comment, c.created_at "# + $from,
            $($arguments)+
        )
    };
}

impl From<Row> for Commission {
    fn from(row: Row) -> Self {
        Self {
            change: Change::None,
            id: row.id,
            affiliate: row.affiliate,
            kind: row.kind,
            commission_type: row.commission_type,
            commission_name: row.commission_name,
            rate: row.rate.map(|rate| rate.normalize()),
            sub_amount: row.sub_amount.normalize(),
            share: row.part.map(|share| share.normalize()),
            followed: row.followed_amount.map(|followed| followed.normalize()),
            exact: row.exact_gross.map(|exact| exact.normalize()),
            gross: row.gross.normalize(),
            amount: row.amount.normalize(),
            settled_on: row.settled_on.map(|left| left.normalize()),
            currency: row.currency,
            approved: row.approved,
            approved_by: row.approved_by,
            finalised_at: row.finalised_at,
            balance: CommissionBalance {
                pending: row.pending.normalize(),
                payable: row.payable.normalize(),
            },
            payment: row.payment,
            comment: row.comment,
            created_at: row.created_at,
        }
    }
}

/// Adds their commissions to conversions, in the order of their numbers.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn load_into(connection: &mut Connection, conversions: &mut [Conversion]) -> Result<(), DbError> {
    let (orgs, ids): (Vec<i64>, Vec<i64>) = conversions
        .iter()
        .map(|conversion| (conversion.org.0, conversion.id.0))
        .unzip();
    let rows = select_commissions!(
        "FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, conversion_id)
         JOIN commissions c ON (c.org_id, c.conversion_id) = (sent.org_id, sent.conversion_id)
         ORDER BY c.org_id, c.commission_id",
        &orgs,
        &ids
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("commissions.load", error))?;
    let mut of_conversions: HashMap<(OrgId, ConversionId), Vec<Commission>> = HashMap::new();
    for row in rows {
        let Some(conversion) = row.conversion else {
            continue;
        };
        of_conversions
            .entry((row.org, conversion))
            .or_default()
            .push(row.into());
    }
    for conversion in conversions {
        conversion.commissions = of_conversions
            .remove(&(conversion.org, conversion.id))
            .unwrap_or_default();
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
    let (orgs, ids): (Vec<i64>, Vec<i64>) = numbers.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows = select_commissions!(
        "FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, commission_id)
         JOIN commissions c ON (c.org_id, c.commission_id) = (sent.org_id, sent.commission_id)
         WHERE c.conversion_id IS NULL
         ORDER BY c.org_id, c.commission_id FOR UPDATE OF c",
        &orgs,
        &ids
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("commissions.lock", error))?;
    Ok(rows.into_iter().map(|row| (row.org, row.into())).collect())
}

/// A commission with its organisation and its conversion, if it has one.
pub type Owned<'a> = (OrgId, Option<ConversionId>, &'a Commission);

columns! {
    /// Commissions, column by column.
    Columns<'a> of (org, conversion, Commission {
        change: _, id, affiliate, kind, commission_type, commission_name, rate, sub_amount, share, followed, exact, gross, amount,
        settled_on, currency, approved, approved_by, finalised_at, balance: CommissionBalance { pending, payable }, comment, created_at,
        // Set by whoever writes payments.
        payment: _,
    }) in &'a Owned<'a> {
        org_id: i64 = org.0,
        commission_id: i64 = id.0,
        conversion_id: Option<i64> = conversion.map(|id| id.0),
        affiliate_id: i64 = affiliate.0,
        kind: &'a str = kind.name(),
        commission_type: &'a str = commission_type,
        commission_name: &'a str = commission_name,
        rate: Option<Decimal> = *rate,
        sub_amount: Decimal = *sub_amount,
        part: Option<Decimal> = *share,
        followed_amount: Option<Decimal> = *followed,
        exact_gross: Option<Decimal> = *exact,
        gross: Decimal = *gross,
        amount: Decimal = *amount,
        settled_on: Option<Decimal> = *settled_on,
        currency: &'a str = currency.code(),
        approved: Option<bool> = *approved,
        approved_by: Option<Uuid> = approved_by.map(|event| event.0),
        final_at: Option<DateTime<Utc>> = *finalised_at,
        pending: Decimal = *pending,
        payable: Decimal = *payable,
        comment: Option<&'a str> = comment.as_deref(),
        created_at: DateTime<Utc> = *created_at,
    }
}

/// Writes the commissions that deciding has marked.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn write(connection: &mut Connection, commissions: &[Owned<'_>]) -> Result<(), DbError> {
    let marked = |change| {
        let commissions = commissions.iter();
        commissions.filter(move |(_, _, commission)| commission.change == change)
    };
    if let Some(new) = Columns::of(marked(Change::Insert)) {
        insert(connection, &new).await?;
    }
    if let Some(changed) = Columns::of(marked(Change::Update)) {
        update(connection, &changed).await?;
    }
    Ok(())
}

async fn insert_many(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    copy_in!(
        connection,
        "COPY commissions",
        "commissions.copy",
        new,
        [
            org_id,
            commission_id,
            conversion_id,
            affiliate_id,
            kind,
            commission_type,
            commission_name,
            rate,
            sub_amount,
            part,
            followed_amount,
            exact_gross,
            gross,
            amount,
            settled_on,
            currency,
            approved,
            final_at,
            pending,
            payable,
            comment,
            created_at,
            approved_by
        ]
    )
}

async fn insert(connection: &mut Connection, new: &Columns<'_>) -> Result<(), DbError> {
    if new.commission_id.len() >= copy::MANY {
        return insert_many(connection, new).await;
    }
    sqlx::query!(
        "INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type,
             commission_name, rate, sub_amount, part, followed_amount, exact_gross, gross, amount, settled_on, currency,
             approved, final_at, pending, payable, comment, created_at, approved_by)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
             $7::text[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[],
             $14::numeric[], $15::numeric[], $16::text[], $17::boolean[], $18::timestamptz[], $19::numeric[],
             $20::numeric[], $21::text[], $22::timestamptz[], $23::uuid[])",
        &new.org_id,
        &new.commission_id,
        &new.conversion_id as _,
        &new.affiliate_id,
        &new.kind as _,
        &new.commission_type as _,
        &new.commission_name as _,
        &new.rate as _,
        &new.sub_amount,
        &new.part as _,
        &new.followed_amount as _,
        &new.exact_gross as _,
        &new.gross,
        &new.amount,
        &new.settled_on as _,
        &new.currency as _,
        &new.approved as _,
        &new.final_at as _,
        &new.pending,
        &new.payable,
        &new.comment as _,
        &new.created_at,
        &new.approved_by as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("commissions.insert", error))?;
    Ok(())
}

/// Whose it is and what for stays as it was recorded.
async fn update(connection: &mut Connection, changed: &Columns<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE commissions c
         SET rate = new.rate, sub_amount = new.sub_amount, part = new.part, followed_amount = new.followed_amount,
             exact_gross = new.exact_gross, gross = new.gross, amount = new.amount, settled_on = new.settled_on,
             approved = new.approved, final_at = new.final_at, pending = new.pending, payable = new.payable,
             comment = new.comment, approved_by = new.approved_by
         FROM unnest($1::bigint[], $2::bigint[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[],
                 $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::boolean[], $12::timestamptz[],
                 $13::numeric[], $14::numeric[], $15::text[], $16::uuid[])
           AS new (org_id, commission_id, rate, sub_amount, part, followed_amount, exact_gross, gross, amount, settled_on,
                 approved, final_at, pending, payable, comment, approved_by)
         WHERE (c.org_id, c.commission_id) = (new.org_id, new.commission_id)",
        &changed.org_id,
        &changed.commission_id,
        &changed.rate as _,
        &changed.sub_amount,
        &changed.part as _,
        &changed.followed_amount as _,
        &changed.exact_gross as _,
        &changed.gross,
        &changed.amount,
        &changed.settled_on as _,
        &changed.approved as _,
        &changed.final_at as _,
        &changed.pending,
        &changed.payable,
        &changed.comment as _,
        &changed.approved_by as _,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("commissions.update", error))?;
    Ok(())
}
