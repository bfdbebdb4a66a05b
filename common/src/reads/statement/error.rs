//! Why there is no statement.

use chrono::NaiveDate;

use super::query::MAX_ENTRIES;
use crate::{db::DbError, domain::Currency};

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
