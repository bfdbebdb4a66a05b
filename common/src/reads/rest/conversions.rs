//! Conversions as REST 1.6 lists them: newest first, in pages, each with its commissions and all names.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;

use super::{
    PAGE_SIZE, exact_limit,
    rows::{AffiliateRow, ClickRow, CommissionRow, ProgramRow},
    skipped,
};
use crate::db::{Connection, DbError, decode};
use crate::domain::{
    CommissionView, ConversionId, ConversionView, CustomerId, CustomerView, MetaData, OrgId, ProgramId,
};

/// Which conversions to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversionFilter {
    /// The program that the caller's key is bound to: it sees no other.
    pub scope: Option<ProgramId>,
    pub id: Option<ConversionId>,
    pub external_id: Option<String>,
    /// The program's slug.
    pub program: Option<String>,
    /// The slug of the affiliate who made the sale.
    pub affiliate: Option<String>,
    /// From this time of sale on.
    pub from: Option<DateTime<Utc>>,
    /// Before this time of sale.
    pub until: Option<DateTime<Utc>>,
    /// Only those with a commission that waits for approval.
    pub pending: bool,
}

/// The condition of [`ConversionFilter`] on `conversions c`, with the parameters $1 to $8. What was superseded is in no
/// list, but who has its number can still see it.
macro_rules! matching {
    () => {
        "c.org_id = $1
         AND (c.deleted_at IS NULL OR c.superseded_by IS NOT NULL AND $3 IS NOT NULL)
         AND ($2::bigint IS NULL OR c.program_id = $2)
         AND ($3::bigint IS NULL OR c.conversion_id = $3)
         AND ($4::text IS NULL OR c.external_id = $4)
         AND ($5::text IS NULL OR c.program_id = (
             SELECT p.program_id FROM programs p WHERE p.org_id = $1 AND p.slug = $5))
         AND ($6::text IS NULL OR c.affiliate_id = (
             SELECT a.affiliate_id FROM affiliates a WHERE a.org_id = $1 AND a.slug = $6))
         AND ($7::timestamptz IS NULL OR c.created_at >= $7)
         AND ($8::timestamptz IS NULL OR c.created_at < $8)"
    };
}

/// The condition of [`ConversionFilter::pending`]. By itself, not beside an `OR`: so Postgres may begin with the few
/// commissions that wait.
macro_rules! waiting {
    () => {
        " AND EXISTS (
             SELECT FROM commissions m
              WHERE m.org_id = $1 AND m.conversion_id = c.conversion_id AND m.approved IS NULL)"
    };
}

/// Binds the parameters of `matching!`.
macro_rules! bind_filter {
    ($query:expr, $org:expr, $filter:expr) => {
        $query
            .bind($org.0)
            .bind($filter.scope.map(|program| program.0))
            .bind($filter.id.map(|id| id.0))
            .bind($filter.external_id.as_deref())
            .bind($filter.program.as_deref())
            .bind($filter.affiliate.as_deref())
            .bind($filter.from)
            .bind($filter.until)
    };
}

/// One page. It is found on an index alone; names are joined to its few rows.
macro_rules! page {
    ($($also:tt)*) => {
        concat!(
            "SELECT c.conversion_id, c.external_id, c.amount, c.currency, c.created_at, c.meta_data,
                p.slug AS program_slug, p.title AS program_title, p.currency AS program_currency,
                a.affiliate_id, a.slug, a.firstname, a.lastname,
                u.customer_id, u.external_id AS customer_external_id, u.status AS customer_status,
                k.created_at AS clicked_at, k.referrer, k.landing_page, k.meta_data AS click_meta_data, c.warnings
           FROM (SELECT c.* FROM conversions c WHERE ",
        matching!(),
            $($also)*,
            " ORDER BY c.conversion_id DESC LIMIT $9 OFFSET $10) c
           JOIN programs p ON p.org_id = $1 AND p.program_id = c.program_id
           JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = c.affiliate_id
           LEFT JOIN customers u ON u.org_id = $1 AND u.customer_id = c.customer_id
           LEFT JOIN clicks k ON k.org_id = $1 AND k.click_id = c.click_id
          ORDER BY c.conversion_id DESC"
        )
    };
}
const PAGE: &str = page!("");
const WAITING_PAGE: &str = page!(waiting!());

/// As many as a count is worth.
macro_rules! count {
    ($($also:tt)*) => {
        concat!(
            "SELECT count(*) FROM (SELECT FROM conversions c WHERE ",
            matching!(),
            $($also)*,
            " LIMIT $9 + 1) counted"
        )
    };
}
const COUNT: &str = count!("");
const WAITING_COUNT: &str = count!(waiting!());

/// What the planner thinks of them.
macro_rules! plan {
    ($($also:tt)*) => {
        concat!(
            "EXPLAIN (FORMAT JSON) SELECT FROM conversions c WHERE ",
            matching!(),
            $($also)*
        )
    };
}
const PLAN: &str = plan!("");
const WAITING_PLAN: &str = plan!(waiting!());

#[derive(sqlx::FromRow)]
struct Row {
    conversion_id: i64,
    external_id: Option<String>,
    amount: Decimal,
    currency: String,
    created_at: DateTime<Utc>,
    meta_data: Json<MetaData>,
    #[sqlx(flatten)]
    program: ProgramRow,
    #[sqlx(flatten)]
    affiliate: AffiliateRow,
    customer_id: Option<i64>,
    customer_external_id: Option<String>,
    customer_status: Option<String>,
    #[sqlx(flatten)]
    click: ClickRow,
    warnings: Vec<String>,
}

/// Page `page` (the first is 1) of the living conversions of `org`, latest id first. Two statements, whatever it holds.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &ConversionFilter,
    page: u32,
) -> Result<Vec<ConversionView>, DbError> {
    const OPERATION: &str = "conversions.list";
    let sql = if filter.pending { WAITING_PAGE } else { PAGE };
    let rows: Vec<Row> = bind_filter!(sqlx::query_as(sql), org, filter)
        .bind(i64::from(PAGE_SIZE))
        .bind(skipped(page))
        .fetch_all(&mut *conn)
        .await
        .map_err(|error| DbError::new(OPERATION, error))?;
    let mut commissions = commissions(conn, org, &rows).await?;
    rows.into_iter()
        .map(|row| {
            let commissions = commissions.remove(&row.conversion_id).unwrap_or_default();
            row.into_view(commissions)
        })
        .collect()
}

/// How many conversions match: exact up to [`MAX_EXACT_TOTAL`], estimated above it.
pub async fn total(conn: &mut Connection, org: OrgId, filter: &ConversionFilter) -> Result<u64, DbError> {
    let (count, plan) = if filter.pending {
        (WAITING_COUNT, WAITING_PLAN)
    } else {
        (COUNT, PLAN)
    };
    let counted = bind_filter!(sqlx::query_scalar(count), org, filter).bind(exact_limit());
    let plan = bind_filter!(sqlx::query_scalar(plan), org, filter);
    super::total(conn, "conversions.total", counted, plan).await
}

async fn commissions(
    conn: &mut Connection,
    org: OrgId,
    rows: &[Row],
) -> Result<HashMap<i64, Vec<CommissionView>>, DbError> {
    const OPERATION: &str = "conversions.commissions";
    let ids: Vec<i64> = rows.iter().map(|row| row.conversion_id).collect();
    let rows = sqlx::query_as::<_, CommissionRow>(
        "SELECT m.conversion_id, m.commission_id, m.kind, m.commission_type, m.commission_name, m.sub_amount, m.amount,
                m.currency, m.approved, m.comment, m.created_at, m.payment_id, m.final_at, a.affiliate_id, a.slug, a.firstname, a.lastname
           FROM commissions m
           JOIN affiliates a ON a.org_id = m.org_id AND a.affiliate_id = m.affiliate_id
          WHERE m.org_id = $1 AND m.conversion_id = ANY($2)
          ORDER BY m.commission_id",
    )
    .bind(org.0)
    .bind(ids)
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new(OPERATION, error))?;
    let mut by_conversion = HashMap::<_, Vec<_>>::new();
    for row in rows {
        if let Some(conversion) = row.conversion_id {
            let all = by_conversion.entry(conversion).or_default();
            all.push(row.into_view()?);
        }
    }
    Ok(by_conversion)
}

impl Row {
    fn into_view(self, commissions: Vec<CommissionView>) -> Result<ConversionView, DbError> {
        const OPERATION: &str = "conversions.currency";
        let customer = self.customer_id.zip(self.customer_status);
        let (click, affiliate_meta_data) = self.click.into_views();
        Ok(ConversionView {
            id: ConversionId(self.conversion_id),
            external_id: self.external_id,
            amount: self.amount,
            currency: decode::currency(OPERATION, &self.currency)?,
            created_at: self.created_at,
            program: self.program.into_view()?,
            affiliate: self.affiliate.into_view(),
            customer: customer.map(|(id, status)| CustomerView {
                id: CustomerId(id),
                external_id: self.customer_external_id,
                status,
            }),
            meta_data: self.meta_data.0,
            commissions,
            click,
            affiliate_meta_data,
            warnings: self.warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    async fn ids(conn: &mut Connection, org: i64, filter: ConversionFilter) -> Vec<i64> {
        let found = list(conn, OrgId(org), &filter, 1).await.unwrap();
        assert_eq!(
            total(conn, OrgId(org), &filter).await.unwrap(),
            found.len() as u64
        );
        found.iter().map(|view| view.id.0).collect()
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn conversions_come_with_all_their_names(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let by_order = ConversionFilter {
            external_id: Some("ORD1".into()),
            ..Default::default()
        };
        let found = list(&mut conn, OrgId(1), &by_order, 1).await.unwrap();
        let [view] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(view.amount.normalize().to_string(), "100.5");
        assert_eq!(serde_json::to_string(&view.meta_data).unwrap(), r#"{"foo":1.10}"#);
        assert_eq!(
            (view.program.slug.as_str(), view.affiliate.slug.as_str()),
            ("johns", "jane")
        );
        let customer = view.customer.as_ref().unwrap();
        assert_eq!(
            (customer.external_id.as_deref(), customer.status.as_str()),
            (Some("USER1"), "active")
        );
        let lines: Vec<_> = view
            .commissions
            .iter()
            .map(|line| (line.id.0, line.affiliate.slug.as_str(), line.approved))
            .collect();
        assert_eq!(lines, [(2, "jane", None), (3, "sandra", Some(true))]);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn filters_restrict_and_tenants_do_not_meet(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let none = ConversionFilter::default;
        assert_eq!(ids(&mut conn, 1, none()).await, [2, 1]);
        assert_eq!(ids(&mut conn, 2, none()).await, [0; 0]);
        for (filter, want) in [
            (
                ConversionFilter {
                    external_id: Some("ORD".into()),
                    ..none()
                },
                [].as_slice(),
            ),
            (
                ConversionFilter {
                    id: Some(ConversionId(1)),
                    ..none()
                },
                &[1],
            ),
            (
                ConversionFilter {
                    scope: Some(ProgramId(2)),
                    ..none()
                },
                &[],
            ),
            (
                ConversionFilter {
                    program: Some("johns".into()),
                    ..none()
                },
                &[2, 1],
            ),
            (
                ConversionFilter {
                    program: Some("partner".into()),
                    ..none()
                },
                &[],
            ),
            (
                ConversionFilter {
                    affiliate: Some("sandra".into()),
                    ..none()
                },
                &[],
            ),
            (
                ConversionFilter {
                    pending: true,
                    ..none()
                },
                &[2],
            ),
            (
                ConversionFilter {
                    from: Some(fixture::now()),
                    ..none()
                },
                &[2],
            ),
            (
                ConversionFilter {
                    until: Some(fixture::now()),
                    ..none()
                },
                &[1],
            ),
        ] {
            assert_eq!(ids(&mut conn, 1, filter.clone()).await, want, "{filter:?}");
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_superseded_sale_is_found_by_its_number_alone(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, event_id, dialect, trusted,
                                      attributed_by, amount, currency, created_at, deleted_at, superseded_by)
             VALUES (1, 3, 'GONE', 1, 1, gen_random_uuid(), 'rest', true, 'coupon', 1, 'USD', now(), now(), NULL),
                    (1, 4, 'ORD1', 1, 1, gen_random_uuid(), 'pixel', false, 'coupon', 1, 'USD', now(), now(), 2)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let by_number = |number| ConversionFilter {
            id: Some(ConversionId(number)),
            ..Default::default()
        };
        assert_eq!(ids(&mut conn, 1, by_number(4)).await, [4]);
        assert_eq!(ids(&mut conn, 1, by_number(3)).await, [0; 0], "deleted");
        assert_eq!(ids(&mut conn, 2, by_number(4)).await, [0; 0]);
        let by_order = ConversionFilter {
            external_id: Some("ORD1".into()),
            ..Default::default()
        };
        assert_eq!(ids(&mut conn, 1, by_order).await, [2]);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn pages_do_not_overlap_and_large_totals_are_estimated(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO conversions SELECT org_id, 100 + n, 'B' || n, program_id, affiliate_id, customer_id, event_id,
                    dialect, trusted, attributed_by, amount, currency, 0, false, meta_data, details, created_at
               FROM conversions, generate_series(1, 12000) n WHERE conversion_id = 2;
             ANALYZE conversions",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let filter = ConversionFilter::default();
        let mut seen = std::collections::BTreeSet::new();
        for page in 1..=3 {
            let found = list(&mut conn, OrgId(1), &filter, page).await.unwrap();
            seen.extend(found.iter().map(|view| view.id.0));
        }
        assert_eq!(seen.len(), 75);
        assert_eq!(seen.first(), Some(&12_026));
        let total = total(&mut conn, OrgId(1), &filter).await.unwrap();
        assert!((10_001..20_000).contains(&total), "{total}");
        let last = list(&mut conn, OrgId(1), &filter, 481).await.unwrap();
        assert_eq!(last.len(), 2);
        assert!(
            list(&mut conn, OrgId(1), &filter, u32::MAX)
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn few_among_many_are_found_by_an_index_of_their_own(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO conversions SELECT org_id, 100 + n, 'B' || n, program_id, 100 + n % 100, customer_id, event_id,
                    dialect, trusted, attributed_by, amount, currency, 0, false, meta_data, details, created_at
               FROM conversions, generate_series(1, 12000) n WHERE conversion_id = 2;
             INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type,
                    commission_name, sub_amount, gross, amount, currency, approved, pending, payable, created_at)
             SELECT 1, 100 + n, 100 + n, 1, 'regular', 'standard', 'standard', 0, 0, 0, 'USD', true, 0, 0, now()
               FROM generate_series(1, 12000) n;
             ANALYZE conversions, commissions",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let waiting = ConversionFilter {
            pending: true,
            ..Default::default()
        };
        let by_nobody = ConversionFilter {
            affiliate: Some("peter".into()),
            ..Default::default()
        };
        for (plan, filter, index) in [
            (WAITING_PLAN, waiting, "commissions_pending_idx"),
            (PLAN, by_nobody, "conversions_affiliate_idx"),
        ] {
            assert!(ids(&mut conn, 1, filter.clone()).await.len() < 2);
            let plan: Json<serde_json::Value> = bind_filter!(sqlx::query_scalar(plan), OrgId(1), filter)
                .fetch_one(&mut *conn)
                .await
                .unwrap();
            assert!(plan.to_string().contains(index), "{plan:?}");
        }
    }
}
