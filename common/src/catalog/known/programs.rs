//! Programs with their rules as they hold last, groups and custom fields.

use serde_json::Value;

use super::thing::{Known, object};
use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

struct Row {
    id: String,
    fields: Value,
}

fn known(rows: Vec<Row>) -> Vec<Known> {
    let each = rows.into_iter().map(|row| Known {
        id: row.id,
        fields: object(row.fields),
    });
    each.collect()
}

pub(super) async fn groups(connection: &mut Connection, org: OrgId) -> Result<Vec<Known>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT group_id AS id, jsonb_build_object('title', title) AS "fields!"
           FROM affiliate_groups WHERE org_id = $1 ORDER BY number"#,
        org.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.groups", error))?;
    Ok(known(rows))
}

pub(super) async fn custom_fields(connection: &mut Connection, org: OrgId) -> Result<Vec<Known>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT field_id AS id, definition || jsonb_build_object('retired', retired_at IS NOT NULL) AS "fields!"
           FROM custom_fields WHERE org_id = $1 ORDER BY field_id COLLATE "C""#,
        org.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.custom_fields", error))?;
    Ok(known(rows))
}

/// A host that no file could declare, such as an address in brackets, comes back with its landing page.
pub(super) async fn all(connection: &mut Connection, org: OrgId) -> Result<Vec<Known>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT p.slug AS id, jsonb_strip_nulls(jsonb_build_object(
               'title', p.title, 'default', p.is_default, 'currency', p.currency, 'currency_symbol', p.currency_symbol,
               'cookie_time', p.cookie_time, 'landing_page', p.landing_page, 'category', p.category::jsonb,
               'recurring', p.recurring, 'recurring_cap', p.recurring_cap, 'recurring_period_days', p.recurring_period_days,
               'approval', p.approval, 'hold_days', p.hold_days, 'default_type', p.default_type,
               'keyed_leads_only', p.keyed_leads_only, 'retired', p.retired_at IS NOT NULL,
               'hosts', (SELECT coalesce(jsonb_agg(h.host ORDER BY h.host COLLATE "C"), '[]')
                   FROM program_hosts h
                   WHERE (h.org_id, h.program_id) = (p.org_id, p.program_id) AND h.host ~ '^[[:alnum:].-]+$'),
               'assets', (SELECT coalesce(jsonb_agg(a.asset_id ORDER BY a.asset_id COLLATE "C"), '[]')
                   FROM program_assets a WHERE (a.org_id, a.program_id) = (p.org_id, p.program_id)),
               'types', (SELECT coalesce(jsonb_object_agg(t.identifier, jsonb_build_object(
                       'title', t.title, t.form, trim_scale(t.value), 'recurrence', t.recurrence,
                       'count_towards_cap', t.count_towards_cap, 'retired', t.retired,
                       'groups', (SELECT coalesce(jsonb_object_agg(g ->> 'group_id', jsonb_build_object(
                               g ->> 'form', trim_scale((g ->> 'value')::numeric))), '{}')
                           FROM jsonb_array_elements(t.group_overrides) g))), '{}')
                   FROM (SELECT DISTINCT ON (v.identifier) v.* FROM commission_types v
                         WHERE (v.org_id, v.program_id) = (p.org_id, p.program_id)
                         ORDER BY v.identifier, v.valid_from DESC) t),
               'levels', (SELECT coalesce(jsonb_object_agg('level-' || l.level, jsonb_build_object(
                       'title', l.title, 'percentage', trim_scale(l.percentage), 'retired', l.retired)), '{}')
                   FROM (SELECT DISTINCT ON (v.level) v.* FROM program_levels v
                         WHERE (v.org_id, v.program_id) = (p.org_id, p.program_id)
                         ORDER BY v.level, v.valid_from DESC) l),
               'bonuses', (SELECT coalesce(jsonb_object_agg(b.bonus_id, b.definition - ARRAY['form', 'value']
                       || jsonb_build_object(b.definition ->> 'form', trim_scale((b.definition ->> 'value')::numeric))
                       || jsonb_build_object('retired', b.retired_at IS NOT NULL)), '{}')
                   FROM program_bonuses b WHERE (b.org_id, b.program_id) = (p.org_id, p.program_id))
           )) AS "fields!"
           FROM programs p WHERE p.org_id = $1 ORDER BY p.program_id"#,
        org.0
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.programs", error))?;
    Ok(known(rows))
}
