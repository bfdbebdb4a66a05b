//! Why keys cannot be managed as asked.

use crate::db::{Connection, DbError, orgs};

/// Why keys could not be managed as asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("there is no organisation {0:?}")]
    UnknownOrg(String),
    #[error("organisation {org:?} has no program {program:?}")]
    UnknownProgram { org: String, program: String },
    #[error("organisation {org:?} has no key {key:?}")]
    UnknownKey { org: String, key: String },
    #[error("organisation {org:?} has several keys {key:?}: name one by its number")]
    Ambiguous { org: String, key: String },
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(super) async fn org_id(connection: &mut Connection, slug: &str) -> Result<i64, KeyError> {
    let found = orgs::by_slug(connection, slug).await?;
    found
        .map(|org| org.0)
        .ok_or_else(|| KeyError::UnknownOrg(slug.to_owned()))
}
