//! Affiliates and their parts in programs, as far as the events of a batch lead to them.

use rust_decimal::Decimal;

use super::{Connection, DbError, programs::rate};
use crate::domain::{
    AffiliateId, OrgId, ProgramId,
    catalog::{Affiliate, Affiliation, Catalog},
};

/// What leads to affiliates.
#[derive(Debug, Default)]
pub struct Leads {
    /// Folded.
    pub coupons: Vec<(OrgId, String)>,
    /// Referral codes, or affiliates' own ids.
    pub referral_codes: Vec<(OrgId, String)>,
    pub sources: Vec<(OrgId, String, String)>,
    pub affiliates: Vec<(OrgId, AffiliateId)>,
}

#[derive(sqlx::FromRow)]
struct AffiliateRow {
    org_id: i64,
    affiliate_id: i64,
    slug: String,
    firstname: String,
    lastname: String,
    parent_id: Option<i64>,
    group_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    org_id: i64,
    program_id: i64,
    affiliate_id: i64,
    approved: Option<bool>,
    coupon_folded: Option<String>,
    referral_code: Option<String>,
    asset_id: Option<String>,
    source_id: Option<String>,
    own_rate_form: Option<String>,
    own_rate_value: Option<Decimal>,
    ignore_product_rate: bool,
}

/// Adds the affiliates to whom `leads` lead and all their ancestors, with all their affiliations.
///
/// # Errors
/// When the database does not answer, or a row holds what no version of this code wrote.
pub async fn load_into(
    connection: &mut Connection,
    leads: &Leads,
    catalog: &mut Catalog,
) -> Result<(), DbError> {
    let rows: Vec<AffiliateRow> = sqlx::query_as(FAMILIES)
        .bind(leads.coupons.iter().map(|one| one.0.0).collect::<Vec<_>>())
        .bind(leads.coupons.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
        .bind(leads.referral_codes.iter().map(|one| one.0.0).collect::<Vec<_>>())
        .bind(
            leads
                .referral_codes
                .iter()
                .map(|one| one.1.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(leads.sources.iter().map(|one| one.0.0).collect::<Vec<_>>())
        .bind(leads.sources.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
        .bind(leads.sources.iter().map(|one| one.2.as_str()).collect::<Vec<_>>())
        .bind(leads.affiliates.iter().map(|one| one.0.0).collect::<Vec<_>>())
        .bind(leads.affiliates.iter().map(|one| one.1.0).collect::<Vec<_>>())
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| DbError::new("affiliates.load", error))?;
    let (orgs, ids): (Vec<i64>, Vec<i64>) = rows.iter().map(|row| (row.org_id, row.affiliate_id)).unzip();
    for row in rows {
        catalog
            .entry(OrgId(row.org_id))
            .or_default()
            .add_affiliate(Affiliate {
                id: AffiliateId(row.affiliate_id),
                slug: row.slug,
                firstname: row.firstname,
                lastname: row.lastname,
                parent: row.parent_id.map(AffiliateId),
                group: row.group_id,
            });
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT a.org_id, a.program_id, a.affiliate_id, a.approved, a.coupon_folded, a.referral_code, a.asset_id,
                a.source_id, a.own_rate_form, a.own_rate_value, a.ignore_product_rate
         FROM unnest($1::bigint[], $2::bigint[]) AS family (org_id, affiliate_id)
         JOIN affiliations a ON (a.org_id, a.affiliate_id) = (family.org_id, family.affiliate_id)",
    )
    .bind(orgs)
    .bind(ids)
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("affiliations.load", error))?;
    for row in rows {
        let own_rate = row
            .own_rate_form
            .zip(row.own_rate_value)
            .map(|(form, value)| rate(&form, value));
        catalog
            .entry(OrgId(row.org_id))
            .or_default()
            .add_affiliation(Affiliation {
                program: ProgramId(row.program_id),
                affiliate: AffiliateId(row.affiliate_id),
                approved: row.approved,
                coupon_folded: row.coupon_folded,
                referral_code: row.referral_code,
                asset_id: row.asset_id,
                source_id: row.source_id,
                own_rate: own_rate.transpose()?,
                ignore_product_rate: row.ignore_product_rate,
            });
    }
    Ok(())
}

const FAMILIES: &str = "
    WITH RECURSIVE named AS (
        SELECT a.org_id, a.affiliate_id
        FROM unnest($1::bigint[], $2::text[]) AS sent (org_id, coupon)
        JOIN affiliations a ON (a.org_id, a.coupon_folded) = (sent.org_id, sent.coupon)
        UNION
        SELECT a.org_id, a.affiliate_id
        FROM unnest($3::bigint[], $4::text[]) AS sent (org_id, code)
        JOIN affiliations a ON (a.org_id, a.referral_code) = (sent.org_id, sent.code)
        UNION
        -- An affiliate's id also serves as referral code.
        SELECT f.org_id, f.affiliate_id
        FROM unnest($3::bigint[], $4::text[]) AS sent (org_id, code)
        JOIN affiliates f ON (f.org_id, f.slug) = (sent.org_id, sent.code)
        UNION
        SELECT a.org_id, a.affiliate_id
        FROM unnest($5::bigint[], $6::text[], $7::text[]) AS sent (org_id, asset_id, source_id)
        JOIN affiliations a ON (a.org_id, a.asset_id, a.source_id) = (sent.org_id, sent.asset_id, sent.source_id)
        UNION
        SELECT * FROM unnest($8::bigint[], $9::bigint[])
    ), family AS (
        SELECT org_id, affiliate_id FROM named
        UNION
        -- Up to the first ancestor; UNION ends even a cycle.
        SELECT f.org_id, f.parent_id
        FROM family JOIN affiliates f ON (f.org_id, f.affiliate_id) = (family.org_id, family.affiliate_id)
        WHERE f.parent_id IS NOT NULL
    )
    SELECT f.org_id, f.affiliate_id, f.slug, f.firstname, f.lastname, f.parent_id, f.group_id
    FROM family JOIN affiliates f ON (f.org_id, f.affiliate_id) = (family.org_id, family.affiliate_id)";
