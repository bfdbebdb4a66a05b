//! Which organisation an event without a key is for: by codes, hosts and clicks, in all organisations that have the
//! affiliates feature.

use super::{Connection, DbError};
use crate::domain::{ClickId, OrgId, ProgramId};

/// A program to which a code leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLead {
    pub code: String,
    pub org: OrgId,
    pub program: ProgramId,
}

/// Where codes lead: referral codes, or affiliates' own ids where they are no referral codes.
///
/// # Errors
/// When the database does not answer.
pub async fn codes(connection: &mut Connection, codes: &[String]) -> Result<Vec<CodeLead>, DbError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT lead.code, lead.org_id, lead.program_id
         FROM (SELECT referral_code AS code, org_id, program_id FROM affiliations WHERE referral_code = ANY ($1)
               UNION
               SELECT f.slug, a.org_id, a.program_id
               FROM affiliates f JOIN affiliations a ON (a.org_id, a.affiliate_id) = (f.org_id, f.affiliate_id)
               WHERE f.slug = ANY ($1) AND NOT EXISTS (
                   SELECT FROM affiliations r WHERE (r.org_id, r.referral_code) = (f.org_id, f.slug))) lead
         JOIN orgs o ON o.org_id = lead.org_id AND o.affiliates_feature",
    )
    .bind(codes)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("located.codes", error))?;
    let lead = |(code, org, program)| CodeLead {
        code,
        org: OrgId(org),
        program: ProgramId(program),
    };
    Ok(rows.into_iter().map(lead).collect())
}

/// The holders of hosts, which are in lower case.
///
/// # Errors
/// When the database does not answer.
pub async fn hosts(
    connection: &mut Connection,
    hosts: &[String],
) -> Result<Vec<(String, OrgId, ProgramId)>, DbError> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT host, org_id, program_id FROM program_hosts WHERE host = ANY ($1)")
            .bind(hosts)
            .fetch_all(connection)
            .await
            .map_err(|error| DbError::new("located.hosts", error))?;
    let holder = |(host, org, program)| (host, OrgId(org), ProgramId(program));
    Ok(rows.into_iter().map(holder).collect())
}

/// The organisations of clicks, by number with the first moment in unix milliseconds.
///
/// # Errors
/// When the database does not answer.
pub async fn clicks(
    connection: &mut Connection,
    numbers: &[ClickId],
) -> Result<Vec<(ClickId, i64, OrgId)>, DbError> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT c.click_id, floor(extract(epoch FROM c.created_at) * 1000)::bigint, c.org_id
         FROM clicks c JOIN orgs o ON o.org_id = c.org_id AND o.affiliates_feature
         WHERE c.click_id = ANY ($1)",
    )
    .bind(numbers.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("located.clicks", error))?;
    let click = |(id, millis, org)| (ClickId(id), millis, OrgId(org));
    Ok(rows.into_iter().map(click).collect())
}

/// The organisations of clicks by the clients' own ids.
///
/// # Errors
/// When the database does not answer.
pub async fn names(connection: &mut Connection, names: &[String]) -> Result<Vec<(String, OrgId)>, DbError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT c.name, c.org_id FROM clicks c JOIN orgs o ON o.org_id = c.org_id AND o.affiliates_feature
         WHERE c.name = ANY ($1)",
    )
    .bind(names)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("located.names", error))?;
    Ok(rows.into_iter().map(|(name, org)| (name, OrgId(org))).collect())
}

/// The organisations of sessions.
///
/// # Errors
/// When the database does not answer.
pub async fn sessions(
    connection: &mut Connection,
    sessions: &[String],
) -> Result<Vec<(String, OrgId)>, DbError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT s.session, s.org_id FROM sessions s JOIN orgs o ON o.org_id = s.org_id AND o.affiliates_feature
         WHERE s.session = ANY ($1)",
    )
    .bind(sessions)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("located.sessions", error))?;
    Ok(rows
        .into_iter()
        .map(|(session, org)| (session, OrgId(org)))
        .collect())
}
