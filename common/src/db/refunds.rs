//! Refunds: loaded with their conversions, recorded set-based.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Connection, DbError, columns::columns};
use crate::domain::{
    ConversionId, EventId, OrgId,
    entities::{Conversion, RefundEntry},
};

/// Adds their refunds to conversions.
///
/// # Errors
/// When the database does not answer.
pub async fn load_into(connection: &mut Connection, conversions: &mut [Conversion]) -> Result<(), DbError> {
    let (orgs, ids): (Vec<i64>, Vec<i64>) = conversions
        .iter()
        .map(|conversion| (conversion.org.0, conversion.id.0))
        .unzip();
    let refunds = sqlx::query_as!(
        RefundEntry,
        r#"SELECT r.org_id AS "org: OrgId", r.conversion_id AS "conversion: ConversionId", r.refund_key AS key,
                r.event_id AS "event: EventId", r.amount, r.minor_units, r.created_at
         FROM unnest($1::bigint[], $2::bigint[]) AS sent (org_id, conversion_id)
         JOIN refunds r ON (r.org_id, r.conversion_id) = (sent.org_id, sent.conversion_id)"#,
        &orgs,
        &ids,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("refunds.load", error))?;
    let mut of_conversions: HashMap<(OrgId, ConversionId), Vec<RefundEntry>> = HashMap::new();
    for refund in refunds {
        of_conversions
            .entry((refund.org, refund.conversion))
            .or_default()
            .push(refund);
    }
    for conversion in conversions {
        conversion.refunds = of_conversions
            .remove(&(conversion.org, conversion.id))
            .unwrap_or_default();
    }
    Ok(())
}

columns! {
    /// Refunds, column by column.
    Columns<'a> of RefundEntry {
        org, conversion, key, event, amount, minor_units, created_at,
    } in &'a RefundEntry {
        org_id: i64 = org.0,
        conversion_id: i64 = conversion.0,
        refund_key: &'a str = key,
        event_id: Uuid = event.0,
        amount: Option<Decimal> = *amount,
        minor_units: Option<i64> = *minor_units,
        created_at: DateTime<Utc> = *created_at,
    }
}

/// Records refunds.
///
/// # Errors
/// When the database refuses or does not answer.
pub(crate) async fn insert(connection: &mut Connection, refunds: &[RefundEntry]) -> Result<(), DbError> {
    let Some(new) = Columns::of(refunds) else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO refunds (org_id, conversion_id, refund_key, event_id, amount, minor_units, created_at)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::uuid[], $5::numeric[], $6::bigint[],
             $7::timestamptz[])",
        &new.org_id,
        &new.conversion_id,
        &new.refund_key as _,
        &new.event_id,
        &new.amount as _,
        &new.minor_units as _,
        &new.created_at,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("refunds.insert", error))?;
    Ok(())
}
