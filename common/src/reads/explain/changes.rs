//! What changed a sale after it was recorded: refunds, and the rows of events that are still kept.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    explanation::{EventRow, SaleRefund},
    limits::MAX_ROWS,
};
use crate::{
    db::{Connection, DbError},
    domain::{Currency, EventStatus, OrgId},
};

pub(super) struct RefundRow {
    pub conversion_id: i64,
    refund_key: String,
    amount: Option<Decimal>,
    created_at: DateTime<Utc>,
    event_id: Uuid,
}

impl RefundRow {
    pub(super) fn refund(self, currency: Currency) -> SaleRefund {
        SaleRefund {
            refund_id: self.refund_key.strip_prefix("id:").map(ToOwned::to_owned),
            amount: self.amount.map(|amount| currency.shown(amount)),
            created_at: self.created_at,
            event: self.event_id,
        }
    }
}

/// The earliest refunds of the conversions, at most [`MAX_ROWS`] and one more.
pub(super) async fn refunds(
    conn: &mut Connection,
    org: OrgId,
    conversions: &[i64],
) -> Result<Vec<RefundRow>, DbError> {
    sqlx::query_as!(
        RefundRow,
        "SELECT conversion_id, refund_key, amount, created_at, event_id
           FROM refunds WHERE org_id = $1 AND conversion_id = ANY ($2)
          ORDER BY created_at, event_id
          LIMIT $3",
        org.0,
        conversions,
        MAX_ROWS + 1
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.refunds", error))
}

/// The rows of the events that are still kept. The bounds let Postgres pass over the days in which none of them can be.
pub(super) async fn event_rows(
    conn: &mut Connection,
    org: OrgId,
    ids: BTreeSet<Uuid>,
) -> Result<HashMap<Uuid, EventRow>, DbError> {
    let (least, greatest) = (ids.first().copied(), ids.last().copied());
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = sqlx::query_as!(
        EventRow,
        r#"SELECT event_id, kind, dialect, status AS "status: EventStatus", trusted AS authenticated, applied_at,
                coalesce(warnings, '[]') AS "warnings!: Json<Vec<String>>",
                CASE kind WHEN 'scheduled' THEN (SELECT min(due) FROM json_object_keys(body -> 'scheduled') due) END AS due,
                coalesce((body #>> '{edit_conversion,delete}')::boolean, false) AS "deletes!",
                coalesce((body #>> '{chargeback,reversed}')::boolean, false) AS "reverses!"
           FROM events
          WHERE event_id = ANY ($2) AND event_id BETWEEN $3 AND $4 AND org_id = $1"#,
        org.0,
        &ids,
        least,
        greatest
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("explain.events", error))?;
    Ok(rows.into_iter().map(|row| (row.event_id, row)).collect())
}
