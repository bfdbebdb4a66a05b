//! What all changes of affiliates in programs begin and end with.

use axum::{http::StatusCode, response::Response};
use common::{
    catalog::change::Changeset, db::Connection, db::keys::ApiKey, domain::ProgramId,
    reads::rest::affiliations, tapfiliate_json::InProgram,
};

use crate::{Problem, rest::params::is_storable, write::finish};

/// The program with that id, if the key may see it.
///
/// # Errors
/// 404, 503.
pub(super) async fn program(conn: &mut Connection, key: &ApiKey, id: &str) -> Result<ProgramId, Problem> {
    if !is_storable(id) {
        return Err(Problem::not_found());
    }
    let found = affiliations::program(conn, key.org, key.program, id).await?;
    found.ok_or_else(Problem::not_found)
}

/// Makes the change hold and shows the affiliate in the program as it is now.
///
/// # Errors
/// 503: then nothing holds.
pub(super) async fn show(
    mut change: Changeset,
    program: ProgramId,
    affiliate: &str,
) -> Result<Response, Problem> {
    let org = change.org();
    let found = affiliations::find(change.connection(), org, program, affiliate).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    finish(change, StatusCode::OK, Some(&InProgram::from(&found))).await
}
