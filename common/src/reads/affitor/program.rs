//! How a program does: when its last events came, which came lately, and what they brought (seed: Affitor, "retrieve program
//! performance data").

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{
    db::{Connection, DbError},
    domain::{CommissionId, Currency, OrgId, ProgramId},
};

/// Events of one list, at most.
pub const MAX_EVENTS: u32 = 100;
/// Clicks, customers and sales of the organisation, newest first, among which those of the program are looked for.
const MAX_LOOKED_AT: i64 = 10_000;
/// Clicks, leads and sales of a period that are counted, of each the latest.
pub const MAX_COUNTED: i64 = 10_000;

/// A program, as its organisation calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramName {
    pub id: ProgramId,
    pub slug: String,
    pub title: String,
    pub currency: Currency,
}

/// The program of `org` with this slug or number, if the key, bound to `scope`, sees it.
pub async fn program(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    name: &str,
) -> Result<Option<ProgramName>, DbError> {
    // A slug that is another program's number is the slug.
    sqlx::query_as!(
        ProgramName,
        r#"SELECT program_id AS "id: ProgramId", slug, title, currency AS "currency: Currency" FROM programs
            WHERE org_id = $1 AND (slug = $2 OR program_id::text = $2) AND ($3::bigint IS NULL OR program_id = $3)
            ORDER BY slug = $2 DESC LIMIT 1"#,
        org.0,
        name,
        scope.map(|program| program.0)
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| DbError::new("affitor.program", error))
}

/// When the last of each came, among the organisation's latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramState {
    pub last_click_at: Option<DateTime<Utc>>,
    pub last_lead_at: Option<DateTime<Utc>>,
    pub last_sale_at: Option<DateTime<Utc>>,
}

/// When something last came.
pub async fn state(conn: &mut Connection, org: OrgId, program: ProgramId) -> Result<ProgramState, DbError> {
    sqlx::query_as!(
        ProgramState,
        r#"SELECT (SELECT max(k.created_at) FROM (SELECT program_id, created_at FROM clicks WHERE org_id = $1
                                                  ORDER BY click_id DESC LIMIT $3) k
                    WHERE k.program_id = $2) AS last_click_at,
                (SELECT max(u.created_at) FROM (SELECT program_id, created_at FROM customers WHERE org_id = $1
                                                 ORDER BY customer_id DESC LIMIT $3) u
                  WHERE u.program_id = $2) AS last_lead_at,
                (SELECT max(c.created_at) FROM (SELECT program_id, created_at, deleted_at FROM conversions WHERE org_id = $1
                                                 ORDER BY conversion_id DESC LIMIT $3) c
                  WHERE c.program_id = $2 AND c.deleted_at IS NULL) AS last_sale_at"#,
        org.0,
        program.0,
        MAX_LOOKED_AT
    )
    .fetch_one(conn)
    .await
    .map_err(|error| DbError::new("affitor.state", error))
}

/// A click, a lead or a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventOfProgram {
    /// `click`, `lead` or `sale`.
    pub kind: String,
    /// Of the click, the customer or the sale.
    pub number: i64,
    pub at: DateTime<Utc>,
    /// The affiliate's id.
    pub affiliate: String,
    pub customer_key: Option<String>,
    pub transaction_id: Option<String>,
    pub amount: Option<Decimal>,
    pub currency: Option<Currency>,
    /// Its first commission.
    pub commission: Option<CommissionId>,
}

/// The latest `limit` events of the program, among the organisation's latest; of one kind where `kind` is given.
pub async fn events(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    kind: Option<&str>,
    limit: u32,
) -> Result<Vec<EventOfProgram>, DbError> {
    sqlx::query_as!(
        EventOfProgram,
        r#"SELECT latest.kind AS "kind!", latest.number AS "number!", latest.at AS "at!", a.slug AS affiliate,
                u.external_id AS "customer_key?", latest.transaction_id, latest.amount,
                latest.currency AS "currency?: Currency",
                (SELECT min(m.commission_id) FROM commissions m
                  WHERE m.org_id = $1 AND latest.kind = 'sale' AND m.conversion_id = latest.number)
                    AS "commission?: CommissionId"
           FROM (
             SELECT 'click' AS kind, click_id AS number, created_at AS at, affiliate_id, customer_id,
                    NULL AS transaction_id, NULL::numeric AS amount, NULL AS currency, program_id
               FROM (SELECT * FROM clicks WHERE org_id = $1 ORDER BY click_id DESC LIMIT $5) k
             UNION ALL
             SELECT 'lead', customer_id, created_at, affiliate_id, customer_id, NULL, NULL, NULL, program_id
               FROM (SELECT * FROM customers WHERE org_id = $1 ORDER BY customer_id DESC LIMIT $5) l
              WHERE deleted_at IS NULL
             UNION ALL
             SELECT 'sale', conversion_id, created_at, affiliate_id, customer_id, external_id, amount, currency, program_id
               FROM (SELECT * FROM conversions WHERE org_id = $1 ORDER BY conversion_id DESC LIMIT $5) c
              WHERE deleted_at IS NULL) latest
           JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = latest.affiliate_id
           LEFT JOIN customers u ON u.org_id = $1 AND u.customer_id = latest.customer_id
          WHERE latest.program_id = $2 AND ($3::text IS NULL OR latest.kind = $3)
          ORDER BY latest.at DESC, latest.kind, latest.number DESC
          LIMIT $4"#,
        org.0,
        program.0,
        kind,
        i64::from(limit.min(MAX_EVENTS)),
        MAX_LOOKED_AT
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("affitor.events", error))
}

/// What came in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    pub currency: Currency,
    pub sales: i64,
    /// What was sold, less what was refunded.
    pub revenue: Decimal,
    /// Of these sales, in any state but disapproved.
    pub commission: Decimal,
}

/// What came from one moment to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Performance {
    pub clicks: i64,
    pub leads: i64,
    pub sales: i64,
    pub money: Vec<Money>,
    /// Whether that is all: false where there are more than [`MAX_COUNTED`] of one.
    pub is_complete: bool,
}

/// What the program brought from `from` on and before `until`, where they are given: of each its latest [`MAX_COUNTED`] at most.
pub async fn performance(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Performance, DbError> {
    let counts = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM (
                     SELECT FROM clicks WHERE org_id = $1 AND program_id = $2
                        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
                      ORDER BY created_at DESC LIMIT $5::bigint + 1) counted) AS "clicks!",
                (SELECT count(*) FROM (
                     SELECT FROM customers WHERE org_id = $1 AND program_id = $2 AND deleted_at IS NULL
                        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
                      ORDER BY created_at DESC LIMIT $5::bigint + 1) counted) AS "leads!",
                (SELECT count(*) FROM (
                     SELECT FROM conversions WHERE org_id = $1 AND program_id = $2 AND deleted_at IS NULL
                        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
                      ORDER BY created_at DESC LIMIT $5::bigint + 1) counted) AS "sales!""#,
        org.0,
        program.0,
        from,
        until,
        MAX_COUNTED
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(|error| DbError::new("affitor.performance", error))?;
    let found = [counts.clicks, counts.leads, counts.sales];
    Ok(Performance {
        clicks: counts.clicks.min(MAX_COUNTED),
        leads: counts.leads.min(MAX_COUNTED),
        sales: counts.sales.min(MAX_COUNTED),
        money: money(conn, org, program, from, until).await?,
        is_complete: found.into_iter().all(|count| count <= MAX_COUNTED),
    })
}

/// The same of its sales.
async fn money(
    conn: &mut Connection,
    org: OrgId,
    program: ProgramId,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<Money>, DbError> {
    sqlx::query_as!(
        Money,
        r#"WITH sold AS MATERIALIZED (
             SELECT conversion_id, currency, amount - refunded AS revenue FROM conversions
              WHERE org_id = $1 AND program_id = $2 AND deleted_at IS NULL
                AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
              ORDER BY created_at DESC LIMIT $5),
         earned AS (
             SELECT m.currency, sum(m.amount) AS commission
               FROM sold JOIN commissions m ON m.org_id = $1 AND m.conversion_id = sold.conversion_id
              WHERE m.approved IS DISTINCT FROM false
              GROUP BY m.currency),
         revenue AS (
             SELECT currency, count(*) AS sales, sum(revenue) AS revenue FROM sold GROUP BY currency)
         SELECT currency AS "currency!: Currency", coalesce(sales, 0) AS "sales!", coalesce(revenue, 0) AS "revenue!",
                coalesce(commission, 0) AS "commission!"
           FROM revenue FULL JOIN earned USING (currency) ORDER BY currency"#,
        org.0,
        program.0,
        from,
        until,
        MAX_COUNTED
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("affitor.money", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_program_is_seen_by_its_own_tenant_and_key(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        for (org, scope, name, want) in [
            (1, None, "johns", Some(1)),
            (1, None, "1", Some(1)),
            (1, Some(1), "johns", Some(1)),
            (1, Some(2), "johns", None),
            (2, None, "johns", None),
            (1, None, "nowhere", None),
        ] {
            let found = program(&mut conn, OrgId(org), scope.map(ProgramId), name).await;
            assert_eq!(
                found.unwrap().map(|found| found.id.0),
                want,
                "{org} {scope:?} {name}"
            );
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn sales_are_counted_and_listed_by_program_tenant_and_time(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let all = performance(&mut conn, OrgId(1), ProgramId(1), None, None)
            .await
            .unwrap();
        assert_eq!(all.sales, 2);
        let later = Some(fixture::now());
        let some = performance(&mut conn, OrgId(1), ProgramId(1), later, None)
            .await
            .unwrap();
        assert_eq!(some.sales, 1);
        let sales = events(&mut conn, OrgId(1), ProgramId(1), Some("sale"), 10)
            .await
            .unwrap();
        let numbers: Vec<_> = sales.iter().map(|sale| sale.number).collect();
        assert_eq!(numbers, [2, 1]);
        assert_eq!(sales[0].commission, Some(CommissionId(2)));
        assert!(
            state(&mut conn, OrgId(1), ProgramId(1))
                .await
                .unwrap()
                .last_sale_at
                .is_some()
        );
        for (org, program) in [(1, 2), (2, 1)] {
            let (org, program) = (OrgId(org), ProgramId(program));
            let none = performance(&mut conn, org, program, None, None).await.unwrap();
            assert_eq!(none.sales, 0);
            assert!(
                events(&mut conn, org, program, Some("sale"), 10)
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }
}
