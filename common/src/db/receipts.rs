//! What became of one event, for the caller who sent it.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Connection, DbError};
use crate::domain::{EventId, OrgId, Outcome, ProgramId};

/// The row of an event, as its caller may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    pub event_id: EventId,
    /// queued, applied, refused, parked, dead or discarded.
    pub status: String,
    pub reason: Option<String>,
    pub outcome: Option<Outcome>,
    pub received_at: DateTime<Utc>,
    pub applied_at: Option<DateTime<Utc>>,
    /// The program that the key was bound to with which the event came.
    pub program_scope: Option<ProgramId>,
}

#[derive(sqlx::FromRow)]
struct Row {
    status: String,
    reason: Option<String>,
    outcome: Option<Json<Outcome>>,
    received_at: DateTime<Utc>,
    applied_at: Option<DateTime<Utc>>,
    program_scope: Option<i64>,
}

/// The receipt of an event of `org`. The id is the partition key: one partition is read.
pub async fn find(conn: &mut Connection, org: OrgId, event_id: EventId) -> Result<Option<Receipt>, DbError> {
    let row = sqlx::query_as::<_, Row>(
        "SELECT status, reason, outcome, received_at, applied_at, program_scope
           FROM events WHERE event_id = $1 AND org_id = $2",
    )
    .bind(event_id.0)
    .bind(org.0)
    .fetch_optional(conn)
    .await
    .map_err(|error| DbError::new("receipts.find", error))?;
    Ok(row.map(|row| Receipt {
        event_id,
        status: row.status,
        reason: row.reason,
        outcome: row.outcome.map(|Json(outcome)| outcome),
        received_at: row.received_at,
        applied_at: row.applied_at,
        program_scope: row.program_scope.map(ProgramId),
    }))
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
        let found = find(&mut conn, OrgId(1), refused).await.unwrap().unwrap();
        assert_eq!((found.status.as_str(), found.applied_at), ("refused", None));
        let refusal = Refusal::new(Reason::UnknownPartner, "coupon \"NO\" is not known");
        assert_eq!(found.outcome, Some(Outcome::Refused(refusal)));
        assert_eq!(find(&mut conn, OrgId(2), refused).await.unwrap(), None);
        assert_eq!(find(&mut conn, OrgId(1), fixture::event(99)).await.unwrap(), None);
    }
}
