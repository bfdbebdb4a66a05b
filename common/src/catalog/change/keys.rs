//! API keys: made and revoked, with their entries in the audit trail. The key itself is in none of them.

use serde_json::json;

use super::Changeset;
use crate::db::keys::{self, KeyError, KeyRow, NewKey};

/// Creates a key of the change's organisation and returns it: the only time that it can be seen.
///
/// # Errors
/// When the program is unknown, or the database does not answer.
pub async fn create(change: &mut Changeset, new: &NewKey) -> Result<(String, KeyRow), KeyError> {
    let now = change.author.now;
    let (key, row) = keys::create(change.connection(), new, now).await?;
    change.note("key.create", &subject(&row), None, Some(json!(row)));
    Ok((key, row))
}

/// Revokes the key of the change's organisation, whose slug is `org`, that has this number or hint.
///
/// # Errors
/// When it names no key of the organisation, or several, or the database does not answer.
pub async fn revoke(change: &mut Changeset, org: &str, key: &str) -> Result<KeyRow, KeyError> {
    let now = change.author.now;
    let before = keys::list(change.connection(), org).await?;
    let row = keys::revoke(change.connection(), org, key, now).await?;
    let before = before.into_iter().find(|known| known.key_id == row.key_id);
    let before = before.map(|known| json!(known));
    change.note("key.revoke", &subject(&row), before, Some(json!(row)));
    Ok(row)
}

fn subject(row: &KeyRow) -> String {
    format!("key/{}", row.key_id)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{
        catalog::{
            self,
            change::{Actor, Answer, Author, Begun, begin},
        },
        db::{
            self, Pool,
            keys::{Repeats, Scope},
        },
        domain::OrgId,
        reads::audit::{self, AuditFilter},
    };

    fn now() -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    async fn change(pool: &Pool, org: OrgId) -> Changeset {
        let author = Author {
            org,
            actor: Actor::Cli("ada".into()),
            request_id: None,
            now: now(),
        };
        match begin(pool, author, None).await.unwrap() {
            Begun::Fresh(change) => change,
            Begun::Repeated(answer) => panic!("repeated: {answer:?}"),
        }
    }

    #[sqlx::test(migrator = "db::MIGRATOR")]
    async fn keys_leave_entries_without_the_key(pool: Pool) {
        catalog::sync(&pool, &catalog::parse(catalog::DEMO).unwrap(), now())
            .await
            .unwrap();
        let mut conn = pool.acquire().await.unwrap();
        let org = db::orgs::by_slug(&mut conn, "demo").await.unwrap().unwrap();
        let answer = Answer {
            status: 200,
            body: None,
        };
        let new = NewKey {
            org: "demo".into(),
            name: "reports".into(),
            scopes: vec![Scope::Read],
            program: None,
            rate_per_minute: 10,
            owner: "Ada".into(),
            owner_id: "ada".into(),
            timezone: "Asia/Tokyo".parse().unwrap(),
            repeats: Repeats::First,
        };
        let mut making = change(&pool, org).await;
        let (key, row) = create(&mut making, &new).await.unwrap();
        making.finish(&answer).await.unwrap();
        assert_eq!(
            (row.timezone.as_str(), row.repeats.as_str()),
            ("Asia/Tokyo", "first")
        );
        for _ in 0..2 {
            let mut revoking = change(&pool, org).await;
            let name = row.key_id.to_string();
            revoke(&mut revoking, "demo", &name).await.unwrap();
            revoking.finish(&answer).await.unwrap();
        }
        let filter = AuditFilter {
            org: Some(org),
            subject: Some(format!("key/{}", row.key_id)),
            ..AuditFilter::default()
        };
        let entries = audit::list(&mut conn, &filter, 10).await.unwrap();
        let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(
            actions,
            ["key.revoke", "key.create"],
            "revoked twice is revoked once"
        );
        assert!(!json!(entries).to_string().contains(&key));
        assert!(
            entries
                .iter()
                .all(|entry| entry.actor == "ada" && entry.actor_kind == "cli")
        );
    }
}
