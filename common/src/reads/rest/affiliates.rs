//! Affiliates as REST 1.6 lists them: those who were not deleted.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{list::ListSql, page::Page};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{
        ClickId, OrgId, ProgramId,
        affiliate::{AffiliateRecord, Profile},
        click_name::ClickName,
    },
};

/// Which affiliates to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffiliateFilter {
    /// The program that the caller's key is bound to: it sees who takes part in that.
    pub scope: Option<ProgramId>,
    /// Whose click it was.
    pub click: Option<ClickName>,
    /// Of any asset.
    pub source_id: Option<String>,
    /// Whatever its case.
    pub email: Option<String>,
    /// A code, or the affiliate's own id, which serves as one.
    pub referral_code: Option<String>,
    /// The slug of the parent.
    pub parent: Option<String>,
    pub group: Option<String>,
}

impl AffiliateFilter {
    fn conditions(&self, org: OrgId) -> Conditions {
        let (ours, theirs) = match &self.click {
            Some(ClickName::Ours { id, millis }) => (Some((*id, *millis)), None),
            Some(ClickName::Theirs(name)) => (None, Some(name.as_str())),
            None => (None, None),
        };
        let scope = self.scope.map(|program| program.0);
        let scoped = |value: &'_ Option<String>| value.clone().map(|value| (value, scope));
        living(org, self.scope)
            .given_both(
                "a.affiliate_id = (SELECT k.affiliate_id FROM clicks k WHERE k.org_id = $1 AND k.click_id = {0}
                     AND date_trunc('milliseconds', k.created_at) = {1})",
                ours.map(|(ClickId(id), millis)| (id, DateTime::from_timestamp_millis(millis))),
            )
            .given(
                "a.affiliate_id = (SELECT k.affiliate_id FROM clicks k WHERE k.org_id = $1 AND k.name = {})",
                theirs,
            )
            .given_both(
                "EXISTS (SELECT FROM affiliations o WHERE o.org_id = $1 AND o.affiliate_id = a.affiliate_id
                     AND o.source_id = {0} AND ({1}::bigint IS NULL OR o.program_id = {1}))",
                scoped(&self.source_id),
            )
            .given_both(
                "(a.slug = {0} OR EXISTS (SELECT FROM affiliations o WHERE o.org_id = $1
                     AND o.affiliate_id = a.affiliate_id AND o.referral_code = {0}
                     AND ({1}::bigint IS NULL OR o.program_id = {1})))",
                scoped(&self.referral_code),
            )
            .given("lower(a.email) = lower({})", self.email.as_deref())
            .of_affiliate("a.parent_id", self.parent.as_deref())
            .given(IN_GROUP, self.group.as_deref())
    }
}

/// Whose group it is now: the column says what was declared last, which may be a plan.
pub(super) const IN_GROUP: &str = "(a.group_id = {} OR a.affiliate_id IN (
         SELECT m.affiliate_id FROM group_memberships m WHERE m.org_id = $1 AND m.valid_from > now()))
     AND group_at(a, now()) = {}";

/// Affiliates of `org` who were not deleted and, for a key that is bound to a program, take part in it.
fn living(org: OrgId, scope: Option<ProgramId>) -> Conditions {
    Conditions::of_org("a.org_id", org)
        .and("a.deleted_at IS NULL")
        .given(
            "EXISTS (SELECT FROM affiliations s
                 WHERE s.org_id = $1 AND s.program_id = {} AND s.affiliate_id = a.affiliate_id)",
            scope.map(|program| program.0),
        )
}

const LIST: ListSql = ListSql {
    operation: "affiliates.list",
    from: "affiliates a",
    alias: "a",
    key: "a.affiliate_id",
    order: "a.affiliate_id DESC",
    columns: "a.slug, a.firstname, a.lastname, a.email, a.profile, group_at(a, now()) AS group_id, a.created_at, p.slug AS parent",
    joins: "JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = found.affiliate_id
            LEFT JOIN affiliates p ON p.org_id = $1 AND p.affiliate_id = a.parent_id",
};

#[derive(sqlx::FromRow)]
pub(super) struct AffiliateRow {
    slug: String,
    firstname: String,
    lastname: String,
    email: Option<String>,
    profile: Json<Profile>,
    group_id: Option<String>,
    created_at: DateTime<Utc>,
    parent: Option<String>,
}

/// Page `number` (the first is 1) of the affiliates of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &AffiliateFilter,
    number: u32,
) -> Result<Page<AffiliateRecord>, DbError> {
    let page = LIST
        .page::<AffiliateRow>(conn, &filter.conditions(org), number)
        .await?;
    Ok(page.map(AffiliateRow::into_record))
}

/// One of them, by its public id.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
) -> Result<Option<AffiliateRecord>, DbError> {
    let conditions = living(org, scope).equals("a.slug", Some(slug));
    let row = LIST.row::<AffiliateRow>(conn, &conditions).await?;
    Ok(row.map(AffiliateRow::into_record))
}

impl AffiliateRow {
    pub(super) fn into_record(self) -> AffiliateRecord {
        AffiliateRecord {
            slug: self.slug,
            firstname: self.firstname,
            lastname: self.lastname,
            email: self.email,
            profile: self.profile.0,
            parent: self.parent,
            group: self.group_id,
            created_at: self.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{Pool, fixture},
        reads::rest::affiliate_groups::{self, GroupFilter},
    };

    async fn slugs(conn: &mut Connection, org: i64, filter: AffiliateFilter) -> Vec<String> {
        let found = list(conn, OrgId(org), &filter, 1).await.unwrap();
        assert_eq!(
            LIST.total(conn, &filter.conditions(OrgId(org))).await.unwrap(),
            found.rows.len() as u64
        );
        found.rows.into_iter().map(|record| record.slug).collect()
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn the_group_is_the_one_of_now(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO affiliate_groups VALUES (1, 'gold', 'Gold'), (1, 'iron', 'Iron');
             -- Declared last, and planned.
             UPDATE affiliates SET group_id = 'gold' WHERE org_id = 1 AND slug IN ('jane', 'peter');
             INSERT INTO group_memberships (org_id, affiliate_id, valid_from, group_id)
             SELECT org_id, affiliate_id, since, name FROM affiliates,
                 (VALUES ('-infinity'::timestamptz, NULL), ('2020-01-01', 'iron'), ('9000-01-01', 'gold')) v (since, name)
             WHERE org_id = 1 AND slug = 'jane'",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let of = |group: &str| AffiliateFilter {
            group: Some(group.to_owned()),
            ..AffiliateFilter::default()
        };
        assert_eq!(slugs(&mut conn, 1, of("iron")).await, ["jane"]);
        assert_eq!(slugs(&mut conn, 1, of("gold")).await, ["peter"]);
        let jane = find(&mut conn, OrgId(1), None, "jane").await.unwrap().unwrap();
        assert_eq!(jane.group.as_deref(), Some("iron"));
        let groups = affiliate_groups::list(&mut conn, OrgId(1), GroupFilter::default(), 1);
        let groups = groups.await.unwrap().rows.into_iter();
        let counts: Vec<_> = groups
            .map(|group| (group.group_id, group.affiliate_count))
            .collect();
        assert_eq!(counts, [("iron".to_owned(), 1), ("gold".to_owned(), 1)]);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn filters_restrict_and_tenants_do_not_meet(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "UPDATE affiliates SET parent_id = 2, email = 'Jane@Example-blog.inc' WHERE slug = 'jane';
             INSERT INTO affiliate_groups VALUES (1, 'gold', 'Gold');
             UPDATE affiliates SET group_id = 'gold' WHERE slug = 'peter';
             INSERT INTO affiliations (org_id, program_id, affiliate_id, referral_code, asset_id, source_id)
             VALUES (1, 1, 1, 'janes', 'a', 's')
             ON CONFLICT ON CONSTRAINT affiliations_pkey
                 DO UPDATE SET referral_code = 'janes', asset_id = 'a', source_id = 's'",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let none = AffiliateFilter::default;
        let text = |value: &str| Some(value.to_owned());
        for (filter, want) in [
            (
                AffiliateFilter {
                    email: text("jane@EXAMPLE-blog.inc"),
                    ..none()
                },
                vec!["jane"],
            ),
            (
                AffiliateFilter {
                    referral_code: text("janes"),
                    ..none()
                },
                vec!["jane"],
            ),
            (
                AffiliateFilter {
                    referral_code: text("peter"),
                    ..none()
                },
                vec!["peter"],
            ),
            (
                AffiliateFilter {
                    source_id: text("s"),
                    ..none()
                },
                vec!["jane"],
            ),
            (
                AffiliateFilter {
                    parent: text("sandra"),
                    ..none()
                },
                vec!["jane"],
            ),
            (
                AffiliateFilter {
                    group: text("gold"),
                    ..none()
                },
                vec!["peter"],
            ),
            (
                AffiliateFilter {
                    scope: Some(ProgramId(2)),
                    source_id: text("s"),
                    ..none()
                },
                vec![],
            ),
            (
                AffiliateFilter {
                    click: Some(ClickName::Theirs("x".into())),
                    ..none()
                },
                vec![],
            ),
            (
                AffiliateFilter {
                    click: Some(ClickName::parse("cust_1_1")),
                    ..none()
                },
                vec![],
            ),
        ] {
            assert_eq!(slugs(&mut conn, 1, filter.clone()).await, want, "{filter:?}");
            assert!(slugs(&mut conn, 2, filter.clone()).await.is_empty(), "{filter:?}");
        }
        let jane = find(&mut conn, OrgId(1), None, "jane").await.unwrap().unwrap();
        assert_eq!(jane.parent.as_deref(), Some("sandra"));
        assert_eq!(find(&mut conn, OrgId(2), None, "jane").await.unwrap(), None);
        assert_eq!(
            find(&mut conn, OrgId(1), Some(ProgramId(2)), "jane")
                .await
                .unwrap(),
            None
        );
        sqlx::raw_sql("UPDATE affiliates SET deleted_at = now() WHERE slug = 'jane'")
            .execute(&mut *conn)
            .await
            .unwrap();
        assert_eq!(find(&mut conn, OrgId(1), None, "jane").await.unwrap(), None);
    }
}
