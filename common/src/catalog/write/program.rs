//! Programs and their assets.

use serde::Serialize;
use sqlx::types::Json;

use super::{
    error::SyncError,
    host, rule,
    target::{Target, Written, WrittenRow},
};
use crate::catalog::{file::Program, report::Thing, versions};

pub(super) async fn write(target: &mut Target<'_>) -> Result<(), SyncError> {
    let programs = &target.org.programs;
    let mut written = release_default(target).await?;
    written.extend(version_terms(target).await?);
    written.extend(upsert(target).await?);
    let created = written.iter().filter(|(_, is_new)| **is_new);
    let new_programs: Vec<String> = created.map(|(slug, _)| slug.clone()).collect();
    for slug in host::write(target).await? {
        written.entry(slug).or_insert(false);
    }
    target.add(Thing::Program, programs.len(), written);

    let assets: Vec<_> = programs.iter().flat_map(assets_of).collect();
    let written = insert_assets(target, &assets).await?;
    target.add(Thing::Asset, assets.len(), written);
    rule::write(target, &new_programs).await
}

/// The default may move from one program to another: given up first, then taken.
async fn release_default(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let programs = &target.org.programs;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"UPDATE programs p SET is_default = false
         FROM jsonb_to_recordset($2) AS f (id text, is_default boolean)
         WHERE p.org_id = $1 AND p.slug = f.id AND p.is_default AND NOT f.is_default
         RETURNING p.slug AS id, false AS "is_new!""#,
        target.org_id,
        Json(programs) as _
    );
    target.run("programs.release", programs.len(), query).await
}

/// Before the columns are written.
async fn version_terms(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let (org_id, from) = (target.org_id, target.rules_from());
    let written = versions::terms(target.connection, org_id, &target.org.programs, from).await;
    target.versions("programs.terms", Thing::Program, written)
}

async fn upsert(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let programs = &target.org.programs;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"INSERT INTO programs AS p
             (org_id, slug, title, is_default, currency, currency_symbol, cookie_time, landing_page, category,
              recurring, recurring_cap, recurring_period_days, approval, hold_days, default_type, keyed_leads_only,
              retired_at)
         SELECT $1, id, title, is_default, currency, currency_symbol, cookie_time, landing_page, category,
             recurring, recurring_cap, recurring_period_days, approval, hold_days, default_type, keyed_leads_only,
             CASE WHEN retired THEN $3::timestamptz END
         FROM ROWS FROM (jsonb_to_recordset($2) AS (
                 id text, title text, is_default boolean, currency text, currency_symbol text, cookie_time integer,
                 landing_page text, category text, recurring boolean, recurring_cap integer,
                 recurring_period_days integer, approval text, hold_days integer, default_type text,
                 keyed_leads_only boolean, retired boolean))
             WITH ORDINALITY
         ORDER BY ordinality
         ON CONFLICT (org_id, slug) DO UPDATE
         SET title = excluded.title, is_default = excluded.is_default, currency = excluded.currency,
             currency_symbol = excluded.currency_symbol, cookie_time = excluded.cookie_time,
             landing_page = excluded.landing_page, category = excluded.category, recurring = excluded.recurring,
             recurring_cap = excluded.recurring_cap, recurring_period_days = excluded.recurring_period_days,
             approval = excluded.approval, hold_days = excluded.hold_days, default_type = excluded.default_type,
             keyed_leads_only = excluded.keyed_leads_only,
             -- What is retired stays so since then.
             retired_at = CASE WHEN excluded.retired_at IS NOT NULL THEN coalesce(p.retired_at, excluded.retired_at) END
         WHERE (p.title, p.is_default, p.currency, p.currency_symbol, p.cookie_time, p.landing_page, p.category,
                p.recurring, p.recurring_cap, p.recurring_period_days, p.approval, p.hold_days, p.default_type,
                p.keyed_leads_only, p.retired_at IS NULL)
             IS DISTINCT FROM
               (excluded.title, excluded.is_default, excluded.currency, excluded.currency_symbol,
                excluded.cookie_time, excluded.landing_page, excluded.category, excluded.recurring,
                excluded.recurring_cap, excluded.recurring_period_days, excluded.approval, excluded.hold_days,
                excluded.default_type, excluded.keyed_leads_only, excluded.retired_at IS NULL)
         RETURNING slug AS id, xmax = 0 AS "is_new!""#,
        target.org_id,
        Json(programs) as _,
        target.rules_from()
    );
    target.run("programs.upsert", programs.len(), query).await
}

#[derive(Serialize)]
struct Asset<'a> {
    owner: &'a str,
    asset_id: &'a str,
}

fn assets_of(program: &Program) -> impl Iterator<Item = Asset<'_>> {
    let ids = program.assets.iter();
    ids.map(|id| Asset {
        owner: program.id.get_ref(),
        asset_id: id.get_ref(),
    })
}

async fn insert_assets(target: &mut Target<'_>, assets: &[Asset<'_>]) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO program_assets (org_id, program_id, asset_id)
             SELECT $1, p.program_id, f.asset_id
             FROM jsonb_to_recordset($2) AS f (owner text, asset_id text)
             JOIN programs p ON p.org_id = $1 AND p.slug = f.owner
             ON CONFLICT DO NOTHING
             RETURNING program_id, asset_id
         )
         SELECT p.slug || '/' || w.asset_id AS "id!", true AS "is_new!"
         FROM written w JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(assets) as _
    );
    target.run("assets.insert", assets.len(), query).await
}
