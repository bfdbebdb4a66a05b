//! Which organisation an event without a key is for: by codes, hosts and clicks, in all organisations that have the
//! affiliates feature.

use super::{Connection, DbError};
use crate::domain::{ClickId, OrgId, ProgramId};

/// A program to which a code leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLead {
    /// As it was sent.
    pub code: String,
    /// Whether it is the code itself, or another that differs in case.
    pub exact: bool,
    pub org: OrgId,
    pub program: ProgramId,
}

/// Where codes lead: referral codes, or affiliates' own ids where they are no referral codes.
///
/// # Errors
/// When the database does not answer.
pub async fn codes(connection: &mut Connection, codes: &[String]) -> Result<Vec<CodeLead>, DbError> {
    sqlx::query_as!(
        CodeLead,
        r#"SELECT lead.code AS "code!", lead.exact AS "exact!", lead.org_id AS "org!: OrgId", lead.program_id AS "program!: ProgramId"
         FROM (SELECT sent.code, a.referral_code = sent.code AS exact, a.org_id, a.program_id
               FROM unnest($1::text[]) AS sent (code) JOIN affiliations a ON lower(a.referral_code) = lower(sent.code)
               UNION
               SELECT sent.code, f.slug = sent.code, a.org_id, a.program_id
               FROM unnest($1::text[]) AS sent (code)
               JOIN affiliates f ON lower(f.slug) = lower(sent.code) AND f.deleted_at IS NULL
               JOIN affiliations a ON (a.org_id, a.affiliate_id) = (f.org_id, f.affiliate_id)
               WHERE NOT EXISTS (
                   SELECT FROM affiliations r WHERE (r.org_id, r.referral_code) = (f.org_id, f.slug))) lead
         JOIN orgs o ON o.org_id = lead.org_id AND o.affiliates_feature"#,
        codes
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("org_lookup.codes", error))
}

/// The holders of hosts, which are in lower case.
///
/// # Errors
/// When the database does not answer.
pub async fn hosts(
    connection: &mut Connection,
    hosts: &[String],
) -> Result<Vec<(String, OrgId, ProgramId)>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT host, org_id AS "org: OrgId", program_id AS "program: ProgramId" FROM program_hosts WHERE host = ANY ($1)"#,
        hosts
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("org_lookup.hosts", error))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.host, row.org, row.program))
        .collect())
}

/// The organisations of clicks, by number with the first moment in unix milliseconds.
///
/// # Errors
/// When the database does not answer.
pub async fn clicks(
    connection: &mut Connection,
    numbers: &[ClickId],
) -> Result<Vec<(ClickId, i64, OrgId)>, DbError> {
    let numbers: Vec<i64> = numbers.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT c.click_id AS "click: ClickId", c.org_id AS "org: OrgId",
                floor(extract(epoch FROM c.created_at) * 1000)::bigint AS "millis!"
         FROM clicks c JOIN orgs o ON o.org_id = c.org_id AND o.affiliates_feature
         WHERE c.click_id = ANY ($1)"#,
        &numbers
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("org_lookup.clicks", error))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.click, row.millis, row.org))
        .collect())
}

/// An organisation that has a click by the client's own id, or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    pub org: OrgId,
    /// Whether an authenticated click says so.
    pub authenticated: bool,
}

/// The organisations of clicks by the clients' own ids.
///
/// # Errors
/// When the database does not answer.
pub async fn names(connection: &mut Connection, names: &[String]) -> Result<Vec<Holder>, DbError> {
    sqlx::query_as!(
        Holder,
        r#"SELECT c.name AS "name!", c.org_id AS "org: OrgId", c.trusted AS authenticated
         FROM clicks c JOIN orgs o ON o.org_id = c.org_id AND o.affiliates_feature
         WHERE c.name = ANY ($1)"#,
        names
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("org_lookup.names", error))
}

/// The organisations of sessions.
///
/// # Errors
/// When the database does not answer.
pub async fn sessions(connection: &mut Connection, sessions: &[String]) -> Result<Vec<Holder>, DbError> {
    sqlx::query_as!(
        Holder,
        r#"SELECT s.session AS name, s.org_id AS "org: OrgId", c.trusted AS authenticated
         FROM sessions s
         JOIN clicks c ON (c.org_id, c.click_id) = (s.org_id, s.click_id)
         JOIN orgs o ON o.org_id = s.org_id AND o.affiliates_feature
         WHERE s.session = ANY ($1)"#,
        sessions
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("org_lookup.sessions", error))
}
