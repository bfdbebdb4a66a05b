//! Commissions as REST 1.6 lists them.

use super::{
    list::ListSql,
    page::{DEEP_PAGE, Page, before},
    rows::CommissionRow,
};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{CommissionId, CommissionView, OrgId, ProgramId},
};

/// Whether a commission earns.
// seed: REST 1.6, list of commissions
#[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum CommissionStatus {
    Pending,
    Approved,
    Disapproved,
}

impl CommissionStatus {
    fn condition(self) -> &'static str {
        match self {
            Self::Pending => "m.approved IS NULL",
            Self::Approved => "m.approved",
            Self::Disapproved => "NOT m.approved",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "pending" => Some(Self::Pending),
            "approved" => Some(Self::Approved),
            "disapproved" => Some(Self::Disapproved),
            _ => None,
        }
    }
}

/// Which commissions to list; what is not given does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommissionFilter {
    /// The program that the caller's key is bound to. Bonuses belong to no sale, so such a key does not see them.
    pub scope: Option<ProgramId>,
    /// The slug of the affiliate who earns.
    pub affiliate: Option<String>,
    pub status: Option<CommissionStatus>,
    /// Whether a payment covers it.
    pub paid: Option<bool>,
}

impl CommissionFilter {
    /// For page `number`.
    fn conditions(&self, org: OrgId, number: u32) -> Conditions {
        let is_shallow = self.status.is_none() && self.paid.is_none() && number < DEEP_PAGE;
        if self.affiliate.is_none() && !is_shallow {
            return self.by_state(org);
        }
        of_org(org, self.scope)
            .of_affiliate("m.affiliate_id", self.affiliate.as_deref())
            .and_some(self.status.map(CommissionStatus::condition))
            .equals("(m.payment_id IS NOT NULL)", self.paid)
            .and(VISIBLE)
    }

    /// As walks through an index, one for each state that is asked for: a rare one is found at once, and none reads rows.
    fn by_state(&self, org: OrgId) -> Conditions {
        let asked_for = STATES.iter().filter(|state| state.is_asked_for(self));
        asked_for.fold(of_org(org, self.scope), |conditions, state| {
            let condition: &[_] = match state.status {
                CommissionStatus::Disapproved => &[IN_STATE, NOT_GONE],
                CommissionStatus::Pending | CommissionStatus::Approved => &[IN_STATE],
            };
            conditions.in_part(condition, state.number)
        })
    }
}

/// A status, paid or not: by its number `commissions_state_idx` has the commissions of an organisation, in the order of time.
struct State {
    number: i32,
    status: CommissionStatus,
    paid: bool,
}

const STATES: [State; 6] = [
    State::of(0, CommissionStatus::Pending, false),
    State::of(1, CommissionStatus::Pending, true),
    State::of(2, CommissionStatus::Approved, false),
    State::of(3, CommissionStatus::Approved, true),
    State::of(4, CommissionStatus::Disapproved, false),
    State::of(5, CommissionStatus::Disapproved, true),
];

impl State {
    const fn of(number: i32, status: CommissionStatus, paid: bool) -> Self {
        Self { number, status, paid }
    }

    fn is_asked_for(&self, filter: &CommissionFilter) -> bool {
        filter.status.is_none_or(|status| status == self.status)
            && filter.paid.is_none_or(|paid| paid == self.paid)
    }
}

/// The number of a commission's state, word for word as the index has it.
const IN_STATE: &str = "(CASE WHEN m.approved IS NULL THEN 0 WHEN m.approved THEN 2 ELSE 4 END
     + CASE WHEN m.payment_id IS NULL THEN 0 ELSE 1 END) = {}";

/// Commissions of a deleted sale are gone with it, those of a superseded one can still be seen. Of many, all that is gone is
/// looked up once.
const NOT_GONE: &str = "coalesce(m.conversion_id, 0) NOT IN (SELECT d.conversion_id FROM conversions d
     WHERE d.org_id = $1 AND d.deleted_at IS NOT NULL AND d.superseded_by IS NULL)";

/// The same for a few: commissions of what is deleted are disapproved, others need not be looked up. A value instead of `EXISTS`,
/// for which the planner would gather all that is deleted.
const VISIBLE: &str = "(m.approved IS DISTINCT FROM false
     OR (SELECT d.deleted_at IS NOT NULL AND d.superseded_by IS NULL FROM conversions d
          WHERE d.org_id = $1 AND d.conversion_id = m.conversion_id) IS NOT TRUE)";

/// Commissions of `org`, within the program that the caller's key is bound to.
fn of_org(org: OrgId, scope: Option<ProgramId>) -> Conditions {
    Conditions::of_org("m.org_id", org).given(
        "EXISTS (SELECT FROM conversions c
              WHERE c.org_id = $1 AND c.conversion_id = m.conversion_id AND c.program_id = {})",
        scope.map(|program| program.0),
    )
}

const LIST: ListSql = ListSql {
    operation: "commissions.list",
    from: "commissions m",
    alias: "m",
    key: "m.commission_id",
    order: "m.commission_id DESC",
    columns: "m.conversion_id, m.commission_id, m.kind, m.commission_type, m.commission_name, m.sub_amount, m.amount,
              m.currency, m.approved, m.comment, m.created_at, m.payment_id, m.final_at AS finalised_at,
              a.affiliate_id, a.slug, a.firstname, a.lastname",
    joins: "JOIN commissions m ON m.org_id = $1 AND m.commission_id = found.commission_id
            JOIN affiliates a ON a.org_id = $1 AND a.affiliate_id = m.affiliate_id",
};

/// Page `number` (the first is 1) of the commissions of `org` that match.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: &CommissionFilter,
    number: u32,
) -> Result<Page<CommissionView>, DbError> {
    let conditions = filter.conditions(org, number);
    let page = if number >= DEEP_PAGE && *filter == CommissionFilter::default() {
        let rows = far_down(conn, org, before(number)).await?;
        LIST.placed(conn, &conditions, number, rows).await?
    } else {
        LIST.page::<CommissionRow>(conn, &conditions, number).await?
    };
    Ok(page.map(CommissionRow::into_view))
}

/// The rows of a page behind the first `skipped` of all. The numbers of all commissions are walked, the gone among them, and what
/// was gone is made up for from there: that is less than merging the states.
async fn far_down(conn: &mut Connection, org: OrgId, skipped: u64) -> Result<Vec<CommissionRow>, DbError> {
    let start = sqlx::query!(
        r#"WITH start AS (
             SELECT commission_id FROM commissions WHERE org_id = $1 ORDER BY commission_id DESC OFFSET $2 LIMIT 1)
         SELECT start.commission_id, gone.count AS "gone!"
         FROM start CROSS JOIN LATERAL (
             SELECT count(*) FROM commissions m
              WHERE m.org_id = $1
                AND (CASE WHEN m.approved IS NULL THEN 0 WHEN m.approved THEN 2 ELSE 4 END
                     + CASE WHEN m.payment_id IS NULL THEN 0 ELSE 1 END) = ANY ('{4,5}')
                AND m.commission_id > start.commission_id
                AND (SELECT d.deleted_at IS NOT NULL AND d.superseded_by IS NULL FROM conversions d
                      WHERE d.org_id = $1 AND d.conversion_id = m.conversion_id)) gone"#,
        org.0,
        i64::try_from(skipped).unwrap_or(i64::MAX)
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(|error| DbError::new("commissions.far_down", error))?;
    let Some(start) = start else {
        return Ok(Vec::new());
    };
    let conditions = of_org(org, None)
        .and(VISIBLE)
        .given("m.commission_id <= {}", Some(start.commission_id));
    let gone = u64::try_from(start.gone).unwrap_or_default();
    LIST.rows(conn, &conditions, gone).await
}

/// One commission.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    scope: Option<ProgramId>,
    id: CommissionId,
) -> Result<Option<CommissionView>, DbError> {
    let conditions = of_org(org, scope)
        .equals("m.commission_id", Some(id.0))
        .and(VISIBLE);
    let row = LIST.row::<CommissionRow>(conn, &conditions).await?;
    Ok(row.map(CommissionRow::into_view))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{Pool, fixture},
        domain::ConversionId,
    };

    async fn ids(conn: &mut Connection, org: i64, filter: CommissionFilter) -> Vec<i64> {
        let org = OrgId(org);
        let found = list(conn, org, &filter, 1).await.unwrap().rows;
        let counted = LIST.total(conn, &filter.conditions(org, 1)).await.unwrap();
        assert_eq!(counted, found.len() as u64);
        let ids: Vec<_> = found.iter().map(|view| view.id.0).collect();
        if filter.affiliate.is_none() {
            let merged = LIST
                .page::<CommissionRow>(conn, &filter.by_state(org), 1)
                .await
                .unwrap();
            let merged: Vec<_> = merged.rows.iter().map(|row| row.commission_id.0).collect();
            assert_eq!(merged, ids, "as a deep page is found: {filter:?}");
        }
        if filter == CommissionFilter::default() {
            for skipped in 0..=ids.len() + 1 {
                let far = far_down(conn, org, skipped as u64).await.unwrap();
                let far: Vec<_> = far.iter().map(|row| row.commission_id.0).collect();
                let rest: Vec<_> = ids.iter().copied().skip(skipped).collect();
                assert_eq!(far, rest, "behind {skipped}");
            }
        }
        ids
    }

    async fn by_number(conn: &mut Connection, org: i64, scope: Option<i64>, id: i64) -> Option<i64> {
        let found = find(conn, OrgId(org), scope.map(ProgramId), CommissionId(id)).await;
        found.unwrap().map(|view| view.id.0)
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
        assert_eq!(by_number(&mut conn, 1, None, 2).await, Some(2));
        assert_eq!(
            by_number(&mut conn, 1, Some(2), 2).await,
            None,
            "another program's"
        );
        assert_eq!(by_number(&mut conn, 1, None, 5).await, None, "of a deleted sale");
        assert_eq!(by_number(&mut conn, 2, None, 2).await, None, "another tenant's");
        assert_eq!(CommissionStatus::parse("nonsense"), None);
    }

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn a_commission_knows_its_sale_and_a_bonus_has_none(pool: Pool) {
        let mut conn = world(&pool).await;
        let found = list(&mut conn, OrgId(1), &CommissionFilter::default(), 1)
            .await
            .unwrap()
            .rows;
        let sales: Vec<_> = found.iter().map(|view| view.conversion).collect();
        let of = |number| Some(ConversionId(number));
        assert_eq!(sales, [of(4), None, of(2), of(2), of(1)]);
        assert_eq!(found[1].payment.map(|payment| payment.0), Some(9));
    }
}
