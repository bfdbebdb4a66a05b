//! Columns whose type is narrower in the domain than in Postgres.

use super::DbError;
use crate::domain::Currency;

/// # Errors
/// When the column holds no ISO 4217 code, which no writer of ours stores.
pub(crate) fn currency(operation: &'static str, code: &str) -> Result<Currency, DbError> {
    code.parse()
        .map_err(|error| DbError::new(operation, sqlx::Error::Decode(Box::new(error))))
}

/// A stored value that no version of this code wrote.
pub(crate) fn decode(operation: &'static str, error: impl std::fmt::Display) -> DbError {
    DbError::new(operation, sqlx::Error::Decode(error.to_string().into()))
}
