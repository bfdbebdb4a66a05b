//! Affiliates in programs as REST 1.6 lists them: those of a program, and the programs of one.

use chrono::{DateTime, Utc};

use super::{
    affiliates::{AffiliateRow, IN_GROUP},
    list::ListSql,
    page::Page,
};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{
        OrgId, ProgramId,
        affiliate::{AffiliateInProgram, Affiliation, ProgramOfAffiliate},
    },
};

/// Which affiliates of a program to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffiliationFilter {
    pub source_id: Option<String>,
    /// Whatever its case.
    pub email: Option<String>,
    /// The slug of the parent.
    pub parent: Option<String>,
    pub group: Option<String>,
}

/// The living affiliates of a program.
fn of_program(org: OrgId, program: ProgramId) -> Conditions {
    Conditions::of_org("o.org_id", org)
        .equals("o.program_id", Some(program.0))
        .and("a.deleted_at IS NULL")
}

const OF_PROGRAM: ListSql = ListSql {
    operation: "affiliations.list",
    from: "affiliations o JOIN affiliates a ON a.org_id = o.org_id AND a.affiliate_id = o.affiliate_id",
    alias: "o",
    key: "o.program_id, o.affiliate_id",
    order: "o.affiliate_id DESC",
    columns: "a.slug, a.firstname, a.lastname, a.email, a.profile, group_at(a, now()) AS group_id, a.created_at, p.slug AS parent,
              o.approved, o.coupon, o.applied_at, g.landing_page, coalesce(o.referral_code, a.slug) AS referral_code,
              coalesce(o.asset_id, (SELECT min(t.asset_id) FROM program_assets t
                  WHERE t.org_id = $1 AND t.program_id = o.program_id)) AS asset_id, o.source_id",
    joins: "JOIN affiliations o
              ON o.org_id = $1 AND o.program_id = found.program_id AND o.affiliate_id = found.affiliate_id
            JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = o.affiliate_id
            JOIN programs g ON g.org_id = $1 AND g.program_id = o.program_id
            LEFT JOIN affiliates p ON p.org_id = $1 AND p.affiliate_id = a.parent_id",
};

const OF_AFFILIATE: ListSql = ListSql {
    operation: "affiliations.programs",
    from: "affiliations o JOIN affiliates a ON a.org_id = o.org_id AND a.affiliate_id = o.affiliate_id",
    alias: "o",
    key: "o.program_id, o.affiliate_id",
    order: "o.program_id DESC",
    columns: "g.slug AS program_slug, g.title,
              (SELECT count(*) FROM program_assets t WHERE t.org_id = $1 AND t.program_id = o.program_id) AS assets,
              o.approved, o.coupon, o.applied_at, g.landing_page, coalesce(o.referral_code, a.slug) AS referral_code,
              coalesce(o.asset_id, (SELECT min(t.asset_id) FROM program_assets t
                  WHERE t.org_id = $1 AND t.program_id = o.program_id)) AS asset_id, o.source_id",
    joins: "JOIN affiliations o
              ON o.org_id = $1 AND o.program_id = found.program_id AND o.affiliate_id = found.affiliate_id
            JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = o.affiliate_id
            JOIN programs g ON g.org_id = $1 AND g.program_id = o.program_id",
};

#[derive(sqlx::FromRow)]
struct PartRow {
    approved: Option<bool>,
    coupon: Option<String>,
    applied_at: DateTime<Utc>,
    landing_page: Option<String>,
    referral_code: String,
    asset_id: Option<String>,
    source_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct InProgramRow {
    #[sqlx(flatten)]
    affiliate: AffiliateRow,
    #[sqlx(flatten)]
    part: PartRow,
}

#[derive(sqlx::FromRow)]
struct ProgramRow {
    program_slug: String,
    title: String,
    assets: i64,
    #[sqlx(flatten)]
    part: PartRow,
}

/// The number of the program with that slug, if the caller's key may see it.
pub async fn program(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
) -> Result<Option<ProgramId>, DbError> {
    sqlx::query_scalar!(
        r#"SELECT program_id AS "id: ProgramId" FROM programs
           WHERE org_id = $1 AND slug = $2 AND ($3::bigint IS NULL OR program_id = $3)"#,
        org.0,
        slug,
        scope.map(|program| program.0)
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| DbError::new("affiliations.program", error))
}

/// Page `number` (the first is 1) of the affiliates in a program that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    filter: &AffiliationFilter,
    number: u32,
) -> Result<Page<AffiliateInProgram>, DbError> {
    let conditions = of_program(org, program)
        .equals("o.source_id", filter.source_id.as_deref())
        .given("lower(a.email) = lower({})", filter.email.as_deref())
        .of_affiliate("a.parent_id", filter.parent.as_deref())
        .given(IN_GROUP, filter.group.as_deref());
    let page = OF_PROGRAM.page::<InProgramRow>(conn, &conditions, number).await?;
    Ok(page.map(InProgramRow::into_record))
}

/// One of them, by the affiliate's public id.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    slug: &str,
) -> Result<Option<AffiliateInProgram>, DbError> {
    let conditions = of_program(org, program).equals("a.slug", Some(slug));
    let row = OF_PROGRAM.row::<InProgramRow>(conn, &conditions).await?;
    Ok(row.map(InProgramRow::into_record))
}

/// Page `number` of the programs in which an affiliate takes part.
pub async fn programs_of(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
    number: u32,
) -> Result<Page<ProgramOfAffiliate>, DbError> {
    let conditions = Conditions::of_org("o.org_id", org)
        .equals("a.slug", Some(slug))
        .and("a.deleted_at IS NULL")
        .equals("o.program_id", scope.map(|program| program.0));
    let page = OF_AFFILIATE.page::<ProgramRow>(conn, &conditions, number).await?;
    Ok(page.map(ProgramRow::into_record))
}

impl PartRow {
    fn into_record(self) -> Affiliation {
        Affiliation {
            approved: self.approved,
            coupon: self.coupon,
            applied_at: self.applied_at,
            landing_page: self.landing_page,
            referral_code: self.referral_code,
            asset_id: self.asset_id,
            source_id: self.source_id,
        }
    }
}

impl InProgramRow {
    fn into_record(self) -> AffiliateInProgram {
        AffiliateInProgram {
            affiliate: self.affiliate.into_record(),
            part: self.part.into_record(),
        }
    }
}

impl ProgramRow {
    fn into_record(self) -> ProgramOfAffiliate {
        ProgramOfAffiliate {
            slug: self.program_slug,
            title: self.title,
            assets: self.assets,
            part: self.part.into_record(),
        }
    }
}
