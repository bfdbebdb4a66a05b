//! What a check is. Each gathers `facts` (org_id, subject, detail), one row for each thing that it looks at; the detail
//! says what is wrong and is null where nothing is. The checks themselves are beside this file, by subject.

use super::{commissions, conversions, customers, money, payments};

/// One statement of the proof.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Stable: operators and scripts know it.
    pub name: &'static str,
    /// What holds when it finds nothing.
    pub proves: &'static str,
    pub(super) operation: &'static str,
    pub(super) sql: &'static str,
}

/// Counts the facts and shows the first $1 that are wrong. $2 is the least id of events that must still have a row; $3 and
/// $4 are currencies and the decimals of their minor units.
macro_rules! check {
    ($name:literal, $proves:literal, $facts:literal) => {
        Check {
            name: $name,
            proves: $proves,
            operation: concat!("ledger.", $name),
            sql: concat!(
                "WITH retained AS (SELECT $2::uuid AS since),
                      minor_units AS (SELECT * FROM unnest($3::text[], $4::integer[]) unit (currency, decimals)),
                      facts AS MATERIALIZED (",
                $facts,
                "),
                      counts AS (SELECT count(*) AS checked, count(detail) AS total FROM facts)
                 SELECT counts.checked, counts.total, coalesce(o.slug, wrong.org_id::text) AS org,
                        wrong.subject, wrong.detail
                   FROM counts
                   LEFT JOIN (SELECT * FROM facts WHERE detail IS NOT NULL ORDER BY org_id, subject LIMIT $1) wrong ON true
                   LEFT JOIN orgs o ON o.org_id = wrong.org_id
                  ORDER BY wrong.org_id, wrong.subject"
            ),
        }
    };
}
pub(super) use check;

/// All of the proof, in the order in which it runs.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [
        money::CHECKS,
        commissions::CHECKS,
        conversions::CHECKS,
        customers::CHECKS,
        payments::CHECKS,
    ]
    .into_iter()
    .flatten()
}
