//! Columns whose type is narrower in the domain than in Postgres: what no version of this code wrote.

use super::DbError;

/// A stored value that no version of this code wrote.
pub(crate) fn decode(operation: &'static str, error: impl std::fmt::Display) -> DbError {
    DbError::new(operation, sqlx::Error::Decode(error.to_string().into()))
}
