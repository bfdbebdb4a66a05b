//! The affiliate in a path, if the caller's key may see it.

use common::{
    db::{Connection, keys::ApiKey},
    domain::AffiliateId,
    reads::rest::affiliate_ids,
};

use super::params::is_storable;
use crate::Problem;

/// # Errors
/// 404, 503.
pub(super) async fn affiliate_of(
    conn: &mut Connection,
    key: &ApiKey,
    id: &str,
) -> Result<AffiliateId, Problem> {
    if !is_storable(id) {
        return Err(Problem::not_found());
    }
    let found = affiliate_ids::affiliate(conn, key.org, key.program, id).await?;
    found.ok_or_else(Problem::not_found)
}
