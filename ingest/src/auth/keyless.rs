//! Calls without a key: browsers and strangers alike. So many of them at once, so that they never crowd out those with one.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use common::http::Rejection;

/// Events without a key that wait for their outcome in one instance, at most: an eighth of what its publishers hold.
pub const MAX_KEYLESS: usize = 1_024;
/// What one caller too many is asked to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The places for calls without a key. Clones share them.
#[derive(Clone, Debug)]
pub struct Keyless(Arc<Semaphore>);

/// One of the places, until it is dropped.
#[derive(Debug)]
pub struct KeylessPermit {
    _place: OwnedSemaphorePermit,
}

impl Default for Keyless {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_KEYLESS)))
    }
}

impl Keyless {
    /// # Errors
    /// 429 when all places are taken.
    pub fn permit(&self) -> Result<KeylessPermit, Rejection> {
        let place = Arc::clone(&self.0).try_acquire_owned();
        let place = place.map_err(|_all_taken| Rejection::RateLimited {
            retry_after: RETRY_AFTER,
        })?;
        Ok(KeylessPermit { _place: place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_places_and_no_more() {
        let keyless = Keyless::default();
        let mut permits: Vec<_> = (0..MAX_KEYLESS).map(|_| keyless.permit().unwrap()).collect();
        let refused = keyless.permit().unwrap_err();
        assert!(matches!(refused, Rejection::RateLimited { retry_after } if retry_after == RETRY_AFTER));
        permits.pop();
        assert!(keyless.permit().is_ok(), "a place is free again");
    }
}
