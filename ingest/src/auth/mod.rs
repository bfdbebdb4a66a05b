//! What those who call may: with a key what its scopes and its allowance say, without one what is left.

mod keyless;

pub use keyless::{Keyless, KeylessPermit, MAX_KEYLESS};

use common::{
    db::keys::Scope,
    http::{Rate, Rejection},
    keyring::Principal,
};

/// Whether the holder of a key may send events now.
///
/// # Errors
/// 429 when `rate` is exhausted, 403 when the organisation lacks the feature (seed: Yaplet) or the key the scope.
pub fn may_ingest(principal: &Principal, rate: &Rate) -> Result<(), Rejection> {
    if let Some(retry_after) = rate.retry_after {
        return Err(Rejection::RateLimited { retry_after });
    }
    let key = &principal.key;
    if !key.affiliates_feature {
        return Err(Rejection::Forbidden(
            "your organization does not have access to the affiliates feature",
        ));
    }
    if !key.scopes.iter().any(|scope| matches!(scope, Scope::Ingest)) {
        return Err(Rejection::Forbidden("the API key lacks the scope ingest"));
    }
    Ok(())
}
