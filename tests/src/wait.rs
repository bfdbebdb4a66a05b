//! Waiting for a condition, with a deadline. The only sleep of the tests is here.

use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(40);

/// Looks again and again until there is something. Panics after `limit`, naming what was waited for.
pub async fn wait_for<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain until {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// As [`wait_for`], for a condition without a value.
pub async fn wait_until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    wait_for(what, limit, async || is_so().await.then_some(())).await;
}
