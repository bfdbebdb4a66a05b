//! The hosts of programs, by which clicks without a key find their organisation. The first organisation to have a host keeps it.

use serde::Serialize;
use sqlx::types::Json;

use super::{
    error::SyncError,
    target::{Target, Written, WrittenRow},
};

#[derive(Serialize)]
struct Host<'a> {
    owner: &'a str,
    host: &'a str,
}

/// Returns the programs that got a host.
pub(super) async fn write(target: &mut Target<'_>) -> Result<Vec<String>, SyncError> {
    let programs = &target.org.programs;
    let declared = programs.iter().flat_map(|program| {
        let owner = program.id.get_ref().as_str();
        program.hosts.iter().map(move |host| Host {
            owner,
            host: host.get_ref(),
        })
    });
    let declared: Vec<Host<'_>> = declared.collect();
    let landing = programs.iter().filter_map(|program| {
        Some(Host {
            owner: program.id.get_ref(),
            host: program.landing_host.as_deref()?,
        })
    });
    let landing: Vec<Host<'_>> = landing.collect();
    let mut written = upsert(target, &declared).await?;
    written.extend(insert_landing(target, &landing).await?);
    let all: Vec<Host<'_>> = declared.into_iter().chain(landing).collect();
    for (host, _) in of_others(target, &all).await? {
        let note = format!(
            "host {host:?} belongs to another organisation, which keeps it: clicks without a key find org {:?} there \
             only by codes that no other organisation has",
            target.org.id.get_ref()
        );
        target.report.notes.push(note);
    }
    Ok(written.into_keys().collect())
}

/// A host may move from one program of the organisation to another, never to another organisation.
async fn upsert(target: &mut Target<'_>, hosts: &[Host<'_>]) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO program_hosts AS h (host, org_id, program_id)
             SELECT f.host, $1, p.program_id
             FROM jsonb_to_recordset($2) AS f (owner text, host text)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             ON CONFLICT ON CONSTRAINT program_hosts_pkey DO UPDATE SET program_id = excluded.program_id
             WHERE h.org_id = excluded.org_id AND h.program_id <> excluded.program_id
             RETURNING program_id
         )
         SELECT DISTINCT p.slug AS id, false AS "is_new!"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(hosts) as _
    );
    target.run("hosts.upsert", hosts.len(), query).await
}

/// The first program with a landing page there keeps a host that none declares.
async fn insert_landing(target: &mut Target<'_>, hosts: &[Host<'_>]) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO program_hosts (host, org_id, program_id)
             SELECT DISTINCT ON (f.host) f.host, $1::bigint, p.program_id
             FROM jsonb_to_recordset($2) AS f (owner text, host text)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             ORDER BY f.host, p.program_id
             ON CONFLICT DO NOTHING
             RETURNING program_id
         )
         SELECT DISTINCT p.slug AS id, false AS "is_new!"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(hosts) as _
    );
    target.run("hosts.landing", hosts.len(), query).await
}

async fn of_others(target: &mut Target<'_>, hosts: &[Host<'_>]) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"SELECT DISTINCT h.host AS id, false AS "is_new!"
         FROM jsonb_to_recordset($2) AS f (host text) JOIN program_hosts h ON h.host = f.host
         WHERE h.org_id <> $1"#,
        target.org_id,
        Json(hosts) as _
    );
    target.run("hosts.others", hosts.len(), query).await
}
