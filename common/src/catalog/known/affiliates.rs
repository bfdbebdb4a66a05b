//! Affiliates and their parts in programs. Who was deleted is not known any more.

use serde_json::{Map, Value};

use super::thing::object;
use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

/// Which affiliates are looked at: there may be many.
pub(in crate::catalog) enum Which {
    All,
    /// Those with these ids, and all above them.
    Named(Vec<String>),
}

/// An affiliate.
#[derive(Clone)]
pub(in crate::catalog) struct Affiliate {
    pub(in crate::catalog) id: String,
    /// With `programs`, without the two that follow.
    pub(in crate::catalog) fields: Map<String, Value>,
    /// Free data, as it is stored: TOML has no null, JSON has.
    pub(in crate::catalog) meta_data: Map<String, Value>,
    pub(in crate::catalog) custom_fields: Map<String, Value>,
}

struct Row {
    id: String,
    fields: Value,
    meta_data: Option<Value>,
    custom_fields: Option<Value>,
}

/// In the order in which they were made.
pub(super) async fn load(
    connection: &mut Connection,
    org: OrgId,
    which: &Which,
) -> Result<Vec<Affiliate>, DbError> {
    let named = match which {
        Which::All => None,
        Which::Named(ids) if ids.is_empty() => return Ok(Vec::new()),
        Which::Named(ids) => Some(ids.as_slice()),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"WITH RECURSIVE line AS (
               SELECT affiliate_id, parent_id FROM affiliates WHERE org_id = $1 AND slug = ANY ($2::text[])
               UNION
               SELECT a.affiliate_id, a.parent_id FROM line JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = line.parent_id
           )
           SELECT a.slug AS id, jsonb_strip_nulls(jsonb_build_object(
               'firstname', a.firstname, 'lastname', a.lastname, 'email', a.email, 'parent', above.slug, 'group', a.group_id,
               'company', a.profile -> 'company', 'address', a.profile -> 'address',
               'programs', (SELECT coalesce(jsonb_object_agg(p.slug, jsonb_build_object(
                       'status', CASE o.approved WHEN true THEN 'approved' WHEN false THEN 'disapproved' ELSE 'pending' END,
                       'coupon', o.coupon, 'referral_code', o.referral_code, 'asset_id', o.asset_id, 'source_id', o.source_id,
                       coalesce(o.own_rate_form, 'fixed'), trim_scale(o.own_rate_value),
                       'ignore_product_rate', o.ignore_product_rate)), '{}')
                   FROM affiliations o JOIN programs p ON (p.org_id, p.program_id) = (o.org_id, o.program_id)
                   WHERE (o.org_id, o.affiliate_id) = (a.org_id, a.affiliate_id)))) AS "fields!",
               a.profile -> 'meta_data' AS meta_data, a.profile -> 'custom_fields' AS custom_fields
           FROM affiliates a LEFT JOIN affiliates above ON (above.org_id, above.affiliate_id) = (a.org_id, a.parent_id)
           WHERE a.org_id = $1 AND a.deleted_at IS NULL
               AND ($2::text[] IS NULL OR a.affiliate_id IN (SELECT affiliate_id FROM line))
           ORDER BY a.affiliate_id"#,
        org.0,
        named as _
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("known.affiliates", error))?;
    let each = rows.into_iter().map(|row| Affiliate {
        id: row.id,
        fields: object(row.fields),
        meta_data: row.meta_data.map(object).unwrap_or_default(),
        custom_fields: row.custom_fields.map(object).unwrap_or_default(),
    });
    Ok(each.collect())
}
