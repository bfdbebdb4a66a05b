//! Answers to changes of the catalog that came with an `Idempotency-Key`.

use chrono::{DateTime, Utc};

use super::{Connection, DbError};
use crate::domain::{Idempotency, OrgId};

/// What was answered to a request under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// JSON; `None`: no body.
    pub body: Option<String>,
}

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyUse {
    Unused,
    /// For the same change.
    Same(Answer),
    /// For another request, be it a change of the catalog or an event.
    Other,
}

/// What the key was used for before.
///
/// # Errors
/// When the database does not answer.
pub async fn find(connection: &mut Connection, org: OrgId, sent: &Idempotency) -> Result<KeyUse, DbError> {
    let found = sqlx::query!(
        r#"SELECT request_hash AS "hash?", status AS "status?", body AS "body?"
           FROM idempotent_answers WHERE org_id = $1 AND key = $2
           UNION ALL
           SELECT NULL, NULL, NULL FROM idempotency_keys WHERE org_id = $1 AND key = $2"#,
        org.0,
        &sent.key
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| DbError::new("idempotent_answers.find", error))?;
    Ok(match found {
        None => KeyUse::Unused,
        Some(row) if row.hash.as_ref().is_some_and(|stored| sent.repeats(stored)) => KeyUse::Same(Answer {
            status: u16::try_from(row.status.unwrap_or_default()).unwrap_or_default(),
            body: row.body,
        }),
        Some(_) => KeyUse::Other,
    })
}

/// Whether the key was used for another request, be it a change of the catalog or an event.
///
/// # Errors
/// When the database does not answer.
pub async fn is_of_another(
    connection: &mut Connection,
    org: OrgId,
    sent: &Idempotency,
) -> Result<bool, DbError> {
    let stored = sqlx::query_scalar!(
        r#"SELECT request_hash AS "hash!" FROM idempotent_answers WHERE org_id = $1 AND key = $2
           UNION ALL
           SELECT encode(request_hash, 'hex') FROM idempotency_keys WHERE org_id = $1 AND key = $2"#,
        org.0,
        &sent.key
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("idempotent_answers.is_of_another", error))?;
    Ok(stored.iter().any(|stored| !sent.repeats(stored)))
}

/// Whether a change of the catalog has used the key.
///
/// # Errors
/// When the database does not answer.
pub async fn is_used(connection: &mut Connection, org: OrgId, key: &str) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM idempotent_answers WHERE org_id = $1 AND key = $2) AS "is_used!""#,
        org.0,
        key
    )
    .fetch_one(connection)
    .await
    .map_err(|error| DbError::new("idempotent_answers.is_used", error))
}

/// Notes an answer. The key is locked by the caller and unused.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn insert(
    connection: &mut Connection,
    org: OrgId,
    used: &Idempotency,
    answer: &Answer,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO idempotent_answers (org_id, key, request_hash, status, body, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        org.0,
        &used.key,
        &used.hash,
        i16::try_from(answer.status).unwrap_or_default(),
        answer.body.as_deref(),
        now
    )
    .execute(connection)
    .await
    .map_err(|error| DbError::new("idempotent_answers.insert", error))?;
    Ok(())
}
