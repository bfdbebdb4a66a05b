//! Clicks as their visitors' sessions show them.

use chrono::{DateTime, Utc};

use crate::db::{Connection, DbError};
use crate::domain::{OrgId, ProgramId};

/// The latest click of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionClick {
    pub click_id: i64,
    /// The code by which the affiliate was named.
    pub referral_code: String,
    /// The click's latest moment.
    pub clicked_at: DateTime<Utc>,
}

/// The latest click of `session` (seed: AFFY, tracking status). A session belongs to one organisation, so none need be
/// named; where `org` is, the sessions of others are unknown, and likewise with `scope` those of other programs.
pub async fn of_session(
    conn: &mut Connection,
    session: &str,
    org: Option<OrgId>,
    scope: Option<ProgramId>,
) -> Result<Option<SessionClick>, DbError> {
    sqlx::query_as!(
        SessionClick,
        "SELECT c.click_id, c.referral_code, c.clicked_at
           FROM sessions s
           JOIN clicks c ON c.org_id = s.org_id AND c.click_id = s.click_id
          WHERE s.session = $1
            AND ($2::bigint IS NULL OR c.org_id = $2)
            AND ($3::bigint IS NULL OR c.program_id = $3)",
        session,
        org.map(|org| org.0),
        scope.map(|program| program.0)
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| DbError::new("affy.of_session", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_session_shows_its_click_to_everybody_but_other_organisations(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, event_id, dialect, trusted,
                                 created_at, clicked_at)
             VALUES (1, 789, 1, 1, 'aff_xyz123', gen_random_uuid(), 'affy', false,
                     '2026-03-01 14:00:00Z', '2026-03-01 14:30:00Z');
             INSERT INTO sessions (session, org_id, click_id) VALUES ('s-1', 1, 789)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let found = SessionClick {
            click_id: 789,
            referral_code: "aff_xyz123".to_owned(),
            clicked_at: "2026-03-01T14:30:00Z".parse().unwrap(),
        };
        for (session, org, scope, want) in [
            ("s-1", None, None, Some(&found)),
            ("s-1", Some(1), None, Some(&found)),
            ("s-1", Some(1), Some(1), Some(&found)),
            ("s-1", Some(1), Some(2), None),
            ("s-1", Some(2), None, None),
            ("s-2", None, None, None),
        ] {
            let click = of_session(&mut conn, session, org.map(OrgId), scope.map(ProgramId))
                .await
                .unwrap();
            assert_eq!(click.as_ref(), want, "{session} {org:?} {scope:?}");
        }
    }
}
