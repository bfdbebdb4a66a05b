//! Who calls and what they may: API keys from memory, their scopes and their rate.
//!
//! A known key never waits for the database. Nothing here knows a dialect beyond the names of its headers.

mod keyless;
mod keys;
mod refresh;
mod unknown;

pub use keyless::{Keyless, KeylessPermit, MAX_KEYLESS};
pub use keys::{AuthError, Keys, Load, RELOAD_GAP, ReloadError, UNKNOWN_DEADLINE};
pub use refresh::{POLL_DEADLINE, POLL_INTERVAL, refresh};

use std::{num::NonZeroU32, sync::Arc};

use common::db::keys::{ApiKey, Scope};

use common::http::{Rate, RateLimit, Rejection};

/// The holder of a valid key.
#[derive(Clone, Debug)]
pub struct Principal {
    pub key: ApiKey,
    limit: Arc<RateLimit>,
}

impl Principal {
    /// Takes one request out of the key's allowance.
    pub fn take(&self) -> Rate {
        self.limit.take()
    }

    /// Takes what a request of several events needs beyond its first one. `None` when the key's allowance is smaller.
    pub fn take_many(&self, count: NonZeroU32) -> Option<Rate> {
        self.limit.take_many(count)
    }

    /// Whether the key may send events now.
    ///
    /// # Errors
    /// 429 when `rate` is exhausted, 403 when the organisation lacks the feature (seed: Yaplet) or the key the scope.
    pub fn may_ingest(&self, rate: &Rate) -> Result<(), Rejection> {
        if let Some(retry_after) = rate.retry_after {
            return Err(Rejection::RateLimited { retry_after });
        }
        if !self.key.affiliates_feature {
            return Err(Rejection::Forbidden(
                "your organization does not have access to the affiliates feature",
            ));
        }
        if !self.key.scopes.iter().any(|scope| matches!(scope, Scope::Ingest)) {
            return Err(Rejection::Forbidden("the API key lacks the scope ingest"));
        }
        Ok(())
    }
}
