//! Organisations, their groups and custom fields.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Target, run};
use crate::{
    catalog::{
        file::CatalogFile,
        report::{SyncReport, Thing},
        write::SyncError,
    },
    db::{Connection, DbError},
};

/// Client ids may move from one organisation to another: given up first, then taken.
const RELEASE_CLIENT_IDS: &str = "
UPDATE orgs o SET client_id = NULL
FROM jsonb_to_recordset($2) AS f (id text, client_id bigint)
WHERE o.slug = f.id AND o.client_id IS NOT NULL AND o.client_id IS DISTINCT FROM f.client_id
RETURNING o.slug, false";

const ORGS: &str = "
INSERT INTO orgs (slug, title, affiliates_feature, client_id, created_at)
SELECT id, title, affiliates_feature, client_id, $3
FROM ROWS FROM (jsonb_to_recordset($2) AS (id text, title text, affiliates_feature boolean, client_id bigint))
    WITH ORDINALITY
ORDER BY ordinality
ON CONFLICT (slug) DO UPDATE
SET title = excluded.title, affiliates_feature = excluded.affiliates_feature, client_id = excluded.client_id
WHERE (orgs.title, orgs.affiliates_feature, orgs.client_id)
    IS DISTINCT FROM (excluded.title, excluded.affiliates_feature, excluded.client_id)
RETURNING slug, xmax = 0";

const GROUPS: &str = "
INSERT INTO affiliate_groups AS g (org_id, group_id, title)
SELECT $1, id, title FROM jsonb_to_recordset($2) AS f (id text, title text)
ON CONFLICT (org_id, group_id) DO UPDATE SET title = excluded.title
WHERE g.title <> excluded.title
RETURNING group_id, xmax = 0";

const CUSTOM_FIELDS: &str = "
INSERT INTO custom_fields AS c (org_id, field_id, definition)
SELECT $1, id, definition FROM jsonb_to_recordset($2) AS f (id text, definition jsonb)
ON CONFLICT (org_id, field_id) DO UPDATE SET definition = excluded.definition
WHERE c.definition <> excluded.definition
RETURNING field_id, xmax = 0";

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
    // There is no organisation yet that the statements could be about: $1 is not used.
    let mut written = run(connection, "orgs.release", RELEASE_CLIENT_IDS, 0, &file.orgs, now)
        .await
        .map_err(|error| SyncError::of("orgs.release", error, first))?;
    let upserted = run(connection, "orgs.upsert", ORGS, 0, &file.orgs, now).await;
    written.extend(upserted.map_err(|error| SyncError::of("orgs.upsert", error, first))?);
    report.add(Thing::Org, file.orgs.len(), written);
    let slugs: Vec<_> = file.orgs.iter().map(|org| org.id.get_ref().as_str()).collect();
    let ids: Vec<(String, i64)> = sqlx::query_as("SELECT slug, org_id FROM orgs WHERE slug = ANY ($1)")
        .bind(slugs)
        .fetch_all(connection)
        .await
        .map_err(|error| DbError::new("orgs.ids", error))?;
    Ok(ids.into_iter().collect())
}

/// What an organisation has besides programs, affiliates and keys.
pub(super) async fn write_own(target: &mut Target<'_>) -> Result<(), SyncError> {
    let org = target.org;
    let written = target.run("groups.upsert", GROUPS, &org.groups).await?;
    target.add(Thing::Group, org.groups.len(), written);
    let written = target
        .run("custom_fields.upsert", CUSTOM_FIELDS, &org.custom_fields)
        .await?;
    target.add(Thing::CustomField, org.custom_fields.len(), written);
    Ok(())
}
