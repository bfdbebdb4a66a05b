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

/// Whose session was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    Unknown,
    Click(SessionClick),
    /// Several organisations have a session of this name, and none was named.
    Ambiguous,
}

/// The latest click of `session` (seed: AFFY, tracking status). Where `org` is named the sessions of others are unknown, and
/// likewise with `scope` those of other programs. Where it is not, whoever has an authenticated click in the session comes first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_session(
    conn: &mut Connection,
    session: &str,
    org: Option<OrgId>,
    scope: Option<ProgramId>,
) -> Result<Session, DbError> {
    let rows = sqlx::query!(
        "SELECT c.click_id, c.referral_code, c.clicked_at, c.trusted
           FROM sessions s
           JOIN clicks c ON c.org_id = s.org_id AND c.click_id = s.click_id
          WHERE s.session = $1
            AND ($2::bigint IS NULL OR c.org_id = $2)
            AND ($3::bigint IS NULL OR c.program_id = $3)
          ORDER BY c.trusted DESC
          LIMIT 2",
        session,
        org.map(|org| org.0),
        scope.map(|program| program.0)
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("affy.of_session", error))?;
    let is_ambiguous = matches!(rows.as_slice(), [first, second] if first.trusted == second.trusted);
    Ok(match rows.into_iter().next() {
        None => Session::Unknown,
        Some(_) if is_ambiguous => Session::Ambiguous,
        Some(row) => Session::Click(SessionClick {
            click_id: row.click_id,
            referral_code: row.referral_code,
            clicked_at: row.clicked_at,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_session_shows_its_click_to_whom_it_is_known(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, event_id, dialect, trusted,
                                 created_at, clicked_at)
             VALUES (1, 789, 1, 1, 'aff_xyz123', gen_random_uuid(), 'affy', false,
                     '2026-03-01 14:00:00Z', '2026-03-01 14:30:00Z');
             INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, event_id, dialect, trusted,
                                 created_at, clicked_at)
             VALUES (2, 790, 3, 3, 'theirs', gen_random_uuid(), 'affy', false, now(), now()),
                    (2, 791, 3, 3, 'keyed', gen_random_uuid(), 'affy', true, '2026-03-02 10:00:00Z', '2026-03-02 10:00:00Z');
             INSERT INTO sessions (session, org_id, click_id)
             VALUES ('s-1', 1, 789), ('both', 1, 789), ('both', 2, 790), ('keyed', 1, 789), ('keyed', 2, 791)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let found = || {
            Session::Click(SessionClick {
                click_id: 789,
                referral_code: "aff_xyz123".to_owned(),
                clicked_at: "2026-03-01T14:30:00Z".parse().unwrap(),
            })
        };
        let keyed = Session::Click(SessionClick {
            click_id: 791,
            referral_code: "keyed".to_owned(),
            clicked_at: "2026-03-02T10:00:00Z".parse().unwrap(),
        });
        for (session, org, scope, want) in [
            ("s-1", None, None, found()),
            ("s-1", Some(1), None, found()),
            ("s-1", Some(1), Some(1), found()),
            ("s-1", Some(1), Some(2), Session::Unknown),
            ("s-1", Some(2), None, Session::Unknown),
            ("s-2", None, None, Session::Unknown),
            ("both", None, None, Session::Ambiguous),
            ("both", Some(1), None, found()),
            ("keyed", None, None, keyed),
            ("keyed", Some(1), None, found()),
        ] {
            let click = of_session(&mut conn, session, org.map(OrgId), scope.map(ProgramId))
                .await
                .unwrap();
            assert_eq!(click, want, "{session} {org:?} {scope:?}");
        }
    }
}
