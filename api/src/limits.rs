//! Requests per minute and key, counted in fixed minutes, and the headers that tell a client about it.
//!
//! Each process counts for itself. Only valid keys are counted, so the memory is bounded by their number.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, Utc};
use common::{db::keys::ApiKey, domain::OrgId};

const WINDOW_SECONDS: i64 = 60;

#[derive(Debug, Default)]
pub(crate) struct Limits {
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// Unix time, in windows.
    number: i64,
    used: HashMap<(OrgId, i64), u32>,
}

/// What a key has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) allowed: bool,
    limit: u32,
    remaining: u32,
    /// When the count starts again, in Unix seconds.
    reset: i64,
    /// Seconds until then.
    wait: i64,
}

impl Limits {
    /// Counts one request of `key`.
    pub(crate) fn take(&self, key: &ApiKey, now: DateTime<Utc>) -> Allowance {
        let seconds = now.timestamp();
        let number = seconds.div_euclid(WINDOW_SECONDS);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.number != number {
            *window = Window {
                number,
                used: HashMap::new(),
            };
        }
        let used = window.used.entry((key.org, key.key_id)).or_default();
        let limit = key.rate_per_minute;
        let allowed = *used < limit;
        if allowed {
            *used += 1;
        }
        let reset = (number + 1) * WINDOW_SECONDS;
        Allowance {
            allowed,
            limit,
            remaining: limit.saturating_sub(*used),
            reset,
            wait: reset - seconds,
        }
    }
}

impl Allowance {
    /// The headers of every answer (seed: REST 1.6, rate limiting); `Retry-After` on a refusal.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert("x-ratelimit-limit", self.limit.into());
        headers.insert("x-ratelimit-remaining", self.remaining.into());
        headers.insert("x-ratelimit-reset", self.reset.into());
        if !self.allowed {
            headers.insert("retry-after", HeaderValue::from(self.wait));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::key;

    #[test]
    fn a_key_has_its_requests_each_minute() {
        let limits = Limits::default();
        let mut slow = key(&[]);
        slow.rate_per_minute = 2;
        let other = ApiKey {
            key_id: 2,
            ..slow.clone()
        };
        let at = |seconds: i64| DateTime::from_timestamp(600 + seconds, 0).unwrap();
        let taken: Vec<_> = (0..3).map(|n| limits.take(&slow, at(n))).collect();
        assert_eq!(
            taken.iter().map(|one| one.allowed).collect::<Vec<_>>(),
            [true, true, false]
        );
        assert_eq!(
            taken.iter().map(|one| one.remaining).collect::<Vec<_>>(),
            [1, 0, 0]
        );
        assert!(limits.take(&other, at(3)).allowed);
        let mut headers = HeaderMap::new();
        limits.take(&slow, at(59)).write(&mut headers);
        assert_eq!(headers["x-ratelimit-reset"], "660");
        assert_eq!(headers["retry-after"], "1");
        assert!(limits.take(&slow, at(60)).allowed);
    }
}
