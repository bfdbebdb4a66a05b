//! Affiliates and their parts in programs, as far as the events of a batch lead to them.

use chrono::{DateTime, Utc};

use super::{Connection, DbError, columns::columns, programs::rate};
use crate::domain::{
    AffiliateId, OrgId, ProgramId,
    catalog::{Affiliate, Affiliation, Catalog, OwnRate},
    versions::Versions,
};

/// What leads to affiliates.
#[derive(Debug, Default)]
pub struct Lookup {
    /// Folded.
    pub coupons: Vec<(OrgId, String)>,
    /// Referral codes, or affiliates' own ids.
    pub referral_codes: Vec<(OrgId, String)>,
    /// Affiliates' own ids, also of those who were deleted: what they are owed can be paid.
    pub payees: Vec<(OrgId, String)>,
    pub sources: Vec<(OrgId, String, String)>,
    pub affiliates: Vec<(OrgId, AffiliateId)>,
}

impl Lookup {
    /// Whether it leads to nobody.
    pub fn is_empty(&self) -> bool {
        let Self {
            coupons,
            referral_codes,
            payees,
            sources,
            affiliates,
        } = self;
        coupons.is_empty()
            && referral_codes.is_empty()
            && payees.is_empty()
            && sources.is_empty()
            && affiliates.is_empty()
    }
}

/// Adds the affiliates to whom `lookup` leads and all their ancestors, with all their affiliations.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn load_into(
    connection: &mut Connection,
    lookup: &Lookup,
    catalog: &mut Catalog,
) -> Result<(), DbError> {
    let (mut orgs, mut ids) = (Vec::new(), Vec::new());
    for (org, affiliate) in families(connection, lookup).await? {
        orgs.push(org.0);
        ids.push(affiliate.id.0);
        catalog.entry(org).or_default().add_affiliate(affiliate);
    }
    // The oldest version first, what was declared last at the end.
    let rows = sqlx::query!(
        r#"SELECT a.org_id AS "org: OrgId", a.program_id AS "program: ProgramId", a.affiliate_id AS "affiliate: AffiliateId",
                a.approved, a.coupon_folded, a.referral_code, a.asset_id, a.source_id, v.valid_from AS "valid_from?",
                v.own_rate_form AS "own_rate_form?", v.own_rate_value AS "own_rate_value?",
                v.ignore_product_rate AS "ignore_product_rate!"
         FROM unnest($1::bigint[], $2::bigint[]) AS family (org_id, affiliate_id)
         JOIN affiliations a ON (a.org_id, a.affiliate_id) = (family.org_id, family.affiliate_id)
         CROSS JOIN LATERAL (
             SELECT false AS is_declared, nullif(r.valid_from, '-infinity') AS valid_from, r.own_rate_form, r.own_rate_value,
                 r.ignore_product_rate
             FROM affiliation_rates r
             WHERE (r.org_id, r.program_id, r.affiliate_id) = (a.org_id, a.program_id, a.affiliate_id)
             UNION ALL
             SELECT true, NULL, a.own_rate_form, a.own_rate_value, a.ignore_product_rate
         ) v
         ORDER BY a.org_id, a.program_id, a.affiliate_id, v.is_declared, v.valid_from NULLS FIRST"#,
        &orgs,
        &ids
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("affiliations.load", error))?;
    let mut affiliations: Vec<(OrgId, Affiliation)> = Vec::new();
    for row in rows {
        let own_rate = row
            .own_rate_form
            .zip(row.own_rate_value)
            .map(|(form, value)| rate(&form, value));
        let own_rate = OwnRate {
            rate: own_rate.transpose()?,
            ignore_product_rate: row.ignore_product_rate,
        };
        let key = (row.org, row.program, row.affiliate);
        match affiliations.last_mut() {
            Some((org, last)) if (*org, last.program, last.affiliate) == key => {
                last.rates.follow(row.valid_from, own_rate);
            }
            _ => affiliations.push((
                row.org,
                Affiliation {
                    program: row.program,
                    affiliate: row.affiliate,
                    approved: row.approved,
                    coupon_folded: row.coupon_folded,
                    referral_code: row.referral_code,
                    asset_id: row.asset_id,
                    source_id: row.source_id,
                    rates: Versions::always(own_rate),
                },
            )),
        }
    }
    for (org, affiliation) in affiliations {
        catalog.entry(org).or_default().add_affiliation(affiliation);
    }
    Ok(())
}

columns! {
    /// Codes of any kind, column by column.
    CodeColumns<'a> of (org, code) in &'a (OrgId, String) {
        org_id: i64 = org.0,
        code: &'a str = code,
    }
}

/// The affiliates, and their parents up to the first.
async fn families(connection: &mut Connection, lookup: &Lookup) -> Result<Vec<(OrgId, Affiliate)>, DbError> {
    let coupons = CodeColumns::of(&lookup.coupons).unwrap_or_default();
    let codes = CodeColumns::of(&lookup.referral_codes).unwrap_or_default();
    let payees = CodeColumns::of(&lookup.payees).unwrap_or_default();
    let source_orgs: Vec<i64> = lookup.sources.iter().map(|(org, ..)| org.0).collect();
    let (assets, sources): (Vec<&str>, Vec<&str>) = lookup
        .sources
        .iter()
        .map(|(_, asset, source)| (asset.as_str(), source.as_str()))
        .unzip();
    let (affiliate_orgs, affiliates): (Vec<i64>, Vec<i64>) =
        lookup.affiliates.iter().map(|(org, id)| (org.0, id.0)).unzip();
    let rows = sqlx::query_as!(
        Member,
        r#"WITH RECURSIVE named AS (
             SELECT a.org_id, a.affiliate_id
             FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, coupon)
             JOIN affiliations a ON (a.org_id, a.coupon_folded) = (sent.org_id, sent.coupon)
             UNION
             SELECT a.org_id, a.affiliate_id
             FROM unnest($3::bigint[], $4::text[]) AS sent (org_id, code)
             -- Also those that differ in case: whoever asks takes the exact one first.
             JOIN affiliations a ON (a.org_id, lower(a.referral_code)) = (sent.org_id, lower(sent.code))
             UNION
             -- An affiliate's id also serves as referral code.
             SELECT f.org_id, f.affiliate_id
             FROM unnest($3::bigint[], $4::text[]) AS sent (org_id, code)
             JOIN affiliates f ON (f.org_id, lower(f.slug)) = (sent.org_id, lower(sent.code)) AND f.deleted_at IS NULL
             UNION
             SELECT a.org_id, a.affiliate_id
             FROM unnest($5::bigint[], $6::text[], $7::text[]) AS sent (org_id, asset_id, source_id)
             JOIN affiliations a ON (a.org_id, a.asset_id, a.source_id) = (sent.org_id, sent.asset_id, sent.source_id)
             UNION
             SELECT * FROM unnest($8::bigint[], $9::bigint[])
             UNION
             SELECT f.org_id, f.affiliate_id
             FROM unnest($10::bigint[], $11::text[]) AS sent (org_id, slug)
             JOIN affiliates f ON (f.org_id, f.slug) = (sent.org_id, sent.slug)
         ), family AS (
             SELECT org_id, affiliate_id FROM named
             UNION
             -- Up to the first ancestor; UNION ends even a cycle.
             SELECT f.org_id, f.parent_id
             FROM family JOIN affiliates f ON (f.org_id, f.affiliate_id) = (family.org_id, family.affiliate_id)
             WHERE f.parent_id IS NOT NULL
         )
         SELECT f.org_id AS "org: OrgId", f.affiliate_id AS "id: AffiliateId", f.slug, f.firstname, f.lastname,
                f.parent_id AS "parent: AffiliateId", f.deleted_at IS NOT NULL AS "is_deleted!",
                v.valid_from AS "valid_from?", v.group_id AS "group?"
         FROM family JOIN affiliates f ON (f.org_id, f.affiliate_id) = (family.org_id, family.affiliate_id)
         CROSS JOIN LATERAL (
             SELECT false AS is_declared, nullif(m.valid_from, '-infinity') AS valid_from, m.group_id
             FROM group_memberships m WHERE (m.org_id, m.affiliate_id) = (f.org_id, f.affiliate_id)
             UNION ALL
             SELECT true, NULL, f.group_id
         ) v
         ORDER BY f.org_id, f.affiliate_id, v.is_declared, v.valid_from NULLS FIRST"#,
        &coupons.org_id,
        &coupons.code as _,
        &codes.org_id,
        &codes.code as _,
        &source_orgs,
        &assets as _,
        &sources as _,
        &affiliate_orgs,
        &affiliates,
        &payees.org_id,
        &payees.code as _,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("affiliates.load", error))?;
    Ok(with_groups(rows))
}

/// An affiliate with one version of its group.
struct Member {
    org: OrgId,
    id: AffiliateId,
    slug: String,
    firstname: String,
    lastname: String,
    parent: Option<AffiliateId>,
    is_deleted: bool,
    valid_from: Option<DateTime<Utc>>,
    group: Option<String>,
}

/// The rows of an affiliate stand together: the oldest version first, what was declared last at the end.
fn with_groups(rows: Vec<Member>) -> Vec<(OrgId, Affiliate)> {
    let mut affiliates: Vec<(OrgId, Affiliate)> = Vec::new();
    for row in rows {
        match affiliates.last_mut() {
            Some((org, last)) if (*org, last.id) == (row.org, row.id) => {
                last.groups.follow(row.valid_from, row.group);
            }
            _ => {
                let affiliate = Affiliate {
                    id: row.id,
                    slug: row.slug,
                    firstname: row.firstname,
                    lastname: row.lastname,
                    parent: row.parent,
                    groups: Versions::always(row.group),
                    is_deleted: row.is_deleted,
                };
                affiliates.push((row.org, affiliate));
            }
        }
    }
    affiliates
}
