//! Conversions as REST 1.6 lists them, each with its commissions and all names.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;

use super::{
    list::ListSql,
    page::{DEEP_PAGE, Page},
    programs::{self, MAX_MERGED},
    rows::{AffiliateRow, ClickRow, CommissionRow, ProgramRow},
};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{
        AffiliateId, CommissionId, CommissionView, ConversionId, ConversionView, Currency, CustomerId,
        CustomerView, MetaData, OrgId, PaymentId, ProgramId,
    },
};

/// Which conversions to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversionFilter {
    /// The program that the caller's key is bound to: it sees no other.
    pub scope: Option<ProgramId>,
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

impl ConversionFilter {
    fn list(&self) -> &'static ListSql {
        let has_days = self.from.is_some() || self.until.is_some();
        if has_days { &LIST_BY_TIME } else { &LIST }
    }

    fn conditions(&self, org: OrgId) -> Conditions {
        Conditions::of_org("c.org_id", org)
            .and("c.deleted_at IS NULL")
            .equals("c.program_id", self.scope.map(|program| program.0))
            .equals("c.external_id", self.external_id.as_deref())
            .in_program("c.program_id", self.program.as_deref())
            .of_affiliate("c.affiliate_id", self.affiliate.as_deref())
            .given("c.created_at >= {}", self.from)
            .given("c.created_at < {}", self.until)
            // By itself, not beside an `OR`: so Postgres may begin with the few commissions that wait.
            .and_some(self.pending.then_some(
                "EXISTS (SELECT FROM commissions m
                          WHERE m.org_id = $1 AND m.conversion_id = c.conversion_id AND m.approved IS NULL)",
            ))
    }
}

const LIST: ListSql = ListSql {
    operation: "conversions.list",
    from: "conversions c",
    alias: "c",
    key: "c.conversion_id",
    order: "c.conversion_id DESC",
    columns: "c.conversion_id, c.external_id, c.amount, c.currency, c.created_at, c.meta_data, c.warnings,
              p.slug AS program_slug, p.title AS program_title, p.currency AS program_currency,
              a.affiliate_id, a.slug, a.firstname, a.lastname,
              u.customer_id, u.external_id AS customer_external_id, u.status AS customer_status,
              k.created_at AS clicked_at, k.referrer, k.landing_page, k.meta_data AS click_meta_data",
    joins: "JOIN conversions c ON c.org_id = $1 AND c.conversion_id = found.conversion_id
            JOIN programs p ON p.org_id = $1 AND p.program_id = c.program_id
            JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = c.affiliate_id
            LEFT JOIN customers u ON u.org_id = $1 AND u.customer_id = c.customer_id
            LEFT JOIN clicks k ON k.org_id = $1 AND k.click_id = c.click_id",
};

#[derive(sqlx::FromRow)]
struct Row {
    conversion_id: ConversionId,
    external_id: Option<String>,
    amount: Decimal,
    currency: Currency,
    created_at: DateTime<Utc>,
    meta_data: Json<MetaData>,
    #[sqlx(flatten)]
    program: ProgramRow,
    #[sqlx(flatten)]
    affiliate: AffiliateRow,
    customer_id: Option<CustomerId>,
    customer_external_id: Option<String>,
    customer_status: Option<String>,
    #[sqlx(flatten)]
    click: ClickRow,
    warnings: Vec<String>,
}

/// Those of some days, by the time of sale: what came late stands in its place. So an old day is found as fast as today.
const LIST_BY_TIME: ListSql = ListSql {
    key: "c.created_at, c.conversion_id",
    order: "c.created_at DESC, c.conversion_id DESC",
    ..LIST
};

/// Page `number` (the first is 1) of the living conversions of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &ConversionFilter,
    number: u32,
) -> Result<Page<ConversionView>, DbError> {
    let mut conditions = filter.conditions(org);
    if number >= DEEP_PAGE && *filter == ConversionFilter::default() {
        // The living ones are in an index of programs alone.
        let programs = programs::up_to(conn, org, MAX_MERGED).await?;
        for program in programs.unwrap_or_default() {
            conditions = conditions.in_part(&["c.program_id = {}"], program.0);
        }
    }
    let page = filter.list().page::<Row>(conn, &conditions, number).await?;
    let mut commissions = commissions(conn, org, &page.rows).await?;
    Ok(page.map(|row| {
        let commissions = commissions.remove(&row.conversion_id).unwrap_or_default();
        row.into_view(commissions)
    }))
}

/// One conversion. What was superseded is in no list, but who has its number can still see it.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    id: ConversionId,
) -> Result<Option<ConversionView>, DbError> {
    let conditions = Conditions::of_org("c.org_id", org)
        .and("(c.deleted_at IS NULL OR c.superseded_by IS NOT NULL)")
        .equals("c.program_id", scope.map(|program| program.0))
        .equals("c.conversion_id", Some(id.0));
    let Some(row) = LIST.row::<Row>(conn, &conditions).await? else {
        return Ok(None);
    };
    let mut commissions = commissions(conn, org, std::slice::from_ref(&row)).await?;
    let commissions = commissions.remove(&id).unwrap_or_default();
    Ok(Some(row.into_view(commissions)))
}

/// The commissions of the conversions, by conversion.
async fn commissions(
    conn: &mut Connection,
    org: OrgId,
    rows: &[Row],
) -> Result<HashMap<ConversionId, Vec<CommissionView>>, DbError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.conversion_id.0).collect();
    let rows = sqlx::query_as!(
        CommissionRow,
        r#"SELECT m.conversion_id AS "conversion_id: ConversionId", m.commission_id AS "commission_id: CommissionId", m.kind,
                m.commission_type, m.commission_name, m.sub_amount, m.amount, m.currency AS "currency: Currency", m.approved,
                m.comment, m.created_at, m.payment_id AS "payment_id: PaymentId", m.final_at AS finalised_at,
                a.affiliate_id AS "affiliate_id: AffiliateId", a.slug, a.firstname, a.lastname
           FROM commissions m
           JOIN affiliates a ON a.org_id = m.org_id AND a.affiliate_id = m.affiliate_id
          WHERE m.org_id = $1 AND m.conversion_id = ANY($2)
          ORDER BY m.commission_id"#,
        org.0,
        &ids
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("conversions.commissions", error))?;
    let mut by_conversion = HashMap::<_, Vec<_>>::new();
    for row in rows {
        if let Some(conversion) = row.conversion_id {
            by_conversion.entry(conversion).or_default().push(row.into_view());
        }
    }
    Ok(by_conversion)
}

impl Row {
    fn into_view(self, commissions: Vec<CommissionView>) -> ConversionView {
        let customer = self.customer_id.zip(self.customer_status);
        let (click, affiliate_meta_data) = self.click.into_views();
        ConversionView {
            id: self.conversion_id,
            external_id: self.external_id,
            amount: self.amount,
            currency: self.currency,
            created_at: self.created_at,
            program: self.program.into_view(),
            affiliate: self.affiliate.into_view(),
            customer: customer.map(|(id, status)| CustomerView {
                id,
                external_id: self.customer_external_id,
                status,
            }),
            meta_data: self.meta_data.0,
            commissions,
            click,
            affiliate_meta_data,
            warnings: self.warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    async fn ids(conn: &mut Connection, org: i64, filter: ConversionFilter) -> Vec<i64> {
        let org = OrgId(org);
        let found = list(conn, org, &filter, 1).await.unwrap().rows;
        let counted = LIST.total(conn, &filter.conditions(org)).await.unwrap();
        assert_eq!(counted, found.len() as u64);
        found.iter().map(|view| view.id.0).collect()
    }

    async fn by_number(conn: &mut Connection, org: i64, scope: Option<i64>, id: i64) -> Option<i64> {
        let found = find(conn, OrgId(org), scope.map(ProgramId), ConversionId(id)).await;
        found.unwrap().map(|view| view.id.0)
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn conversions_come_with_all_their_names(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        let by_order = ConversionFilter {
            external_id: Some("ORD1".into()),
            ..Default::default()
        };
        let found = list(&mut conn, OrgId(1), &by_order, 1).await.unwrap().rows;
        let [view] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(view.amount.normalize().to_string(), "100.5");
        assert_eq!(
            serde_json::to_string(&view.meta_data).unwrap(),
            r#"{"foo": 1.10}"#
        );
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
        assert_eq!(by_number(&mut conn, 1, None, 1).await, Some(1));
        assert_eq!(
            by_number(&mut conn, 1, Some(2), 1).await,
            None,
            "another program's"
        );
        assert_eq!(by_number(&mut conn, 2, None, 1).await, None, "another tenant's");
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
        assert_eq!(by_number(&mut conn, 1, None, 4).await, Some(4));
        assert_eq!(by_number(&mut conn, 1, None, 3).await, None, "deleted");
        assert_eq!(by_number(&mut conn, 2, None, 4).await, None);
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
            let found = list(&mut conn, OrgId(1), &filter, page).await.unwrap().rows;
            seen.extend(found.iter().map(|view| view.id.0));
        }
        assert_eq!(seen.len(), 75);
        assert_eq!(seen.first(), Some(&12_026));
        let total = list(&mut conn, OrgId(1), &filter, 1).await.unwrap().total;
        assert!((10_001..20_000).contains(&total), "{total}");
        let last = list(&mut conn, OrgId(1), &filter, 481).await.unwrap();
        assert_eq!((last.rows.len(), last.has_next), (2, false));
        assert!(
            list(&mut conn, OrgId(1), &filter, u32::MAX)
                .await
                .unwrap()
                .rows
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
        for (filter, index) in [
            (waiting, "commissions_pending_idx"),
            (by_nobody, "conversions_affiliate_idx"),
        ] {
            assert!(ids(&mut conn, 1, filter.clone()).await.len() < 2);
            let plan = LIST.plan(&mut conn, &filter.conditions(OrgId(1))).await.unwrap();
            assert!(plan.to_string().contains(index), "{plan:?}");
        }
    }
}
