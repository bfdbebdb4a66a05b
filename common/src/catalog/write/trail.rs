//! What an apply leaves in the audit trail: the things of an organisation before and after it, compared.
//!
//! Of affiliates only those that the file names are looked at: there may be many. Secrets are not looked at; of a pixel's a
//! fingerprint tells that it was changed.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::types::Json;

use crate::{
    catalog::file::Org,
    db::{Connection, DbError, audit::Note},
};

/// Things by their subjects, such as `program/partners`.
pub(super) type Things = BTreeMap<String, Value>;

struct Row {
    subject: String,
    thing: Json<Value>,
}

fn by_subject(rows: Vec<Row>) -> Things {
    rows.into_iter().map(|row| (row.subject, row.thing.0)).collect()
}

/// The organisations themselves, by their slugs.
pub(super) async fn orgs(connection: &mut Connection, orgs: &[Org]) -> Result<Things, DbError> {
    let slugs: Vec<String> = orgs.iter().map(|org| org.id.get_ref().clone()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT slug AS subject, jsonb_build_object(
                'title', title, 'affiliates_feature', affiliates_feature, 'client_id', client_id,
               'events_per_minute', events_per_minute, 'events_under_way', events_under_way) AS "thing!: Json<Value>"
           FROM orgs WHERE slug = ANY ($1)"#,
        &slugs
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("catalog.trail_orgs", error))?;
    Ok(by_subject(rows))
}

/// All that the file may change of one organisation.
pub(super) async fn things(connection: &mut Connection, org_id: i64, org: &Org) -> Result<Things, DbError> {
    let mut things = programs(connection, org_id).await?;
    things.extend(keys(connection, org_id).await?);
    things.extend(affiliates(connection, org_id, org).await?);
    Ok(things)
}

/// Programs with their hosts, assets and rules, of which the latest version counts; groups and custom fields.
async fn programs(connection: &mut Connection, org_id: i64) -> Result<Things, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT 'group/' || group_id AS "subject!", jsonb_build_object('title', title) AS "thing!: Json<Value>"
             FROM affiliate_groups WHERE org_id = $1
         UNION ALL
         SELECT 'custom_field/' || field_id, definition || jsonb_build_object('retired_at', retired_at) FROM custom_fields WHERE org_id = $1
         UNION ALL
         SELECT 'program/' || p.slug, to_jsonb(p) - ARRAY['org_id', 'program_id', 'slug'] || jsonb_build_object(
                'hosts', (SELECT coalesce(jsonb_agg(h.host ORDER BY h.host), '[]') FROM program_hosts h
                           WHERE h.org_id = p.org_id AND h.program_id = p.program_id),
                'terms_from', (SELECT nullif(max(t.valid_from), '-infinity') FROM program_terms t
                                WHERE t.org_id = p.org_id AND t.program_id = p.program_id))
           FROM programs p WHERE p.org_id = $1
         UNION ALL
         SELECT 'asset/' || p.slug || '/' || a.asset_id, '{}'
           FROM program_assets a JOIN programs p USING (org_id, program_id) WHERE a.org_id = $1
         UNION ALL
         SELECT 'commission_type/' || p.slug || '/' || t.identifier, to_jsonb(t) - ARRAY['org_id', 'program_id', 'identifier']
           FROM (SELECT DISTINCT ON (program_id, identifier) * FROM commission_types WHERE org_id = $1
                  ORDER BY program_id, identifier, valid_from DESC) t
           JOIN programs p USING (org_id, program_id)
         UNION ALL
         SELECT 'level/' || p.slug || '/level-' || l.level, to_jsonb(l) - ARRAY['org_id', 'program_id', 'level']
           FROM (SELECT DISTINCT ON (program_id, level) * FROM program_levels WHERE org_id = $1
                  ORDER BY program_id, level, valid_from DESC) l
           JOIN programs p USING (org_id, program_id)
         UNION ALL
         SELECT 'bonus/' || p.slug || '/' || b.bonus_id, b.definition || jsonb_build_object('retired_at', b.retired_at)
           FROM program_bonuses b JOIN programs p USING (org_id, program_id) WHERE b.org_id = $1"#,
        org_id
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("catalog.trail_programs", error))?;
    Ok(by_subject(rows))
}

/// API keys and pixel keys. A fingerprint is made with the installation's own secret: nobody can try guesses against it.
async fn keys(connection: &mut Connection, org_id: i64) -> Result<Things, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT 'key/' || k.key_id AS "subject!", jsonb_build_object(
                'hint', k.hint, 'name', k.name, 'scopes', k.scopes, 'program', p.slug, 'owner', k.owner, 'owner_id', k.owner_id,
                'timezone', k.timezone, 'rate_per_minute', k.rate_per_minute, 'repeats', k.repeats,
                'revoked_at', k.revoked_at) AS "thing!: Json<Value>"
             FROM api_keys k LEFT JOIN programs p USING (org_id, program_id) WHERE k.org_id = $1
         UNION ALL
         SELECT 'pixel_key/' || x.pixel_key, jsonb_build_object(
                'address_ranges', x.address_ranges, 'revoked_at', x.revoked_at,
                'secret_fingerprint', left(encode(sha256(convert_to(s.value || ':' || x.secret, 'UTF8')), 'hex'), 8))
           FROM pixel_keys x JOIN settings s ON s.name = 'receipt_secret' WHERE x.org_id = $1"#,
        org_id
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("catalog.trail_keys", error))?;
    Ok(by_subject(rows))
}

/// The affiliates of the file, and their parts in programs.
async fn affiliates(connection: &mut Connection, org_id: i64, org: &Org) -> Result<Things, DbError> {
    let affiliates = org.affiliates.iter();
    let slugs: Vec<String> = affiliates
        .map(|affiliate| affiliate.id.get_ref().clone())
        .collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT 'affiliate/' || a.slug AS "subject!", jsonb_build_object(
                'firstname', a.firstname, 'lastname', a.lastname, 'email', a.email, 'group_id', a.group_id,
                'profile', a.profile, 'parent', p.slug,
                'group_from', (SELECT nullif(max(m.valid_from), '-infinity') FROM group_memberships m
                                WHERE m.org_id = a.org_id AND m.affiliate_id = a.affiliate_id)) AS "thing!: Json<Value>"
             FROM affiliates a LEFT JOIN affiliates p ON (p.org_id, p.affiliate_id) = (a.org_id, a.parent_id)
            WHERE a.org_id = $1 AND a.slug = ANY ($2)
         UNION ALL
         SELECT 'affiliation/' || a.slug || '/' || p.slug,
                to_jsonb(o) - ARRAY['org_id', 'program_id', 'affiliate_id', 'coupon_folded'] || jsonb_build_object(
                'rate_from', (SELECT nullif(max(r.valid_from), '-infinity') FROM affiliation_rates r WHERE r.org_id = o.org_id
                               AND r.program_id = o.program_id AND r.affiliate_id = o.affiliate_id))
           FROM affiliates a
           JOIN affiliations o ON (o.org_id, o.affiliate_id) = (a.org_id, a.affiliate_id)
           JOIN programs p ON (p.org_id, p.program_id) = (o.org_id, o.program_id)
          WHERE a.org_id = $1 AND a.slug = ANY ($2)"#,
        org_id,
        &slugs
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("catalog.trail_affiliates", error))?;
    Ok(by_subject(rows))
}

/// One entry per thing that was created or changed.
pub(super) fn notes(mut before: Things, after: Things) -> Vec<Note> {
    let entries = after.into_iter().map(|(subject, after)| {
        let before = before.remove(&subject);
        (subject, before, after)
    });
    let changed = entries.filter(|(_, before, after)| before.as_ref() != Some(after));
    changed
        .map(|(subject, before, after)| {
            let thing = subject.split('/').next().unwrap_or_default();
            let verb = if before.is_some() { "change" } else { "create" };
            Note {
                action: format!("{thing}.{verb}"),
                subject,
                before,
                after: Some(after),
                event: None,
            }
        })
        .collect()
}
