//! Clicks as REST 1.6 lists them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    list::ListSql,
    page::Page,
    rows::{AffiliateRow, ProgramRow},
};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{AffiliateView, ClickId, MetaData, OrgId, ProgramId, ProgramView},
};

/// Which clicks to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClickFilter {
    /// The program that the caller's key is bound to: it sees no other.
    pub scope: Option<ProgramId>,
    /// The program's slug.
    pub program: Option<String>,
    /// The affiliate's slug.
    pub affiliate: Option<String>,
    /// Created from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Created before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only those whose meta data have this key.
    pub meta_key: Option<String>,
    /// Only those whose meta data have this value under that key.
    pub meta_value: Option<String>,
}

/// A click with everything that is known of the visit.
#[derive(Clone, Debug, PartialEq)]
pub struct ClickRecord {
    pub id: ClickId,
    pub created_at: DateTime<Utc>,
    pub meta_data: MetaData,
    pub user_agent: Option<String>,
    /// As it was sent: it need be no address.
    pub ip: Option<String>,
    pub referrer: Option<String>,
    pub landing_page: Option<String>,
    pub program: ProgramView,
    pub affiliate: AffiliateView,
    pub asset_id: Option<String>,
    /// As the click sent it, else the affiliate's.
    pub source_id: Option<String>,
}

impl ClickFilter {
    fn conditions(&self, org: OrgId) -> Conditions {
        let key = self.meta_key.as_deref();
        seen(org, self.scope)
            .in_program("k.program_id", self.program.as_deref())
            .of_affiliate("k.affiliate_id", self.affiliate.as_deref())
            .given("k.created_at >= {}", self.from)
            .given("k.created_at < {}", self.until)
            .given("k.meta_data ->> {} IS NOT NULL", key)
            .given_both("k.meta_data ->> {0} = {1}", key.zip(self.meta_value.as_deref()))
    }
}

/// Clicks of `org`, within the program that the caller's key is bound to.
fn seen(org: OrgId, scope: Option<ProgramId>) -> Conditions {
    Conditions::of_org("k.org_id", org).equals("k.program_id", scope.map(|program| program.0))
}

const LIST: ListSql = ListSql {
    operation: "clicks.list",
    from: "clicks k",
    alias: "k",
    key: "k.click_id",
    order: "k.click_id DESC",
    columns: "k.click_id, k.created_at, k.meta_data, k.details ->> 'user_agent' AS user_agent,
              k.details ->> 'ip' AS ip, k.referrer, k.landing_page,
              f.asset_id, coalesce(k.details ->> 'source_id', f.source_id) AS source_id,
              p.slug AS program_slug, p.title AS program_title, p.currency AS program_currency,
              a.affiliate_id, a.slug, a.firstname, a.lastname",
    joins: "JOIN clicks k ON k.org_id = $1 AND k.click_id = found.click_id
            JOIN programs p ON p.org_id = $1 AND p.program_id = k.program_id
            JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = k.affiliate_id
            LEFT JOIN affiliations f
              ON f.org_id = $1 AND f.program_id = k.program_id AND f.affiliate_id = k.affiliate_id",
};

#[derive(sqlx::FromRow)]
struct Row {
    click_id: ClickId,
    created_at: DateTime<Utc>,
    meta_data: Json<MetaData>,
    user_agent: Option<String>,
    ip: Option<String>,
    referrer: Option<String>,
    landing_page: Option<String>,
    asset_id: Option<String>,
    source_id: Option<String>,
    #[sqlx(flatten)]
    program: ProgramRow,
    #[sqlx(flatten)]
    affiliate: AffiliateRow,
}

/// Page `number` (the first is 1) of the clicks of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &ClickFilter,
    number: u32,
) -> Result<Page<ClickRecord>, DbError> {
    let conditions = filter.conditions(org);
    let page = LIST.page::<Row>(conn, &conditions, number).await?;
    Ok(page.map(Row::into_record))
}

/// One click.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    id: ClickId,
) -> Result<Option<ClickRecord>, DbError> {
    let conditions = seen(org, scope).equals("k.click_id", Some(id.0));
    let row = LIST.row::<Row>(conn, &conditions).await?;
    Ok(row.map(Row::into_record))
}

impl Row {
    fn into_record(self) -> ClickRecord {
        ClickRecord {
            id: self.click_id,
            created_at: self.created_at,
            meta_data: self.meta_data.0,
            user_agent: self.user_agent,
            ip: self.ip,
            referrer: self.referrer,
            landing_page: self.landing_page,
            program: self.program.into_view(),
            affiliate: self.affiliate.into_view(),
            asset_id: self.asset_id,
            source_id: self.source_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    async fn ids(conn: &mut Connection, org: i64, filter: ClickFilter) -> Vec<i64> {
        let org = OrgId(org);
        let found = list(conn, org, &filter, 1).await.unwrap().rows;
        let counted = LIST.total(conn, &filter.conditions(org)).await.unwrap();
        assert_eq!(counted, found.len() as u64);
        found.iter().map(|record| record.id.0).collect()
    }

    async fn by_number(conn: &mut Connection, org: i64, scope: Option<i64>, id: i64) -> Option<i64> {
        let found = find(conn, OrgId(org), scope.map(ProgramId), ClickId(id)).await;
        found.unwrap().map(|view| view.id.0)
    }

    async fn world(pool: &Pool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        let mut conn = fixture::world(pool).await;
        sqlx::raw_sql(
            "UPDATE affiliations SET asset_id = '1-aaaaaa', source_id = '1-ssssss' WHERE affiliate_id = 1;
             INSERT INTO clicks (org_id, click_id, program_id, affiliate_id, referral_code, event_id, dialect, trusted,
                                 referrer, landing_page, meta_data, details, created_at, clicked_at)
             VALUES (1, 1, 1, 1, 'jane1', gen_random_uuid(), 'rest', true, 'https://blog.example/', 'https://shop.example/',
                     '{\"subid1\": \"baz\"}', '{\"user_agent\": \"Mozilla/5.0\"}', '2026-11-19 12:00:00Z', '2026-11-19 12:00:00Z'),
                    (1, 2, 1, 1, 'jane1', gen_random_uuid(), 'rest', true, NULL, NULL,
                     '{\"subid1\": 5}', '{\"source_id\": \"2-ssssss\"}', '2026-11-20 12:00:00Z', '2026-11-20 12:00:00Z'),
                    (1, 3, 2, 2, 'sandra1', gen_random_uuid(), 'affitor', false, NULL, NULL,
                     '{}', '{}', '2026-11-21 12:00:00Z', '2026-11-21 12:00:00Z')",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        conn
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn clicks_come_with_all_that_is_known(pool: Pool) {
        let mut conn = world(&pool).await;
        let found = list(&mut conn, OrgId(1), &ClickFilter::default(), 1)
            .await
            .unwrap()
            .rows;
        let [bare, sourced, full] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(full.user_agent.as_deref(), Some("Mozilla/5.0"));
        assert_eq!(full.referrer.as_deref(), Some("https://blog.example/"));
        assert_eq!(full.landing_page.as_deref(), Some("https://shop.example/"));
        assert_eq!(
            (full.program.slug.as_str(), full.affiliate.slug.as_str()),
            ("johns", "jane")
        );
        let link = |record: &ClickRecord| (record.asset_id.clone(), record.source_id.clone());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(link(full), (some("1-aaaaaa"), some("1-ssssss")));
        assert_eq!(link(sourced), (some("1-aaaaaa"), some("2-ssssss")));
        assert_eq!(link(bare), (None, None), "without an affiliation");
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn filters_restrict_and_tenants_do_not_meet(pool: Pool) {
        let mut conn = world(&pool).await;
        let day = |text: &str| Some(text.parse().unwrap());
        let text = |text: &str| Some(text.to_owned());
        let none = ClickFilter::default;
        assert_eq!(ids(&mut conn, 1, none()).await, [3, 2, 1]);
        assert_eq!(ids(&mut conn, 2, none()).await, [0; 0]);
        for (filter, want) in [
            (
                ClickFilter {
                    scope: Some(ProgramId(1)),
                    ..none()
                },
                [2, 1].as_slice(),
            ),
            (
                ClickFilter {
                    program: text("partner"),
                    ..none()
                },
                &[3],
            ),
            (
                ClickFilter {
                    affiliate: text("jane"),
                    ..none()
                },
                &[2, 1],
            ),
            (
                ClickFilter {
                    affiliate: text("nobody"),
                    ..none()
                },
                &[],
            ),
            (
                ClickFilter {
                    from: day("2026-11-20T00:00:00Z"),
                    until: day("2026-11-21T00:00:00Z"),
                    ..none()
                },
                &[2],
            ),
            (
                ClickFilter {
                    meta_key: text("subid1"),
                    ..none()
                },
                &[2, 1],
            ),
            (
                ClickFilter {
                    meta_key: text("subid1"),
                    meta_value: text("baz"),
                    ..none()
                },
                &[1],
            ),
            (
                ClickFilter {
                    meta_key: text("subid1"),
                    meta_value: text("5"),
                    ..none()
                },
                &[2],
            ),
            (
                ClickFilter {
                    meta_key: text("subid2"),
                    meta_value: text("baz"),
                    ..none()
                },
                &[],
            ),
        ] {
            assert_eq!(ids(&mut conn, 1, filter.clone()).await, want, "{filter:?}");
        }
        assert_eq!(by_number(&mut conn, 1, None, 3).await, Some(3));
        assert_eq!(
            by_number(&mut conn, 1, Some(1), 3).await,
            None,
            "another program's"
        );
        assert_eq!(by_number(&mut conn, 2, None, 3).await, None, "another tenant's");
        let past = list(&mut conn, OrgId(1), &none(), 2).await.unwrap();
        assert_eq!((past.rows, past.total, past.has_next), (vec![], 3, false));
    }
}
