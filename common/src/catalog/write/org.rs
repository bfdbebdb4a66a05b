//! Organisations, their groups and custom fields.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    error::SyncError,
    target::{Target, Written, WrittenRow, fetch},
};
use crate::{
    catalog::{
        file::{CatalogFile, Org},
        report::{SyncReport, Thing},
    },
    db::{Connection, DbError},
};

/// All organisations of the file; returns their numbers by slug.
pub(super) async fn write(
    connection: &mut Connection,
    file: &CatalogFile,
    now: DateTime<Utc>,
    report: &mut SyncReport,
) -> Result<HashMap<String, i64>, SyncError> {
    let Some(first) = file.orgs.first() else {
        return Ok(HashMap::new());
    };
    let mut written = release_client_ids(connection, &file.orgs)
        .await
        .map_err(|error| SyncError::of("orgs.release", error, first))?;
    let upserted = upsert(connection, &file.orgs, now).await;
    written.extend(upserted.map_err(|error| SyncError::of("orgs.upsert", error, first))?);
    report.add(Thing::Org, file.orgs.len(), written);
    let slugs: Vec<String> = file.orgs.iter().map(|org| org.id.get_ref().clone()).collect();
    let ids = sqlx::query!("SELECT slug, org_id FROM orgs WHERE slug = ANY ($1)", &slugs)
        .fetch_all(connection)
        .await
        .map_err(|error| DbError::new("orgs.ids", error))?;
    Ok(ids.into_iter().map(|org| (org.slug, org.org_id)).collect())
}

/// Client ids may move from one organisation to another: given up first, then taken.
async fn release_client_ids(connection: &mut Connection, orgs: &[Org]) -> Result<Written, sqlx::Error> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"UPDATE orgs o SET client_id = NULL
         FROM jsonb_to_recordset($1) AS f (id text, client_id bigint)
         WHERE o.slug = f.id AND o.client_id IS NOT NULL AND o.client_id IS DISTINCT FROM f.client_id
         RETURNING o.slug AS id, false AS "is_new!""#,
        Json(orgs) as _
    );
    fetch(connection, "orgs.release", orgs.len(), query).await
}

async fn upsert(
    connection: &mut Connection,
    orgs: &[Org],
    now: DateTime<Utc>,
) -> Result<Written, sqlx::Error> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"INSERT INTO orgs (slug, title, affiliates_feature, client_id, events_per_minute, events_under_way, created_at)
         SELECT id, title, affiliates_feature, client_id, events_per_minute, events_under_way, $2
         FROM ROWS FROM (jsonb_to_recordset($1) AS (
                 id text, title text, affiliates_feature boolean, client_id bigint, events_per_minute integer,
                 events_under_way integer))
             WITH ORDINALITY
         ORDER BY ordinality
         ON CONFLICT (slug) DO UPDATE
         SET title = excluded.title, affiliates_feature = excluded.affiliates_feature, client_id = excluded.client_id,
             events_per_minute = excluded.events_per_minute, events_under_way = excluded.events_under_way
         WHERE (orgs.title, orgs.affiliates_feature, orgs.client_id, orgs.events_per_minute, orgs.events_under_way)
             IS DISTINCT FROM (excluded.title, excluded.affiliates_feature, excluded.client_id, excluded.events_per_minute,
                 excluded.events_under_way)
         RETURNING slug AS id, xmax = 0 AS "is_new!""#,
        Json(orgs) as _,
        now
    );
    fetch(connection, "orgs.upsert", orgs.len(), query).await
}

/// What an organisation has besides programs, affiliates and keys.
pub(super) async fn write_own(target: &mut Target<'_>) -> Result<(), SyncError> {
    let org = target.org;
    let written = upsert_groups(target).await?;
    target.add(Thing::Group, org.groups.len(), written);
    let written = upsert_custom_fields(target).await?;
    target.add(Thing::CustomField, org.custom_fields.len(), written);
    Ok(())
}

async fn upsert_groups(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let groups = &target.org.groups;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"INSERT INTO affiliate_groups AS g (org_id, group_id, title)
         SELECT $1, id, title FROM jsonb_to_recordset($2) AS f (id text, title text)
         ON CONFLICT (org_id, group_id) DO UPDATE SET title = excluded.title
         WHERE g.title <> excluded.title
         RETURNING group_id AS id, xmax = 0 AS "is_new!""#,
        target.org_id,
        Json(groups) as _
    );
    target.run("groups.upsert", groups.len(), query).await
}

async fn upsert_custom_fields(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let fields = &target.org.custom_fields;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"INSERT INTO custom_fields AS c (org_id, field_id, definition, retired_at)
         SELECT $1, id, definition, CASE WHEN retired THEN $3::timestamptz END
         FROM jsonb_to_recordset($2) AS f (id text, definition jsonb, retired boolean)
         ON CONFLICT (org_id, field_id) DO UPDATE
         SET definition = excluded.definition,
             -- What is retired stays so since then.
             retired_at = CASE WHEN excluded.retired_at IS NOT NULL THEN coalesce(c.retired_at, excluded.retired_at) END
         WHERE (c.definition, c.retired_at IS NULL) IS DISTINCT FROM (excluded.definition, excluded.retired_at IS NULL)
         RETURNING field_id AS id, xmax = 0 AS "is_new!""#,
        target.org_id,
        Json(fields) as _,
        target.rules_from()
    );
    target.run("custom_fields.upsert", fields.len(), query).await
}
