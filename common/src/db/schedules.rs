//! The calendar: what falls due by itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Connection, DbError, decode};
use crate::domain::{
    ConversionId, OrgId,
    entities::{Conversion, Schedule, ScheduleKind},
};

/// Puts what is due on the calendar. Of one thing the earliest time counts: a hold that ends puts what is left back itself,
/// and a later commission of the same sale must not make an earlier one wait.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write(connection: &mut Connection, schedules: &[Schedule]) -> Result<(), DbError> {
    // One statement may meet a row only once.
    let mut earliest: BTreeMap<(i64, &str, i64, i32), &Schedule> = BTreeMap::new();
    for one in schedules {
        let kept = earliest
            .entry((one.org.0, one.what.name(), one.subject, one.period))
            .or_insert(one);
        if kept.due_at > one.due_at {
            *kept = one;
        }
    }
    sqlx::query(
        "INSERT INTO schedules AS s (org_id, what, subject, period, conversion_id, due_at)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[], $5::bigint[], $6::timestamptz[])
         ON CONFLICT ON CONSTRAINT schedules_pkey DO UPDATE SET due_at = least(s.due_at, excluded.due_at)",
    )
    .bind(earliest.keys().map(|key| key.0).collect::<Vec<_>>())
    .bind(earliest.keys().map(|key| key.1).collect::<Vec<_>>())
    .bind(earliest.keys().map(|key| key.2).collect::<Vec<_>>())
    .bind(earliest.keys().map(|key| key.3).collect::<Vec<_>>())
    .bind(earliest.values().map(|one| one.conversion.0).collect::<Vec<_>>())
    .bind(earliest.values().map(|one| one.due_at).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("schedules.write", error))?;
    Ok(())
}

/// Takes everything that was to happen to conversions off the calendar.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(connection: &mut Connection, gone: &[&Conversion]) -> Result<(), DbError> {
    let subjects = gone.iter().flat_map(|conversion| {
        let hold = (conversion.org.0, ScheduleKind::Hold.name(), conversion.id.0);
        let recurrences = conversion
            .commissions
            .iter()
            .map(|commission| (conversion.org.0, ScheduleKind::Recurrence.name(), commission.id.0));
        recurrences.chain([hold])
    });
    let subjects: Vec<_> = subjects.collect();
    sqlx::query(
        "DELETE FROM schedules s USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS gone (org_id, what, subject)
         WHERE (s.org_id, s.what, s.subject) = (gone.org_id, gone.what, gone.subject)",
    )
    .bind(subjects.iter().map(|one| one.0).collect::<Vec<_>>())
    .bind(subjects.iter().map(|one| one.1).collect::<Vec<_>>())
    .bind(subjects.iter().map(|one| one.2).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| DbError::new("schedules.remove", error))?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    org_id: i64,
    what: String,
    subject: i64,
    period: i32,
    conversion_id: i64,
    due_at: DateTime<Utc>,
}

/// Takes up to `limit` schedules that are due, passing over those that others hold. They are gone when the transaction
/// commits.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn take_due(
    connection: &mut Connection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Schedule>, DbError> {
    let rows: Vec<Row> = sqlx::query_as(
        "WITH due AS (SELECT org_id, what, subject, period FROM schedules
                      WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         DELETE FROM schedules s USING due
         WHERE (s.org_id, s.what, s.subject, s.period) = (due.org_id, due.what, due.subject, due.period)
         RETURNING s.org_id, s.what, s.subject, s.period, s.conversion_id, s.due_at",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("schedules.take", error))?;
    let schedule = |row: Row| {
        let what = ScheduleKind::parse(&row.what).ok_or_else(|| decode("schedules.what", &row.what))?;
        Ok(Schedule {
            org: OrgId(row.org_id),
            what,
            subject: row.subject,
            period: row.period,
            conversion: ConversionId(row.conversion_id),
            due_at: row.due_at,
        })
    };
    rows.into_iter().map(schedule).collect()
}
