//! Why a change of the catalog is not made.

use crate::db::DbError;

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What is to be changed is not there, or not the caller's.
    #[error("Not Found")]
    NotFound,
    /// A value cannot be, or somebody has it. Names the field.
    #[error("{0}")]
    Invalid(String),
    /// What is to be made is there already. Names it.
    #[error("{0}")]
    Exists(String),
    #[error("the Idempotency-Key was used before for another request")]
    ReusedKey,
    #[error(transparent)]
    Db(#[from] DbError),
}
