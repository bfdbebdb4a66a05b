//! Customers as REST 1.6 lists them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    exact_limit,
    rows::{AffiliateRow, ClickRow, ProgramRow},
    skipped,
};
use crate::{
    db::{Connection, DbError},
    domain::{CustomerId, CustomerRecord, MetaData, OrgId, ProgramId},
    reads::rest::PAGE_SIZE,
};

/// Which customers to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerFilter {
    /// The program that the caller's key is bound to: it sees no other.
    pub scope: Option<ProgramId>,
    pub id: Option<CustomerId>,
    /// The merchant's id, also of customers whom their e-mail identifies (Yaplet).
    pub customer_id: Option<String>,
    /// The program's slug.
    pub program: Option<String>,
    /// The slug of the affiliate who brought the customer.
    pub affiliate: Option<String>,
    /// Created from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Created before this time.
    pub until: Option<DateTime<Utc>>,
}

/// The condition of [`CustomerFilter`] on `customers u`, with the parameters $1 to $8.
macro_rules! matching {
    () => {
        "u.org_id = $1 AND u.deleted_at IS NULL
         AND ($2::bigint IS NULL OR u.program_id = $2)
         AND ($3::bigint IS NULL OR u.customer_id = $3)
         AND ($4::text IS NULL OR u.identity = 'id:' || $4
              OR (u.external_id = $4 AND u.identity LIKE 'email:%'))
         AND ($5::text IS NULL OR u.program_id = (
             SELECT p.program_id FROM programs p WHERE p.org_id = $1 AND p.slug = $5))
         AND ($6::text IS NULL OR u.affiliate_id = (
             SELECT a.affiliate_id FROM affiliates a WHERE a.org_id = $1 AND a.slug = $6))
         AND ($7::timestamptz IS NULL OR u.created_at >= $7)
         AND ($8::timestamptz IS NULL OR u.created_at < $8)"
    };
}

/// Binds the parameters of `matching!`.
macro_rules! bind_filter {
    ($query:expr, $org:expr, $filter:expr) => {
        $query
            .bind($org.0)
            .bind($filter.scope.map(|program| program.0))
            .bind($filter.id.map(|id| id.0))
            .bind($filter.customer_id.as_deref())
            .bind($filter.program.as_deref())
            .bind($filter.affiliate.as_deref())
            .bind($filter.from)
            .bind($filter.until)
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    customer_id: i64,
    external_id: Option<String>,
    status: String,
    created_at: DateTime<Utc>,
    meta_data: Json<MetaData>,
    #[sqlx(flatten)]
    program: ProgramRow,
    #[sqlx(flatten)]
    affiliate: AffiliateRow,
    #[sqlx(flatten)]
    click: ClickRow,
}

/// Page `page` (the first is 1) of the living customers of `org`, latest id first.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &CustomerFilter,
    page: u32,
) -> Result<Vec<CustomerRecord>, DbError> {
    const SQL: &str = concat!(
        "SELECT u.customer_id, u.external_id, u.status, u.created_at, u.meta_data,
                p.slug AS program_slug, p.title AS program_title, p.currency AS program_currency,
                a.affiliate_id, a.slug, a.firstname, a.lastname,
                k.created_at AS clicked_at, k.referrer, k.landing_page, k.meta_data AS click_meta_data
           FROM (SELECT u.* FROM customers u WHERE ",
        matching!(),
        " ORDER BY u.customer_id DESC LIMIT $9 OFFSET $10) u
           JOIN programs p ON p.org_id = $1 AND p.program_id = u.program_id
           JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = u.affiliate_id
           LEFT JOIN clicks k ON k.org_id = $1 AND k.click_id = u.click_id
          ORDER BY u.customer_id DESC"
    );
    let rows: Vec<Row> = bind_filter!(sqlx::query_as(SQL), org, filter)
        .bind(i64::from(PAGE_SIZE))
        .bind(skipped(page))
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("customers.list", error))?;
    rows.into_iter().map(Row::into_record).collect()
}

/// How many customers match: see [`super::total`].
pub async fn total(conn: &mut Connection, org: OrgId, filter: &CustomerFilter) -> Result<u64, DbError> {
    const COUNT: &str = concat!(
        "SELECT count(*) FROM (SELECT FROM customers u WHERE ",
        matching!(),
        " LIMIT $9 + 1) counted"
    );
    const PLAN: &str = concat!(
        "EXPLAIN (FORMAT JSON) SELECT FROM customers u WHERE ",
        matching!()
    );
    let counted = bind_filter!(sqlx::query_scalar(COUNT), org, filter).bind(exact_limit());
    let plan = bind_filter!(sqlx::query_scalar(PLAN), org, filter);
    super::total(conn, "customers.total", counted, plan).await
}

impl Row {
    fn into_record(self) -> Result<CustomerRecord, DbError> {
        let (click, affiliate_meta_data) = self.click.into_views();
        Ok(CustomerRecord {
            id: CustomerId(self.customer_id),
            customer_id: self.external_id,
            status: self.status,
            created_at: self.created_at,
            click,
            program: self.program.into_view()?,
            affiliate: self.affiliate.into_view(),
            affiliate_meta_data,
            meta_data: self.meta_data.0,
            warnings: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    async fn ids(conn: &mut Connection, org: i64, filter: CustomerFilter) -> Vec<i64> {
        let found = list(conn, OrgId(org), &filter, 1).await.unwrap();
        let counted = total(conn, OrgId(org), &filter).await.unwrap();
        assert_eq!(counted, found.len() as u64);
        found.iter().map(|record| record.id.0).collect()
    }

    /// Beside USER1 of the fixture: one by a click, one forgotten, one of another program.
    async fn world(pool: &Pool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        let mut conn = fixture::world(pool).await;
        sqlx::raw_sql(
            "INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, event_id, dialect, trusted,
                                 referrer, meta_data, created_at, clicked_at)
             VALUES (1, 7, 1, 2, 'sandra1', gen_random_uuid(), 'rest', true, 'https://blog.example/', '{\"subid1\": \"baz\"}',
                     '2026-11-19 12:00:00Z', '2026-11-19 12:00:00Z');
             INSERT INTO customers (org_id, customer_id, identity, external_id, program_id, affiliate_id, status, track,
                                    click_id, meta_data, trusted, created_at, deleted_at)
             VALUES (1, 2, 'id:USER2', 'USER2', 1, 2, 'trial', 'trial', 7, '{\"foo\": 1.10}', true, '2026-11-21 12:00:00Z', NULL),
                    (1, 3, 'id:USER3', 'USER3', 1, 1, 'new', 'new', NULL, '{}', true, '2026-11-21 12:00:00Z', '2026-11-21 13:00:00Z'),
                    (1, 4, 'id:USER4', 'USER4', 2, 1, 'new', 'new', NULL, '{}', true, '2026-11-22 12:00:00Z', NULL)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        conn
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn customers_come_with_all_their_names(pool: Pool) {
        let mut conn = world(&pool).await;
        let filter = CustomerFilter {
            customer_id: Some("USER2".into()),
            ..Default::default()
        };
        let found = list(&mut conn, OrgId(1), &filter, 1).await.unwrap();
        let [record] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((record.id, record.status.as_str()), (CustomerId(2), "trial"));
        assert_eq!(
            (record.program.slug.as_str(), record.affiliate.slug.as_str()),
            ("johns", "sandra")
        );
        assert_eq!(
            serde_json::to_string(&record.meta_data).unwrap(),
            r#"{"foo":1.10}"#
        );
        let click = record.click.as_ref().unwrap();
        assert_eq!(click.referrer.as_deref(), Some("https://blog.example/"));
        assert_eq!(record.affiliate_meta_data.as_ref().unwrap()["subid1"], "baz");
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn filters_restrict_and_tenants_do_not_meet(pool: Pool) {
        let mut conn = world(&pool).await;
        let day = |text: &str| Some(text.parse().unwrap());
        let none = CustomerFilter::default;
        assert_eq!(ids(&mut conn, 1, none()).await, [4, 2, 1]);
        assert_eq!(ids(&mut conn, 2, none()).await, [0; 0]);
        for (filter, want) in [
            (
                CustomerFilter {
                    scope: Some(ProgramId(2)),
                    ..none()
                },
                [4].as_slice(),
            ),
            (
                CustomerFilter {
                    id: Some(CustomerId(1)),
                    scope: Some(ProgramId(2)),
                    ..none()
                },
                &[],
            ),
            (
                CustomerFilter {
                    id: Some(CustomerId(3)),
                    ..none()
                },
                &[],
            ),
            (
                CustomerFilter {
                    customer_id: Some("USER1".into()),
                    ..none()
                },
                &[1],
            ),
            (
                CustomerFilter {
                    customer_id: Some("USER".into()),
                    ..none()
                },
                &[],
            ),
            (
                CustomerFilter {
                    program: Some("johns".into()),
                    ..none()
                },
                &[2, 1],
            ),
            (
                CustomerFilter {
                    program: Some("nowhere".into()),
                    ..none()
                },
                &[],
            ),
            (
                CustomerFilter {
                    affiliate: Some("jane".into()),
                    ..none()
                },
                &[4, 1],
            ),
            (
                CustomerFilter {
                    from: day("2026-11-21T00:00:00Z"),
                    ..none()
                },
                &[4, 2],
            ),
            (
                CustomerFilter {
                    until: day("2026-11-21T00:00:00Z"),
                    ..none()
                },
                &[1],
            ),
        ] {
            assert_eq!(ids(&mut conn, 1, filter.clone()).await, want, "{filter:?}");
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn who_is_known_by_an_address_is_found_by_the_merchants_id(pool: Pool) {
        let mut conn = world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO customers (org_id, customer_id, identity, external_id, program_id, affiliate_id, status, trusted,
                                    created_at)
             SELECT 1, 100 + n, 'email:' || n || '@x.example', 'cust_' || n, 1, 1, 'new', true, now()
             FROM generate_series(1, 5000) n;
             ANALYZE customers",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let filter = CustomerFilter {
            customer_id: Some("cust_789".into()),
            ..Default::default()
        };
        assert_eq!(ids(&mut conn, 1, filter).await, [889]);
        let plan: Vec<String> = sqlx::query_scalar(concat!(
            "EXPLAIN SELECT FROM customers u WHERE u.org_id = 1 AND u.deleted_at IS NULL",
            " AND (u.identity = 'id:cust_789' OR (u.external_id = 'cust_789' AND u.identity LIKE 'email:%'))"
        ))
        .fetch_all(&mut *conn)
        .await
        .unwrap();
        assert!(
            plan.iter().any(|line| line.contains("customers_reference_idx")),
            "{plan:#?}"
        );
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn pages_do_not_overlap_and_large_totals_are_estimated(pool: Pool) {
        let mut conn = world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO customers (org_id, customer_id, identity, program_id, affiliate_id, status, trusted, created_at)
             SELECT 1, 100 + n, 'id:B' || n, 1, 1, 'new', true, now() FROM generate_series(1, 10100) n;
             ANALYZE customers",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let filter = CustomerFilter::default();
        let mut seen = std::collections::BTreeSet::new();
        for page in 1..=3 {
            let found = list(&mut conn, OrgId(1), &filter, page).await.unwrap();
            seen.extend(found.iter().map(|record| record.id.0));
        }
        assert_eq!((seen.len(), seen.first()), (75, Some(&10_126)));
        let total = total(&mut conn, OrgId(1), &filter).await.unwrap();
        assert!((10_001..20_000).contains(&total), "{total}");
        assert!(
            list(&mut conn, OrgId(1), &filter, u32::MAX)
                .await
                .unwrap()
                .is_empty()
        );
    }
}
