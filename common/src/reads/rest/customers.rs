//! Customers as REST 1.6 lists them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    list::ListSql,
    page::Page,
    rows::{AffiliateRow, ClickRow, ProgramRow},
};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{CustomerId, CustomerRecord, MetaData, OrgId, ProgramId},
};

/// Which customers to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerFilter {
    /// The program that the caller's key is bound to: it sees no other.
    pub scope: Option<ProgramId>,
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

impl CustomerFilter {
    fn conditions(&self, org: OrgId) -> Conditions {
        living(org, self.scope)
            .given(
                "(u.identity = 'id:' || {} OR (u.external_id = {} AND u.identity LIKE 'email:%'))",
                self.customer_id.as_deref(),
            )
            .in_program("u.program_id", self.program.as_deref())
            .of_affiliate("u.affiliate_id", self.affiliate.as_deref())
            .given("u.created_at >= {}", self.from)
            .given("u.created_at < {}", self.until)
    }
}

/// Customers of `org` that were not deleted, within the program that the caller's key is bound to.
fn living(org: OrgId, scope: Option<ProgramId>) -> Conditions {
    Conditions::of_org("u.org_id", org)
        .and("u.deleted_at IS NULL")
        .equals("u.program_id", scope.map(|program| program.0))
}

const LIST: ListSql = ListSql {
    operation: "customers.list",
    from: "customers u",
    alias: "u",
    key: "u.customer_id",
    order: "u.customer_id DESC",
    columns: "u.customer_id, u.external_id, u.status, u.created_at, u.meta_data,
              p.slug AS program_slug, p.title AS program_title, p.currency AS program_currency,
              a.affiliate_id, a.slug, a.firstname, a.lastname,
              k.created_at AS clicked_at, k.referrer, k.landing_page, k.meta_data AS click_meta_data",
    joins: "JOIN customers u ON u.org_id = $1 AND u.customer_id = found.customer_id
            JOIN programs p ON p.org_id = $1 AND p.program_id = u.program_id
            JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = u.affiliate_id
            LEFT JOIN clicks k ON k.org_id = $1 AND k.click_id = u.click_id",
};

#[derive(sqlx::FromRow)]
struct Row {
    customer_id: CustomerId,
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

/// Page `number` (the first is 1) of the living customers of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &CustomerFilter,
    number: u32,
) -> Result<Page<CustomerRecord>, DbError> {
    let conditions = filter.conditions(org);
    let page = LIST.page::<Row>(conn, &conditions, number).await?;
    Ok(page.map(Row::into_record))
}

/// One living customer.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    id: CustomerId,
) -> Result<Option<CustomerRecord>, DbError> {
    let conditions = living(org, scope).equals("u.customer_id", Some(id.0));
    let row = LIST.row::<Row>(conn, &conditions).await?;
    Ok(row.map(Row::into_record))
}

impl Row {
    fn into_record(self) -> CustomerRecord {
        let (click, affiliate_meta_data) = self.click.into_views();
        CustomerRecord {
            id: self.customer_id,
            customer_id: self.external_id,
            status: self.status,
            created_at: self.created_at,
            click,
            program: self.program.into_view(),
            affiliate: self.affiliate.into_view(),
            affiliate_meta_data,
            meta_data: self.meta_data.0,
            warnings: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    async fn ids(conn: &mut Connection, org: i64, filter: CustomerFilter) -> Vec<i64> {
        let org = OrgId(org);
        let found = list(conn, org, &filter, 1).await.unwrap().rows;
        let counted = LIST.total(conn, &filter.conditions(org)).await.unwrap();
        assert_eq!(counted, found.len() as u64);
        found.iter().map(|record| record.id.0).collect()
    }

    async fn by_number(conn: &mut Connection, org: i64, scope: Option<i64>, id: i64) -> Option<i64> {
        let found = find(conn, OrgId(org), scope.map(ProgramId), CustomerId(id)).await;
        found.unwrap().map(|view| view.id.0)
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
        let found = list(&mut conn, OrgId(1), &filter, 1).await.unwrap().rows;
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
            r#"{"foo": 1.10}"#
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
        assert_eq!(by_number(&mut conn, 1, None, 1).await, Some(1));
        assert_eq!(
            by_number(&mut conn, 1, Some(2), 1).await,
            None,
            "another program's"
        );
        assert_eq!(by_number(&mut conn, 1, None, 3).await, None, "deleted");
        assert_eq!(by_number(&mut conn, 2, None, 1).await, None, "another tenant's");
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
            let found = list(&mut conn, OrgId(1), &filter, page).await.unwrap().rows;
            seen.extend(found.iter().map(|record| record.id.0));
        }
        assert_eq!((seen.len(), seen.first()), (75, Some(&10_126)));
        let total = list(&mut conn, OrgId(1), &filter, 1).await.unwrap().total;
        assert!((10_001..20_000).contains(&total), "{total}");
        assert!(
            list(&mut conn, OrgId(1), &filter, u32::MAX)
                .await
                .unwrap()
                .rows
                .is_empty()
        );
    }
}
