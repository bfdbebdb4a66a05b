//! Commissions as REST 1.6 lists them.

use super::{exact_limit, rows::CommissionRow, skipped};
use crate::{
    db::{Connection, DbError},
    domain::{CommissionId, CommissionView, OrgId, ProgramId},
    reads::rest::PAGE_SIZE,
};

/// Whether a commission earns (seed: REST 1.6, list of commissions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionStatus {
    Pending,
    Approved,
    Disapproved,
}

impl CommissionStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Disapproved => "disapproved",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Disapproved]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// Which commissions to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommissionFilter {
    /// The program that the caller's key is bound to. Bonuses belong to no sale, so such a key does not see them.
    pub scope: Option<ProgramId>,
    pub id: Option<CommissionId>,
    /// The slug of the affiliate who earns.
    pub affiliate: Option<String>,
    pub status: Option<CommissionStatus>,
    /// Whether a payment covers it.
    pub paid: Option<bool>,
}

/// The condition of [`CommissionFilter`] on `commissions m` with its sale, with the parameters $1 to $6. The commissions of
/// a deleted sale are gone with it; those of a superseded one can still be seen.
macro_rules! matching {
    () => {
        "FROM commissions m
         LEFT JOIN conversions c ON c.org_id = m.org_id AND c.conversion_id = m.conversion_id
         WHERE m.org_id = $1
         AND (c.deleted_at IS NULL OR c.superseded_by IS NOT NULL)
         AND ($2::bigint IS NULL OR c.program_id = $2)
         AND ($3::bigint IS NULL OR m.commission_id = $3)
         AND ($4::text IS NULL OR m.affiliate_id = (
             SELECT a.affiliate_id FROM affiliates a WHERE a.org_id = $1 AND a.slug = $4))
         AND ($5::text IS NULL OR $5 = 'approved' AND m.approved OR $5 = 'disapproved' AND NOT m.approved
             OR $5 = 'pending' AND m.approved IS NULL)
         AND ($6::boolean IS NULL OR (m.payment_id IS NOT NULL) = $6)"
    };
}

/// Binds the parameters of `matching!`.
macro_rules! bind_filter {
    ($query:expr, $org:expr, $filter:expr) => {
        $query
            .bind($org.0)
            .bind($filter.scope.map(|program| program.0))
            .bind($filter.id.map(|id| id.0))
            .bind($filter.affiliate.as_deref())
            .bind($filter.status.map(CommissionStatus::name))
            .bind($filter.paid)
    };
}

/// Page `page` (the first is 1) of the commissions of `org`, latest id first.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &CommissionFilter,
    page: u32,
) -> Result<Vec<CommissionView>, DbError> {
    const SQL: &str = concat!(
        "SELECT m.conversion_id, m.commission_id, m.kind, m.commission_type, m.commission_name, m.sub_amount, m.amount,
                m.currency, m.approved, m.comment, m.created_at, m.payment_id, m.final_at,
                a.affiliate_id, a.slug, a.firstname, a.lastname
           FROM (SELECT m.* ",
        matching!(),
        " ORDER BY m.commission_id DESC LIMIT $7 OFFSET $8) m
           JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = m.affiliate_id
          ORDER BY m.commission_id DESC"
    );
    let rows: Vec<CommissionRow> = bind_filter!(sqlx::query_as(SQL), org, filter)
        .bind(i64::from(PAGE_SIZE))
        .bind(skipped(page))
        .fetch_all(conn)
        .await
        .map_err(|error| DbError::new("commissions.list", error))?;
    rows.into_iter().map(CommissionRow::into_view).collect()
}

/// How many commissions match: see [`super::total`].
pub async fn total(conn: &mut Connection, org: OrgId, filter: &CommissionFilter) -> Result<u64, DbError> {
    const COUNT: &str = concat!(
        "SELECT count(*) FROM (SELECT ",
        matching!(),
        " LIMIT $7 + 1) counted"
    );
    const PLAN: &str = concat!("EXPLAIN (FORMAT JSON) SELECT ", matching!());
    let counted = bind_filter!(sqlx::query_scalar(COUNT), org, filter).bind(exact_limit());
    let plan = bind_filter!(sqlx::query_scalar(PLAN), org, filter);
    super::total(conn, "commissions.total", counted, plan).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{Pool, fixture},
        domain::ConversionId,
    };

    async fn ids(conn: &mut Connection, org: i64, filter: CommissionFilter) -> Vec<i64> {
        let found = list(conn, OrgId(org), &filter, 1).await.unwrap();
        let counted = total(conn, OrgId(org), &filter).await.unwrap();
        assert_eq!(counted, found.len() as u64);
        found.iter().map(|view| view.id.0).collect()
    }

    /// Beside those of the fixture (1 and 3 approved, 2 pending): a paid bonus, and one of a deleted and of a superseded sale.
    async fn world(pool: &Pool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        let mut conn = fixture::world(pool).await;
        sqlx::raw_sql(
            "INSERT INTO conversions (org_id, conversion_id, external_id, program_id, affiliate_id, event_id, dialect, trusted,
                                      attributed_by, amount, currency, created_at, deleted_at, superseded_by)
             VALUES (1, 3, 'GONE', 1, 1, gen_random_uuid(), 'rest', true, 'coupon', 1, 'USD', now(), now(), NULL),
                    (1, 4, 'ORD1', 1, 1, gen_random_uuid(), 'pixel', false, 'coupon', 1, 'USD', now(), now(), 2);
             INSERT INTO commissions (org_id, commission_id, conversion_id, affiliate_id, kind, commission_type, commission_name,
                                      rate, sub_amount, gross, amount, currency, approved, pending, payable, created_at, payment_id)
             VALUES (1, 4, NULL, 3, 'bonus', 'sales-bonus', 'Sales bonus', NULL, 0, 5, 5, 'EUR', true, 0, 5, now(), 9),
                    (1, 5, 3, 3, 'regular', 'standard', 'standard', 10, 1, 0.1, 0.1, 'USD', false, 0, 0, now(), NULL),
                    (1, 6, 4, 3, 'regular', 'standard', 'standard', 10, 1, 0.1, 0.1, 'USD', false, 0, 0, now(), NULL)",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        conn
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn filters_restrict_and_tenants_do_not_meet(pool: Pool) {
        let mut conn = world(&pool).await;
        let text = |text: &str| Some(text.to_owned());
        let none = CommissionFilter::default;
        assert_eq!(ids(&mut conn, 1, none()).await, [6, 4, 3, 2, 1]);
        assert_eq!(ids(&mut conn, 2, none()).await, [0; 0]);
        let status = |word| CommissionFilter {
            status: CommissionStatus::parse(word),
            ..none()
        };
        for (filter, want) in [
            (
                CommissionFilter {
                    scope: Some(ProgramId(1)),
                    ..none()
                },
                [6, 3, 2, 1].as_slice(),
            ),
            (
                CommissionFilter {
                    scope: Some(ProgramId(2)),
                    ..none()
                },
                &[],
            ),
            (
                CommissionFilter {
                    id: Some(CommissionId(2)),
                    ..none()
                },
                &[2],
            ),
            (
                CommissionFilter {
                    id: Some(CommissionId(5)),
                    ..none()
                },
                &[],
            ),
            (
                CommissionFilter {
                    affiliate: text("jane"),
                    ..none()
                },
                &[2, 1],
            ),
            (
                CommissionFilter {
                    affiliate: text("nobody"),
                    ..none()
                },
                &[],
            ),
            (status("pending"), &[2]),
            (status("approved"), &[4, 3, 1]),
            (status("disapproved"), &[6]),
            (
                CommissionFilter {
                    paid: Some(true),
                    ..none()
                },
                &[4],
            ),
            (
                CommissionFilter {
                    paid: Some(false),
                    ..status("approved")
                },
                &[3, 1],
            ),
        ] {
            assert_eq!(ids(&mut conn, 1, filter.clone()).await, want, "{filter:?}");
        }
        assert_eq!(CommissionStatus::parse("nonsense"), None);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_commission_knows_its_sale_and_a_bonus_has_none(pool: Pool) {
        let mut conn = world(&pool).await;
        let found = list(&mut conn, OrgId(1), &CommissionFilter::default(), 1)
            .await
            .unwrap();
        let sales: Vec<_> = found.iter().map(|view| view.conversion).collect();
        let of = |number| Some(ConversionId(number));
        assert_eq!(sales, [of(4), None, of(2), of(2), of(1)]);
        assert_eq!(found[1].payment.map(|payment| payment.0), Some(9));
    }
}
