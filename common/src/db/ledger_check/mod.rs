//! The proof that the books are right: every balance, commission and reference, in one snapshot of the database.
//!
//! Read-only. Each check is one set-based statement (see `check`), which runs while money moves: the snapshot is
//! consistent, so what it names is wrong.

mod check;
mod commissions;
mod conversions;
mod customers;
#[cfg(test)]
mod later_tests;
mod money;
mod payments;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{Connection, DbError, Pool, id_range::first_id_at, pool, rollback};
use crate::domain::{Currency, EVENT_RETENTION};
pub use check::Check;
use check::{Row, Scope};

/// Violations that a report shows of one check; all are counted.
pub const MAX_SHOWN_PER_CHECK: i64 = 20;
/// References to events are proved for events younger than the retention by this much, as the clocks of two machines
/// may differ.
const RETENTION_MARGIN: TimeDelta = TimeDelta::days(1);

/// What the proof found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerReport {
    pub checks: Vec<CheckResult>,
    /// At most [`MAX_SHOWN_PER_CHECK`] of each check.
    pub violations: Vec<Violation>,
}

impl LedgerReport {
    /// Violations found, shown or not.
    pub fn total(&self) -> u64 {
        self.checks.iter().map(|check| check.violations).sum()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    pub check: &'static str,
    pub proves: &'static str,
    /// Facts looked at.
    pub checked: u64,
    pub violations: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub check: &'static str,
    /// The organisation's slug, or its number where it has no row.
    pub org: String,
    pub subject: String,
    pub detail: String,
}

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

/// Runs all of [`checks`] in one snapshot and tells `progress` before each.
pub async fn run(
    pool: &Pool,
    now: DateTime<Utc>,
    mut progress: impl FnMut(&Check),
) -> Result<LedgerReport, DbError> {
    let mut snapshot = pool::snapshot(pool).await?;
    let currencies = currencies(&mut snapshot).await?;
    let scope = Scope {
        max_shown: MAX_SHOWN_PER_CHECK,
        oldest_event: first_id_at(now - EVENT_RETENTION + RETENTION_MARGIN),
        currencies: currencies.iter().map(|currency| currency.code()).collect(),
        decimals: decimals(&currencies),
    };
    let mut report = LedgerReport {
        checks: Vec::new(),
        violations: Vec::new(),
    };
    for check in checks() {
        progress(check);
        let rows = (check.run)(&mut snapshot, &scope)
            .await
            .map_err(|error| DbError::new(check.operation, error))?;
        report.add(check, rows);
    }
    rollback(snapshot).await?;
    Ok(report)
}

/// The currencies of the books. What is no currency is left to the checks.
async fn currencies(conn: &mut Connection) -> Result<Vec<Currency>, DbError> {
    let codes = sqlx::query_scalar!(
        r#"SELECT currency AS "currency!" FROM commissions UNION SELECT currency FROM balances"#
    )
    .fetch_all(conn)
    .await
    .map_err(|error| DbError::new("ledger.currencies", error))?;
    Ok(codes.iter().filter_map(|code| code.parse().ok()).collect())
}

fn decimals(currencies: &[Currency]) -> Vec<i32> {
    let scales = currencies.iter().map(|currency| i32::try_from(currency.scale()));
    scales.map(Result::unwrap_or_default).collect()
}

impl LedgerReport {
    /// Every row carries the counts; a check without violations has one row without a subject.
    fn add(&mut self, check: &Check, rows: Vec<Row>) {
        let counts = rows.first().map_or((0, 0), |row| (row.checked, row.total));
        self.checks.push(CheckResult {
            check: check.name,
            proves: check.proves,
            checked: u64::try_from(counts.0).unwrap_or_default(),
            violations: u64::try_from(counts.1).unwrap_or_default(),
        });
        self.violations.extend(rows.into_iter().filter_map(|row| {
            Some(Violation {
                check: check.name,
                org: row.org?,
                subject: row.subject?,
                detail: row.detail?,
            })
        }));
    }
}
