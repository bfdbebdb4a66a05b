//! Affiliate prospects: who may become an affiliate.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{list::ListSql, page::Page};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{OrgId, ProgramId, prospect::ProspectProfile},
};

#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct ProspectView {
    pub slug: String,
    pub firstname: String,
    pub lastname: String,
    pub email: Option<String>,
    pub profile: Json<ProspectProfile>,
    pub referral_code: String,
    pub asset_id: Option<String>,
    pub source_id: Option<String>,
    /// The program's landing page.
    pub landing_page: Option<String>,
    pub signup_source: String,
    pub created_at: DateTime<Utc>,
    pub promoted_at: Option<DateTime<Utc>>,
    pub promotion_method: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct ProspectFilter {
    /// The program that the caller's key is bound to: it sees no other.
    pub scope: Option<ProgramId>,
    /// Whatever its case.
    pub email: Option<String>,
    pub referral_code: Option<String>,
    /// The program's slug.
    pub program: Option<String>,
    /// The group's id.
    pub group: Option<String>,
}

impl ProspectFilter {
    fn conditions(&self, org: OrgId) -> Conditions {
        Conditions::of_org("q.org_id", org)
            .equals("q.program_id", self.scope.map(|program| program.0))
            .given("lower(q.email) = lower({})", self.email.as_deref())
            .equals("q.referral_code", self.referral_code.as_deref())
            .in_program("q.program_id", self.program.as_deref())
            .equals("q.group_id", self.group.as_deref())
    }
}

const LIST: ListSql = ListSql {
    operation: "prospects.list",
    from: "prospects q",
    alias: "q",
    key: "q.prospect_id",
    order: "q.prospect_id DESC",
    columns: "q.slug, q.firstname, q.lastname, q.email, q.profile, q.referral_code, q.asset_id, q.source_id, p.landing_page,
              q.signup_source, q.created_at, q.promoted_at, q.promotion_method",
    joins: "JOIN prospects q ON q.org_id = $1 AND q.prospect_id = found.prospect_id
            JOIN programs p ON p.org_id = $1 AND p.program_id = q.program_id",
};

/// Page `number` (the first is 1) of the prospects of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &ProspectFilter,
    number: u32,
) -> Result<Page<ProspectView>, DbError> {
    LIST.page(conn, &filter.conditions(org), number).await
}

/// The prospect of that id.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
) -> Result<Option<ProspectView>, DbError> {
    let filter = ProspectFilter {
        scope,
        ..ProspectFilter::default()
    };
    let conditions = filter.conditions(org).equals("q.slug", Some(slug));
    LIST.row(conn, &conditions).await
}
