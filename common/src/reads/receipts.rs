//! What became of one event, for the caller who sent it.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{
    db::{Connection, DbError},
    domain::{EventId, EventStatus, OrgId, Outcome, ProgramId},
};

/// The row of an event, as its caller may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    pub event_id: EventId,
    /// `None`: it came without a key and has found no organisation.
    pub org: Option<OrgId>,
    pub status: EventStatus,
    pub reason: Option<String>,
    pub outcome: Option<Outcome>,
    pub received_at: DateTime<Utc>,
    pub applied_at: Option<DateTime<Utc>>,
    /// What was left out or cut of the request.
    pub warnings: Vec<String>,
    /// The program that the key was bound to with which the event came.
    pub program_scope: Option<ProgramId>,
}

/// What there is of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum ReceiptLookup {
    /// Its row, which is the asking organisation's or nobody's.
    Receipt(Box<Receipt>),
    /// A row that is not for the one who asks.
    Elsewhere,
    /// No row.
    Nothing,
}

/// The receipt of an event, if it is one of `org` or came without a key and belongs to nobody. The id is the partition key:
/// one partition is read.
pub async fn find(conn: &mut Connection, org: OrgId, event_id: EventId) -> Result<ReceiptLookup, DbError> {
    let row = sqlx::query!(
        r#"SELECT org_id AS "org: OrgId", status AS "status: EventStatus", reason, outcome AS "outcome: Json<Outcome>", received_at, applied_at,
                warnings AS "warnings: Json<Vec<String>>", program_scope AS "program_scope: ProgramId"
           FROM events WHERE event_id = $1"#,
        event_id.0
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| DbError::new("receipts.find", error))?;
    let Some(row) = row else {
        return Ok(ReceiptLookup::Nothing);
    };
    // Without a number: its bytes could not be decoded.
    let holder = row.org.map(|holder| OrgId::from_stored(holder.0));
    let Some(holder) = holder.filter(|holder| holder.is_none_or(|holder| holder == org)) else {
        return Ok(ReceiptLookup::Elsewhere);
    };
    Ok(ReceiptLookup::Receipt(Box::new(Receipt {
        event_id,
        org: holder,
        status: row.status,
        reason: row.reason,
        outcome: row.outcome.map(|Json(outcome)| outcome),
        received_at: row.received_at,
        applied_at: row.applied_at,
        warnings: row.warnings.map(|Json(warnings)| warnings).unwrap_or_default(),
        program_scope: row.program_scope,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{Pool, fixture},
        domain::{Reason, Refusal},
    };

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_receipt_is_its_organisations_own(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let refused = fixture::event(3);
        let find = async |conn: &mut Connection, org, id| find(conn, OrgId(org), id).await.unwrap();
        let ReceiptLookup::Receipt(found) = find(&mut conn, 1, refused).await else {
            panic!("it is there")
        };
        assert_eq!((found.status, found.applied_at), (EventStatus::Refused, None));
        let refusal = Refusal::new(Reason::NotAttributed, "coupon \"NO\" is not known");
        assert_eq!(found.outcome, Some(Outcome::Refused(refusal)));
        assert_eq!(find(&mut conn, 2, refused).await, ReceiptLookup::Elsewhere);
        assert_eq!(
            find(&mut conn, 1, fixture::event(99)).await,
            ReceiptLookup::Nothing
        );
        let undecodable = fixture::event(7);
        assert_eq!(find(&mut conn, 1, undecodable).await, ReceiptLookup::Elsewhere);
        sqlx::query("UPDATE events SET org_id = 0 WHERE event_id = $1")
            .bind(refused.0)
            .execute(&mut *conn)
            .await
            .unwrap();
        for org in [1, 2] {
            let found = find(&mut conn, org, refused).await;
            assert!(
                matches!(&found, ReceiptLookup::Receipt(nobodys) if nobodys.org.is_none()),
                "{found:?}"
            );
        }
    }
}
