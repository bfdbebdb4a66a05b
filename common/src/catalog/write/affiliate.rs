//! Affiliates, their parents and their parts in programs.

use sqlx::types::Json;

use super::{
    error::SyncError,
    target::{Of, Target, Written, WrittenRow, owned},
};
use crate::catalog::{file::Affiliation, report::Thing, versions};

pub(super) async fn write(target: &mut Target<'_>) -> Result<(), SyncError> {
    let affiliates = &target.org.affiliates;
    let mut written = version_memberships(target).await?;
    written.extend(upsert(target).await?);
    for (id, _) in set_parents(target).await? {
        written.entry(id).or_insert(false);
    }
    target.add(Thing::Affiliate, affiliates.len(), written);

    let affiliations = owned(
        affiliates,
        |affiliate| affiliate.id.get_ref(),
        |affiliate| &affiliate.affiliations,
    );
    let mut written = release_codes(target, &affiliations).await?;
    written.extend(version_rates(target, &affiliations).await?);
    written.extend(upsert_affiliations(target, &affiliations).await?);
    target.add(Thing::Affiliation, affiliations.len(), written);
    Ok(())
}

/// Before the column is written.
async fn version_memberships(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let (org_id, from) = (target.org_id, target.rules_from());
    let written = versions::memberships(target.connection, org_id, &target.org.affiliates, from).await;
    target.versions("affiliates.memberships", Thing::Affiliate, written)
}

async fn upsert(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let affiliates = &target.org.affiliates;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"INSERT INTO affiliates AS a (org_id, slug, firstname, lastname, email, group_id, profile, created_at)
         SELECT $1, id, firstname, lastname, email, group_id, profile, $3
         FROM ROWS FROM (jsonb_to_recordset($2) AS (
                 id text, firstname text, lastname text, email text, group_id text, profile jsonb))
             WITH ORDINALITY
         ORDER BY ordinality
         ON CONFLICT (org_id, slug) DO UPDATE
         SET firstname = excluded.firstname, lastname = excluded.lastname, email = excluded.email,
             group_id = excluded.group_id, profile = excluded.profile
         -- Who was deleted stays deleted.
         WHERE a.deleted_at IS NULL AND (a.firstname, a.lastname, a.email, a.group_id, a.profile)
             IS DISTINCT FROM
               (excluded.firstname, excluded.lastname, excluded.email, excluded.group_id, excluded.profile)
         RETURNING slug AS id, xmax = 0 AS "is_new!""#,
        target.org_id,
        Json(affiliates) as _,
        target.now
    );
    target.run("affiliates.upsert", affiliates.len(), query).await
}

/// After all affiliates are there: a parent may stand below its children.
async fn set_parents(target: &mut Target<'_>) -> Result<Written, SyncError> {
    let affiliates = &target.org.affiliates;
    let query = sqlx::query_as!(
        WrittenRow,
        r#"UPDATE affiliates a SET parent_id = p.affiliate_id
         FROM jsonb_to_recordset($2) AS f (id text, parent text)
         LEFT JOIN affiliates p ON p.org_id = $1 AND p.slug = f.parent AND p.deleted_at IS NULL
         WHERE a.org_id = $1 AND a.slug = f.id AND a.deleted_at IS NULL AND a.parent_id IS DISTINCT FROM p.affiliate_id
         RETURNING a.slug AS id, false AS "is_new!""#,
        target.org_id,
        Json(affiliates) as _
    );
    target.run("affiliates.parents", affiliates.len(), query).await
}

/// Codes may move from one affiliation to another: given up first, then taken.
async fn release_codes(
    target: &mut Target<'_>,
    affiliations: &[Of<'_, Affiliation>],
) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"UPDATE affiliations o
         SET coupon = NULL, coupon_folded = NULL, referral_code = NULL, asset_id = NULL, source_id = NULL
         FROM jsonb_to_recordset($2) AS f (
             owner text, program text, coupon_folded text, referral_code text, asset_id text, source_id text)
         JOIN affiliates a ON a.org_id = $1 AND a.slug = f.owner AND a.deleted_at IS NULL
         JOIN programs p ON p.org_id = $1 AND p.slug = f.program
         WHERE o.org_id = $1 AND o.affiliate_id = a.affiliate_id AND o.program_id = p.program_id
             AND (o.coupon_folded, o.referral_code, o.asset_id, o.source_id)
                 IS DISTINCT FROM (f.coupon_folded, f.referral_code, f.asset_id, f.source_id)
         RETURNING a.slug || '/' || p.slug AS "id!", false AS "is_new!""#,
        target.org_id,
        Json(affiliations) as _
    );
    target
        .run("affiliations.release", affiliations.len(), query)
        .await
}

/// Before the columns are written.
async fn version_rates(
    target: &mut Target<'_>,
    affiliations: &[Of<'_, Affiliation>],
) -> Result<Written, SyncError> {
    let (org_id, from) = (target.org_id, target.rules_from());
    let written = versions::own_rates(target.connection, org_id, affiliations, from).await;
    target.versions("affiliations.rates", Thing::Affiliation, written)
}

async fn upsert_affiliations(
    target: &mut Target<'_>,
    affiliations: &[Of<'_, Affiliation>],
) -> Result<Written, SyncError> {
    let query = sqlx::query_as!(
        WrittenRow,
        r#"WITH written AS (
             INSERT INTO affiliations AS o
                 (org_id, program_id, affiliate_id, approved, coupon, coupon_folded, referral_code, asset_id, source_id,
                  own_rate_form, own_rate_value, ignore_product_rate)
             SELECT $1, p.program_id, a.affiliate_id, f.approved, f.coupon, f.coupon_folded, f.referral_code, f.asset_id,
                 f.source_id, f.form, f.value, f.ignore_product_rate
             FROM jsonb_to_recordset($2) AS f (
                 owner text, program text, approved boolean, coupon text, coupon_folded text, referral_code text,
                 asset_id text, source_id text, form text, value numeric, ignore_product_rate boolean)
             JOIN affiliates a ON a.org_id = $1 AND a.slug = f.owner AND a.deleted_at IS NULL
             JOIN programs p ON p.org_id = $1 AND p.slug = f.program
             ON CONFLICT (org_id, program_id, affiliate_id) DO UPDATE
             SET approved = excluded.approved, coupon = excluded.coupon, coupon_folded = excluded.coupon_folded,
                 referral_code = excluded.referral_code, asset_id = excluded.asset_id, source_id = excluded.source_id,
                 own_rate_form = excluded.own_rate_form, own_rate_value = excluded.own_rate_value,
                 ignore_product_rate = excluded.ignore_product_rate
             WHERE (o.approved, o.coupon, o.coupon_folded, o.referral_code, o.asset_id, o.source_id, o.own_rate_form,
                    o.own_rate_value, o.ignore_product_rate)
                 IS DISTINCT FROM
                   (excluded.approved, excluded.coupon, excluded.coupon_folded, excluded.referral_code,
                    excluded.asset_id, excluded.source_id, excluded.own_rate_form, excluded.own_rate_value,
                    excluded.ignore_product_rate)
             RETURNING program_id, affiliate_id, xmax = 0 AS is_new
         )
         SELECT a.slug || '/' || p.slug AS "id!", w.is_new AS "is_new!"
         FROM written w
         JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = w.affiliate_id
         JOIN programs p ON p.org_id = $1 AND p.program_id = w.program_id"#,
        target.org_id,
        Json(affiliations) as _
    );
    target.run("affiliations.upsert", affiliations.len(), query).await
}
