//! What all changes of affiliates begin and end with.

use axum::{http::StatusCode, response::Response};
use common::{
    catalog::change::Changeset, db::keys::ApiKey, reads::rest::affiliates, tapfiliate_json::AffiliateProfile,
};

use crate::{Problem, auth::needs_whole_organisation, rest::params::is_storable, write::finish};

/// An affiliate as a path names it, and a key that may change what holds for the whole organisation.
///
/// # Errors
/// 403 for a key of one program, 404 for an id that nobody can have.
pub(super) fn check(key: &ApiKey, id: &str) -> Result<(), Problem> {
    needs_whole_organisation(key)?;
    if is_storable(id) {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

/// Makes the change hold and shows the affiliate as it is now.
///
/// # Errors
/// 503: then nothing holds.
pub(super) async fn show(mut change: Changeset, id: &str) -> Result<Response, Problem> {
    let org = change.org();
    let found = affiliates::find(change.connection(), org, None, id).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    finish(change, StatusCode::OK, Some(&AffiliateProfile::from(&found))).await
}

/// Makes the change hold and answers nothing.
///
/// # Errors
/// 503: then nothing holds.
pub(super) async fn done(change: Changeset) -> Result<Response, Problem> {
    finish::<()>(change, StatusCode::NO_CONTENT, None).await
}
