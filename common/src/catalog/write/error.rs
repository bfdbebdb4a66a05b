//! Why a checked file could not be applied.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgDatabaseError;

use crate::{
    catalog::{file::Org, problem::CatalogError},
    db::DbError,
};

#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Something that the file does not declare has what the file wants. The text names both.
    #[error("{message}")]
    Taken {
        message: String,
        #[source]
        source: DbError,
    },
    /// The file is wrong for what is in the database: what it leaves out is not there either, or does not go with it.
    #[error(transparent)]
    Wrong(#[from] CatalogError),
    /// A rule was to hold from a time at which a later version of it holds already.
    #[error(
        "{id}: its last version holds from {last} on, a change must hold from later than that, not from {asked}"
    )]
    NotLater {
        /// Its kind and path: `commission type demo/partner-program/standard`.
        id: String,
        asked: DateTime<Utc>,
        last: DateTime<Utc>,
    },
    #[error(transparent)]
    Database(#[from] DbError),
}

impl SyncError {
    /// `org` is the organisation that was being written.
    pub(super) fn of(operation: &'static str, error: sqlx::Error, org: &Org) -> Self {
        let value = taken_value(&error).unwrap_or_default();
        let source = DbError::new(operation, error);
        let slug = org.id.get_ref();
        let undeclared = "that the file does not declare";
        let message = match source.constraint() {
            Some("orgs_client_id_key") => {
                format!("client_id {value} belongs to an organisation {undeclared}")
            }
            Some("programs_default_key") => {
                format!("org {slug:?} has a default program already, one {undeclared}")
            }
            Some("affiliations_coupon_key") => {
                format!("coupon {value:?} of org {slug:?} belongs to an affiliation {undeclared}")
            }
            Some("affiliations_referral_code_key") => {
                format!("referral_code {value:?} of org {slug:?} belongs to an affiliation {undeclared}")
            }
            Some("affiliations_source_key") => {
                format!(
                    "asset_id and source_id {value:?} of org {slug:?} belong to an affiliation {undeclared}"
                )
            }
            Some("api_keys_hash_key") => {
                format!("key {:?} belongs to another organisation", key_name(org, &value))
            }
            Some("pixel_keys_key_key") => format!("pixel key {value:?} belongs to another organisation"),
            _ => return Self::Database(source),
        };
        Self::Taken { message, source }
    }
}

/// The value of a unique violation, out of `Key (org_id, coupon_folded)=(1, jane10off) already exists.`: the words
/// depend on the server's language, the brackets do not.
fn taken_value(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    let (columns, rest) = error.detail()?.split_once(")=(")?;
    let (values, _) = rest.rsplit_once(')')?;
    let value = if columns.contains("(org_id, ") {
        values.split_once(", ")?.1
    } else {
        values
    };
    Some(value.to_owned())
}

/// The name of the key that the database prints as `\x…`.
fn key_name<'a>(org: &'a Org, printed: &str) -> &'a str {
    let key = org
        .keys
        .iter()
        .find(|key| printed.strip_prefix("\\x") == Some(&key.hash));
    key.map_or("", |key| key.name.get_ref())
}
