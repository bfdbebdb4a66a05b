//! The statement of one affiliate's money: where it stood, each movement with its cause, and where it stands.
//!
//! Read-only, in one snapshot of the database. How a movement is put into words is in `words`. Transfers have no index
//! by affiliate, which every sale would pay for: a statement reads all transfers of the organisation.

mod account;
mod cause;
mod read;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Serialize;

use crate::db::{DbError, Pool, pool, rollback};
use crate::domain::Currency;
pub use account::{Balance, CurrencyAccount, Entry};

/// Movements of one statement, at most: they are held in memory.
pub const MAX_ENTRIES: usize = 100_000;
/// Organisations that an error names.
const MAX_NAMED_ORGS: usize = 10;

/// Whose money, and when. What is not given does not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Its slug.
    pub affiliate: &'a str,
    /// Its slug. May be missing where one organisation only has an affiliate of that name.
    pub org: Option<&'a str>,
    pub currency: Option<Currency>,
    /// First day, in UTC.
    pub from: Option<NaiveDate>,
    /// Last day, in UTC, inclusive.
    pub to: Option<NaiveDate>,
}

impl Query<'_> {
    /// The first moment of the period.
    fn since(&self) -> Option<DateTime<Utc>> {
        self.from.map(midnight)
    }

    /// The first moment after the period. After the last day that there is comes nothing.
    fn until(&self) -> Option<DateTime<Utc>> {
        self.to.and_then(|day| day.succ_opt()).map(midnight)
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The money of one affiliate in a period. Amounts have the decimals of their currency and serialize as strings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// The organisation's slug.
    pub org: String,
    /// The affiliate's slug.
    pub affiliate: String,
    pub name: String,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// By the code of the currency. Empty: nothing was ever earned.
    pub currencies: Vec<CurrencyAccount>,
}

impl Statement {
    /// What is wrong, a sentence for each currency whose movements do not lead to the stored balance.
    pub fn contradictions(&self) -> Vec<String> {
        let wrong = self
            .currencies
            .iter()
            .filter(|account| account.agrees == Some(false));
        wrong
            .map(|account| {
                let stored = account
                    .stored
                    .map_or_else(|| "is missing".to_owned(), |stored| format!("says {stored}"));
                format!(
                    "the balance of {} in {} {stored}, but the transfers make {}",
                    self.affiliate, account.currency, account.closing
                )
            })
            .collect()
    }
}

/// Why there is no statement. Sentences begin with the name of the field that they are about.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("from: {from} is after to, {to}")]
    EmptyPeriod { from: NaiveDate, to: NaiveDate },
    #[error("org: there is no organisation {0:?}")]
    UnknownOrg(String),
    #[error("affiliate: there is no affiliate {affiliate:?}{}", in_org(.org.as_deref()))]
    UnknownAffiliate { affiliate: String, org: Option<String> },
    #[error("org: several organisations have an affiliate {affiliate:?}: name one of {orgs}")]
    SeveralOrgs { affiliate: String, orgs: String },
    #[error("currency: {affiliate:?} never had money in {currency}, only in {}", or_none(.known))]
    UnknownCurrency {
        affiliate: String,
        currency: Currency,
        known: Vec<Currency>,
    },
    #[error("from, to: more than {MAX_ENTRIES} movements: ask for a shorter period")]
    TooLong,
}

fn in_org(org: Option<&str>) -> String {
    org.map_or_else(String::new, |org| format!(" in organisation {org:?}"))
}

fn or_none(known: &[Currency]) -> String {
    let codes: Vec<_> = known.iter().map(|currency| currency.code()).collect();
    if codes.is_empty() {
        return "none at all".to_owned();
    }
    codes.join(", ")
}

/// Reads the statement in one snapshot.
///
/// # Errors
/// [`StatementError`]: something named is not there, or the database does not answer.
pub async fn run(pool: &Pool, query: &Query<'_>) -> Result<Statement, StatementError> {
    if let (Some(from), Some(to)) = (query.from, query.to)
        && from > to
    {
        return Err(StatementError::EmptyPeriod { from, to });
    }
    let mut snapshot = pool::snapshot(pool).await?;
    let affiliate = read::affiliate(&mut snapshot, query).await?;
    let mut accounts = read::openings(&mut snapshot, &affiliate, query.since()).await?;
    let known: Vec<Currency> = accounts.keys().copied().collect();
    accounts.retain(|currency, _| query.currency.is_none_or(|wanted| wanted == *currency));
    let count = read::entries(&mut snapshot, &affiliate, query, &mut accounts).await?;
    rollback(snapshot).await?;
    if count > MAX_ENTRIES {
        return Err(StatementError::TooLong);
    }
    if let (Some(currency), true) = (query.currency, accounts.is_empty()) {
        return Err(StatementError::UnknownCurrency {
            affiliate: affiliate.slug,
            currency,
            known,
        });
    }
    let is_open = query.to.is_none();
    Ok(Statement {
        org: affiliate.org_slug,
        affiliate: affiliate.slug,
        name: affiliate.name,
        from: query.from,
        to: query.to,
        currencies: accounts
            .into_values()
            .map(|account| account.closed(is_open))
            .collect(),
    })
}
