//! What a check is. Each gathers `facts` (org_id, subject, detail), one row for each thing that it looks at; the detail
//! says what is wrong and is null where nothing is. The checks themselves are beside this file, by subject.

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::db::Connection;

/// One statement of the proof.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Stable: operators and scripts know it.
    pub name: &'static str,
    /// What holds when it finds nothing.
    pub proves: &'static str,
    pub(super) operation: &'static str,
    pub(super) run: Run,
}

type Run = for<'c> fn(&'c mut Connection, &'c Scope) -> BoxFuture<'c, sqlx::Result<Vec<Row>>>;

/// The parameters of every check.
pub(super) struct Scope {
    /// Violations that each shows.
    pub(super) max_shown: i64,
    /// The least id of events that must still have a row.
    pub(super) oldest_event: Uuid,
    pub(super) currencies: Vec<&'static str>,
    /// Of the currencies' minor units.
    pub(super) decimals: Vec<i32>,
}

/// The counts, and one violation if there are any.
pub(super) struct Row {
    pub(super) checked: i64,
    pub(super) total: i64,
    pub(super) org: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) detail: Option<String>,
}

/// Counts the facts and shows the first of those that are wrong. The facts may use `retained`, `minor_units` and `worths`: every
/// commission beside its sale, with the exact gross as the fraction `numerator / denominator`, as the domain calculates it.
/// `follows`: its sub amount is what its part of the sale makes at `followed_amount`.
macro_rules! check {
    ($name:literal, $proves:literal, $facts:literal) => {
        Check {
            name: $name,
            proves: $proves,
            operation: concat!("ledger.", $name),
            run: |connection, scope| {
                let rows = sqlx::query_as!(
                    Row,
                    "WITH retained AS (SELECT $2::uuid AS since),
                          minor_units AS (SELECT * FROM unnest($3::text[], $4::integer[]) unit (currency, decimals)),
                          worths AS NOT MATERIALIZED (
                              SELECT m.*, u.decimals, u.unit, c.amount AS sale, c.base, c.refunded, c.charged_back, c.fully_refunded,
                                     c.deleted_at, c.amount_by, c.trace, is_.follows,
                                     CASE WHEN is_.said THEN coalesce(m.exact_gross, m.gross)
                                          WHEN is_.follows THEN m.rate * m.part * m.followed_amount
                                          ELSE m.rate * m.sub_amount END AS numerator,
                                     CASE WHEN is_.said THEN 1 WHEN is_.follows THEN 100 * c.base ELSE 100 END AS denominator
                                FROM commissions m
                                LEFT JOIN (SELECT *, coalesce(base_amount, amount) AS base FROM conversions) c
                                       ON c.org_id = m.org_id AND c.conversion_id = m.conversion_id
                                LEFT JOIN (SELECT *, power(10::numeric, decimals) AS unit FROM minor_units) u
                                       ON u.currency = m.currency
                               CROSS JOIN LATERAL (
                                   SELECT m.exact_gross IS NOT NULL OR m.rate IS NULL AS said,
                                          CASE WHEN m.followed_amount IS NOT NULL AND m.part IS NOT NULL AND c.base > 0
                                               THEN m.sub_amount * 1000000
                                                    = div(2000000 * m.part * m.followed_amount + c.base, 2 * c.base)
                                               ELSE false END AS follows) is_),
                          facts AS MATERIALIZED (" + $facts + r#"),
                          counts AS (SELECT count(*) AS checked, count(detail) AS total FROM facts)
                     SELECT counts.checked AS "checked!", counts.total AS "total!",
                            coalesce(o.slug, wrong.org_id::text) AS "org?", wrong.subject AS "subject?", wrong.detail AS "detail?"
                       FROM counts
                       LEFT JOIN (SELECT * FROM facts WHERE detail IS NOT NULL ORDER BY org_id, subject LIMIT $1) wrong ON true
                       LEFT JOIN orgs o ON o.org_id = wrong.org_id
                      ORDER BY wrong.org_id, wrong.subject"#,
                    scope.max_shown,
                    scope.oldest_event,
                    &scope.currencies as _,
                    &scope.decimals
                );
                Box::pin(rows.fetch_all(connection))
            },
        }
    };
}
pub(super) use check;
