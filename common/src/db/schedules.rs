//! The calendar: what falls due by itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Connection, DbError, columns::columns};
use crate::domain::{
    ConversionId, OrgId,
    entities::{Conversion, Schedule, ScheduleKind},
};

columns! {
    /// Schedules, column by column.
    Columns<'a> of Schedule { org, what, subject, period, conversion, due_at } in &'a Schedule {
        org_id: i64 = org.0,
        what: &'a str = what.name(),
        subject: i64 = *subject,
        period: i32 = *period,
        conversion_id: i64 = conversion.0,
        due_at: DateTime<Utc> = *due_at,
    }
}

/// Puts what is due on the calendar. Of one thing the earliest time counts: a hold that ends puts what is left back itself,
/// and a later commission of the same sale must not make an earlier one wait.
///
/// # Errors
/// When the database refuses or does not answer.
pub async fn write(connection: &mut Connection, schedules: &[Schedule]) -> Result<(), DbError> {
    // One statement may meet a row only once.
    let mut earliest: BTreeMap<(OrgId, &str, i64, i32), &Schedule> = BTreeMap::new();
    for schedule in schedules {
        let kept = earliest
            .entry((
                schedule.org,
                schedule.what.name(),
                schedule.subject,
                schedule.period,
            ))
            .or_insert(schedule);
        if kept.due_at > schedule.due_at {
            *kept = schedule;
        }
    }
    let Some(new) = Columns::of(earliest.into_values()) else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO schedules AS s (org_id, what, subject, period, conversion_id, due_at)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::integer[], $5::bigint[], $6::timestamptz[])
         ON CONFLICT ON CONSTRAINT schedules_pkey DO UPDATE SET due_at = least(s.due_at, excluded.due_at)",
        &new.org_id,
        &new.what as _,
        &new.subject,
        &new.period,
        &new.conversion_id,
        &new.due_at,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("schedules.write", error))?;
    Ok(())
}

columns! {
    /// Subjects of schedules, column by column.
    SubjectColumns<'a> of (org, what, subject) in (OrgId, &'a str, i64) {
        org_id: i64 = org.0,
        what: &'a str = what,
        subject: i64 = subject,
    }
}

/// Takes everything that was to happen to conversions off the calendar.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(connection: &mut Connection, gone: &[&Conversion]) -> Result<(), DbError> {
    let subjects = gone.iter().flat_map(|conversion| {
        let org = conversion.org;
        let commissions = conversion.commissions.iter();
        let recurrences =
            commissions.map(move |commission| (org, ScheduleKind::Recurrence.name(), commission.id.0));
        recurrences.chain([(org, ScheduleKind::Hold.name(), conversion.id.0)])
    });
    let Some(gone) = SubjectColumns::of(subjects) else {
        return Ok(());
    };
    sqlx::query!(
        "DELETE FROM schedules s USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS gone (org_id, what, subject)
         WHERE (s.org_id, s.what, s.subject) = (gone.org_id, gone.what, gone.subject)",
        &gone.org_id,
        &gone.what as _,
        &gone.subject,
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("schedules.remove", error))?;
    Ok(())
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
    sqlx::query_as!(
        Schedule,
        r#"WITH due AS (SELECT org_id, what, subject, period FROM schedules
                      WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         DELETE FROM schedules s USING due
         WHERE (s.org_id, s.what, s.subject, s.period) = (due.org_id, due.what, due.subject, due.period)
         RETURNING s.org_id AS "org: OrgId", s.what AS "what: ScheduleKind", s.subject, s.period,
             s.conversion_id AS "conversion: ConversionId", s.due_at"#,
        now,
        limit
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("schedules.take", error))
}
