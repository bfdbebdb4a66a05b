//! Requests that were turned away, by organisation and kind.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::{Connection, DbError};
use crate::domain::OrgId;

/// Groups of an organisation that are kept, the latest first.
pub const MAX_GROUPS: i64 = 200;

/// What requests that were turned away have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Group {
    #[serde(rename = "org_id")]
    pub org: OrgId,
    pub dialect: String,
    pub method: String,
    /// The pattern of the path; empty: no call is there.
    pub route: String,
    pub reason: String,
    /// Empty: no field was wrong.
    pub field: String,
}

/// How many of a group, and the last of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejected {
    pub message: String,
    pub sample: Value,
    pub count: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

impl Rejected {
    /// Adds later ones of the same group.
    pub fn follow(&mut self, later: Self) {
        let (count, first_at) = (self.count + later.count, self.first_at);
        *self = Self {
            count,
            first_at,
            ..later
        };
    }
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    group: &'a Group,
    #[serde(flatten)]
    rejected: &'a Rejected,
}

/// Adds them to what is known, and forgets what is beyond [`MAX_GROUPS`].
///
/// # Errors
/// When the database does not answer: then nothing is written.
pub async fn write(connection: &mut Connection, all: &BTreeMap<Group, Rejected>) -> Result<(), DbError> {
    // Several processes write the same groups: each locks them in the same order.
    let rows: Vec<Row<'_>> = all
        .iter()
        .map(|(group, rejected)| Row { group, rejected })
        .collect();
    sqlx::query!(
        "INSERT INTO rejections AS r
             (org_id, dialect, method, route, reason, field, message, sample, count, first_at, last_at)
         SELECT org_id, dialect, method, route, reason, field, message, sample, count, first_at, last_at
         FROM jsonb_to_recordset($1) AS (
             org_id bigint, dialect text, method text, route text, reason text, field text, message text, sample jsonb,
             count bigint, first_at timestamptz, last_at timestamptz)
         ORDER BY org_id, dialect, method, route, reason, field
         ON CONFLICT (org_id, dialect, method, route, reason, field) DO UPDATE
         SET message = excluded.message, sample = excluded.sample, count = r.count + excluded.count,
             first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at)",
        Json(&rows) as _
    )
    .execute(&mut *connection)
    .await
    .map_err(|error| DbError::new("rejections.write", error))?;
    let orgs: Vec<i64> = all.keys().map(|group| group.org.0).collect();
    sqlx::query!(
        "DELETE FROM rejections d USING (
             SELECT org_id, dialect, method, route, reason, field,
                 row_number() OVER (PARTITION BY org_id ORDER BY last_at DESC, dialect, method, route, reason, field) AS place
             FROM rejections WHERE org_id = ANY ($1)
         ) ranked
         WHERE ranked.place > $2
             AND (d.org_id, d.dialect, d.method, d.route, d.reason, d.field)
                 = (ranked.org_id, ranked.dialect, ranked.method, ranked.route, ranked.reason, ranked.field)",
        &orgs,
        MAX_GROUPS
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("rejections.forget", error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::{
        db::{Pool, fixture},
        reads::rejections::{RejectionFilter, list},
    };

    fn rejected(org: i64, field: &str, at: DateTime<Utc>) -> (Group, Rejected) {
        let group = Group {
            org: OrgId(org),
            dialect: "yaplet".into(),
            method: "POST".into(),
            route: "/x".into(),
            reason: "invalid".into(),
            field: field.into(),
        };
        let rejected = Rejected {
            message: format!("{field} at {at}"),
            sample: json!({"a": "text of 1"}),
            count: 2,
            first_at: at,
            last_at: at,
        };
        (group, rejected)
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn the_last_of_each_kind_are_kept_and_counted(pool: Pool) {
        let (mut conn, now) = (fixture::world(&pool).await, fixture::now());
        let later = now + TimeDelta::hours(1);
        for at in [later, now] {
            let all = [rejected(1, "amount", at), rejected(2, "amount", at)];
            write(&mut conn, &all.into()).await.unwrap();
        }
        let of_one = RejectionFilter {
            org: Some(OrgId(1)),
            ..RejectionFilter::default()
        };
        let found = list(&mut conn, &of_one, 10).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].count, found[0].first_at, found[0].last_at),
            (4, now, later)
        );
        for (filter, want) in [
            (RejectionFilter::default(), 2),
            (
                RejectionFilter {
                    field: Some("amount".into()),
                    since: Some(later),
                    ..of_one.clone()
                },
                1,
            ),
            (
                RejectionFilter {
                    since: Some(later + TimeDelta::seconds(1)),
                    ..of_one.clone()
                },
                0,
            ),
            (
                RejectionFilter {
                    reason: Some("forbidden".into()),
                    ..of_one.clone()
                },
                0,
            ),
            (
                RejectionFilter {
                    dialect: Some("affy".into()),
                    ..of_one.clone()
                },
                0,
            ),
        ] {
            assert_eq!(
                list(&mut conn, &filter, 10).await.unwrap().len(),
                want,
                "{filter:?}"
            );
        }

        let many = (0..MAX_GROUPS).map(|number| {
            let at = later + TimeDelta::seconds(number + 1);
            rejected(1, &format!("f{number:03}"), at)
        });
        write(&mut conn, &many.collect()).await.unwrap();
        let kept = list(&mut conn, &of_one, 1_000).await.unwrap();
        assert_eq!(kept.len(), 200);
        assert!(
            kept.iter().all(|group| group.field != "amount"),
            "the oldest went"
        );
        assert_eq!(
            list(&mut conn, &RejectionFilter::default(), 1_000)
                .await
                .unwrap()
                .len(),
            201
        );
    }
}
