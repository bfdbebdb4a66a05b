//! The statement of one affiliate's money: where it stood, each movement with its cause, and where it stands.
//!
//! Read-only, in one snapshot of the database. How a movement is put into words is in `words`. Transfers have no index
//! by affiliate, which every sale would pay for: a statement reads all transfers of the organisation.

mod account;
mod cause;
mod error;
mod query;
mod read;
#[cfg(test)]
mod tests;
mod words;

use chrono::NaiveDate;
use serde::Serialize;

use crate::{
    db::{Pool, pool, rollback},
    domain::Currency,
};
pub use account::{CurrencyAccount, Entry};
pub use error::StatementError;
pub use query::{MAX_ENTRIES, Query};

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
