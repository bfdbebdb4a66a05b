//! Payments as REST 1.6 lists them: those that were not cancelled.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{list::ListSql, page::Page, rows::AffiliateRow};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{Currency, OrgId, PaymentId, PaymentView, ProgramId},
};

/// Which payments to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// The program that the caller's key is bound to. Money is owed across programs: such a key sees the payments of those
    /// affiliates who are in it.
    pub scope: Option<ProgramId>,
    /// The slug of the affiliate who was paid.
    pub affiliate: Option<String>,
}

impl PaymentFilter {
    fn conditions(&self, org: OrgId) -> Conditions {
        living(org, self.scope).of_affiliate("y.affiliate_id", self.affiliate.as_deref())
    }
}

fn living(org: OrgId, scope: Option<ProgramId>) -> Conditions {
    Conditions::of_org("y.org_id", org)
        .and("y.canceled_at IS NULL")
        .given(
            "EXISTS (SELECT FROM affiliations f
                      WHERE f.org_id = $1 AND f.program_id = {} AND f.affiliate_id = y.affiliate_id)",
            scope.map(|program| program.0),
        )
}

const LIST: ListSql = ListSql {
    operation: "payments.list",
    from: "payments y",
    alias: "y",
    key: "y.payment_id",
    order: "y.payment_id DESC",
    columns: "y.payment_id, y.created_at, y.amount, y.currency, a.affiliate_id, a.slug, a.firstname, a.lastname",
    joins: "JOIN payments y ON y.org_id = $1 AND y.payment_id = found.payment_id
            JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = y.affiliate_id",
};

#[derive(sqlx::FromRow)]
struct Row {
    payment_id: PaymentId,
    created_at: DateTime<Utc>,
    amount: Decimal,
    currency: Currency,
    #[sqlx(flatten)]
    affiliate: AffiliateRow,
}

/// Page `number` (the first is 1) of the living payments of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &PaymentFilter,
    number: u32,
) -> Result<Page<PaymentView>, DbError> {
    let page = LIST.page::<Row>(conn, &filter.conditions(org), number).await?;
    Ok(page.map(Row::into_view))
}

/// One living payment.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    id: PaymentId,
) -> Result<Option<PaymentView>, DbError> {
    let conditions = living(org, scope).equals("y.payment_id", Some(id.0));
    let row = LIST.row::<Row>(conn, &conditions).await?;
    Ok(row.map(Row::into_view))
}

/// Whether the organisation has this affiliate, in the program `scope` if the key is bound to one.
pub async fn has_payee(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    slug: &str,
) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM affiliates a
                WHERE a.org_id = $1 AND a.slug = $2
                  AND ($3::bigint IS NULL OR EXISTS (
                      SELECT FROM affiliations f
                       WHERE f.org_id = a.org_id AND f.program_id = $3 AND f.affiliate_id = a.affiliate_id))) AS "has_payee!""#,
        org.0,
        slug,
        scope.map(|program| program.0)
    )
    .fetch_one(conn)
    .await
    .map_err(|error| DbError::new("payments.has_payee", error))
}

/// Whether one of the `new` payments is as much in the same currency to the same affiliate as one that another request made
/// within the day before: it may have been sent twice.
pub async fn is_like_another(
    conn: &mut Connection,
    org: OrgId,
    new: &[PaymentView],
) -> Result<bool, DbError> {
    let numbers: Vec<i64> = new.iter().map(|payment| payment.id.0).collect();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM payments n
               JOIN payments y ON (y.org_id, y.affiliate_id, y.amount, y.currency) = (n.org_id, n.affiliate_id, n.amount, n.currency)
              WHERE n.org_id = $1 AND n.payment_id = ANY ($2)
                AND y.canceled_at IS NULL AND y.event_id <> n.event_id AND y.payment_id < n.payment_id
                AND y.created_at > n.created_at - interval '1 day') AS "is_like_another!""#,
        org.0,
        &numbers
    )
    .fetch_one(conn)
    .await
    .map_err(|error| DbError::new("payments.is_like_another", error))
}

impl Row {
    fn into_view(self) -> PaymentView {
        PaymentView {
            id: self.payment_id,
            created_at: self.created_at,
            affiliate: self.affiliate.into_view(),
            amount: self.amount.normalize(),
            currency: self.currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    /// Beside the one of the fixture, to jane: two to sandra, one of them cancelled, and one to peter, who is in no program.
    async fn world(pool: &Pool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        let mut conn = fixture::world(pool).await;
        sqlx::raw_sql(
            "INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at, canceled_at)
             VALUES (1, 2, 2, 5, 'USD', gen_random_uuid(), '2026-11-20 12:00:00Z', NULL),
                    (1, 3, 2, 5, 'USD', gen_random_uuid(), '2026-11-20 13:00:00Z', '2026-11-20 14:00:00Z'),
                    (1, 4, 3, 7, 'USD', gen_random_uuid(), '2026-11-20 13:00:00Z', NULL)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        conn
    }

    async fn ids(conn: &mut Connection, org: i64, scope: Option<i64>, affiliate: Option<&str>) -> Vec<i64> {
        let filter = PaymentFilter {
            scope: scope.map(ProgramId),
            affiliate: affiliate.map(str::to_owned),
        };
        let page = list(conn, OrgId(org), &filter, 1).await.unwrap();
        assert_eq!(page.total, page.rows.len() as u64);
        page.rows.iter().map(|payment| payment.id.0).collect()
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn payments_are_those_that_were_not_cancelled_and_tenants_do_not_meet(pool: Pool) {
        let mut conn = world(&pool).await;
        assert_eq!(ids(&mut conn, 1, None, None).await, [4, 2, 1]);
        assert_eq!(ids(&mut conn, 1, None, Some("sandra")).await, [2]);
        assert_eq!(ids(&mut conn, 1, None, Some("nobody")).await, [0; 0]);
        assert_eq!(ids(&mut conn, 1, Some(1), None).await, [2, 1]);
        assert_eq!(ids(&mut conn, 1, Some(2), None).await, [0; 0]);
        assert_eq!(ids(&mut conn, 2, None, None).await, [0; 0]);
        let mut found = async |org, scope: Option<i64>, id| {
            let found = find(&mut conn, OrgId(org), scope.map(ProgramId), PaymentId(id)).await;
            found.unwrap().map(|payment| payment.affiliate.slug)
        };
        assert_eq!(found(1, None, 2).await.as_deref(), Some("sandra"));
        assert_eq!(found(1, Some(1), 2).await.as_deref(), Some("sandra"));
        assert_eq!(found(1, Some(1), 4).await, None, "of nobody in the program");
        assert_eq!(found(1, None, 3).await, None, "cancelled");
        assert_eq!(found(2, None, 2).await, None, "another tenant's");
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn affiliates_are_payees_of_their_tenant_and_program(pool: Pool) {
        let mut conn = world(&pool).await;
        for (org, scope, slug, want) in [
            (1, None, "peter", true),
            (1, None, "nobody", false),
            (1, Some(1), "jane", true),
            (1, Some(1), "peter", false),
            (2, None, "jane", false),
        ] {
            let found = has_payee(&mut conn, OrgId(org), scope.map(ProgramId), slug).await;
            assert_eq!(found.unwrap(), want, "{org} {scope:?} {slug}");
        }
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_payment_is_like_another_of_the_same_day(pool: Pool) {
        let mut conn = world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO payments (org_id, payment_id, affiliate_id, amount, currency, event_id, created_at)
             VALUES (1, 5, 2, 5, 'USD', gen_random_uuid(), '2026-11-20 18:00:00Z'),
                    (1, 6, 2, 5, 'EUR', gen_random_uuid(), '2026-11-20 18:00:00Z'),
                    (1, 7, 3, 7, 'USD', gen_random_uuid(), '2026-11-29 18:00:00Z'),
                    (1, 8, 1, 9, 'USD', '00000000-0000-0000-0000-000000000008', '2026-11-29 18:00:00Z'),
                    (1, 9, 1, 9, 'USD', '00000000-0000-0000-0000-000000000008', '2026-11-29 18:00:00Z')",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        for (id, want, why) in [
            (5, true, "as much on the same day"),
            (6, false, "another currency"),
            (7, false, "long after"),
            (9, false, "both were ordered at once"),
        ] {
            let new = find(&mut conn, OrgId(1), None, PaymentId(id)).await.unwrap();
            let new: Vec<_> = new.into_iter().collect();
            let found = is_like_another(&mut conn, OrgId(1), &new).await.unwrap();
            assert_eq!(found, want, "{why}");
        }
    }
}
