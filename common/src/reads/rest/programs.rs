//! Programs as a resource of their own.

use super::{list::ListSql, page::Page};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{Currency, OrgId, ProgramId},
};

/// A program as its own resource shows it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct ProgramDetails {
    pub slug: String,
    pub title: String,
    pub currency: Currency,
    pub currency_symbol: Option<String>,
    /// Days that a click counts.
    pub cookie_time: i32,
    pub landing_page: Option<String>,
    pub recurring: bool,
    pub recurring_cap: Option<i32>,
    pub recurring_period_days: Option<i32>,
    /// JSON text, as the catalog declares it.
    pub category: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct ProgramFilter {
    /// The program that the caller's key is bound to: it sees no other.
    pub scope: Option<ProgramId>,
    /// One of its assets.
    pub asset: Option<String>,
}

impl ProgramFilter {
    fn conditions(&self, org: OrgId) -> Conditions {
        Conditions::of_org("p.org_id", org)
            .equals("p.program_id", self.scope.map(|program| program.0))
            .given(
                "EXISTS (SELECT FROM program_assets s
                          WHERE s.org_id = $1 AND s.program_id = p.program_id AND s.asset_id = {})",
                self.asset.as_deref(),
            )
    }
}

const LIST: ListSql = ListSql {
    operation: "programs.list",
    from: "programs p",
    alias: "p",
    key: "p.program_id",
    order: "p.program_id DESC",
    columns: "p.slug, p.title, p.currency, p.currency_symbol, p.landing_page, p.category,
              coalesce(t.cookie_time, p.cookie_time) AS cookie_time, coalesce(t.recurring, p.recurring) AS recurring,
              CASE WHEN t.program_id IS NULL THEN p.recurring_cap ELSE t.recurring_cap END AS recurring_cap,
              CASE WHEN t.program_id IS NULL THEN p.recurring_period_days ELSE t.recurring_period_days END
                  AS recurring_period_days",
    // The columns of programs say what was declared last, which is what holds unless it is a plan.
    joins: "JOIN programs p ON p.org_id = $1 AND p.program_id = found.program_id
            LEFT JOIN LATERAL (
                SELECT h.* FROM program_terms h
                WHERE h.org_id = $1 AND h.program_id = p.program_id AND h.valid_from <= now()
                    AND EXISTS (SELECT FROM program_terms n
                                WHERE n.org_id = $1 AND n.program_id = p.program_id AND n.valid_from > now())
                ORDER BY h.valid_from DESC LIMIT 1
            ) t ON true",
};

/// Page `number` (the first is 1) of the programs of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &ProgramFilter,
    number: u32,
) -> Result<Page<ProgramDetails>, DbError> {
    LIST.page(conn, &filter.conditions(org), number).await
}

/// The program of that id.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
) -> Result<Option<ProgramDetails>, DbError> {
    let filter = ProgramFilter { scope, asset: None };
    let conditions = filter.conditions(org).equals("p.slug", Some(slug));
    LIST.row(conn, &conditions).await
}

/// Programs of an organisation whose walks through an index are merged, at most.
pub(super) const MAX_MERGED: u32 = 16;

/// The numbers of all programs of `org`. `None`: there are more than `limit`.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn up_to(
    conn: &mut Connection,
    org: OrgId,
    limit: u32,
) -> Result<Option<Vec<ProgramId>>, DbError> {
    let mut sql = Conditions::of_org("p.org_id", org).statement("SELECT p.program_id FROM programs p WHERE ");
    sql.push(" ORDER BY p.program_id LIMIT ")
        .push_bind(i64::from(limit).saturating_add(1));
    let found: Vec<ProgramId> = sql
        .build_query_scalar()
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("programs.up_to", error))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Some(found).filter(|found| found.len() <= limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    async fn slugs(conn: &mut Connection, org: i64, scope: Option<i64>, asset: Option<&str>) -> Vec<String> {
        let filter = ProgramFilter {
            scope: scope.map(ProgramId),
            asset: asset.map(str::to_owned),
        };
        let page = list(conn, OrgId(org), &filter, 1).await.unwrap();
        page.rows.into_iter().map(|program| program.slug).collect()
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn the_terms_are_those_of_now(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let shown = async |conn: &mut Connection| {
            let program = find(conn, OrgId(1), None, "johns").await.unwrap().unwrap();
            (program.cookie_time, program.recurring_cap)
        };
        sqlx::raw_sql(
            "UPDATE programs SET cookie_time = 9, recurring_cap = 3 WHERE slug = 'johns';
             INSERT INTO program_terms (org_id, program_id, valid_from, cookie_time, recurring, recurring_cap, approval, default_type)
             VALUES (1, 1, '-infinity', 7, true, 1, 'manual', 'standard'), (1, 1, '2020-01-01', 8, true, NULL, 'manual', 'standard')",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        assert_eq!(
            shown(&mut conn).await,
            (9, Some(3)),
            "what was declared last holds"
        );
        sqlx::raw_sql(
            "INSERT INTO program_terms (org_id, program_id, valid_from, cookie_time, recurring, recurring_cap, approval, default_type)
             VALUES (1, 1, '9000-01-01', 9, true, 3, 'manual', 'standard')",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        assert_eq!(shown(&mut conn).await, (8, None), "it is a plan");
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn programs_are_those_of_the_tenant_and_of_the_key(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql("INSERT INTO program_assets VALUES (1, 2, 'a1'), (2, 3, 'a1')")
            .execute(&mut *conn)
            .await
            .unwrap();
        for (org, scope, asset, want) in [
            (1, None, None, ["partner", "johns"].as_slice()),
            (1, Some(1), None, &["johns"]),
            (1, None, Some("a1"), &["partner"]),
            (1, Some(1), Some("a1"), &[]),
            (1, None, Some("a2"), &[]),
            (2, None, Some("a1"), &["other-program"]),
        ] {
            assert_eq!(
                slugs(&mut conn, org, scope, asset).await,
                want,
                "{org} {scope:?} {asset:?}"
            );
        }
        let mut found = async |org, scope: Option<i64>| {
            let program = find(&mut conn, OrgId(org), scope.map(ProgramId), "johns").await;
            program.unwrap().map(|program| program.title)
        };
        assert_eq!(found(1, None).await.as_deref(), Some("John's program"));
        assert_eq!(found(1, Some(2)).await, None);
        assert_eq!(found(2, None).await, None);
    }
}
