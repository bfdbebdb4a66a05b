//! The program in a path, if the caller's key may see it.

use common::{
    db::{Connection, keys::ApiKey},
    domain::ProgramId,
    reads::rest::program_rules,
};

use crate::{Problem, rest::params::is_storable};

/// # Errors
/// 404, 503.
pub(super) async fn program_of(conn: &mut Connection, key: &ApiKey, id: &str) -> Result<ProgramId, Problem> {
    if !is_storable(id) {
        return Err(Problem::not_found());
    }
    let found = program_rules::program(conn, key.org, key.program, id).await?;
    found.ok_or_else(Problem::not_found)
}
