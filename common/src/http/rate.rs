//! The allowance of one key: a token bucket of so many requests a minute. Each process counts for itself.

use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderName, HeaderValue},
    response::Response,
};
use chrono::{DateTime, Utc};
use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::{StateInformationMiddleware, StateSnapshot},
    state::{InMemoryState, NotKeyed},
};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const MINUTE: Duration = Duration::from_mins(1);

/// The bucket of a key. It outlives reloads of the keys, or each would fill it again.
pub struct RateLimit {
    per_minute: NonZeroU32,
    bucket: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateLimit({}/min)", self.per_minute)
    }
}

/// The state of a bucket after one request has been taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute.
    pub limit: u32,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// Set when this request was one too many.
    pub retry_after: Option<Duration>,
}

impl RateLimit {
    pub fn new(per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let bucket = RateLimiter::direct(Quota::per_minute(per_minute)).with_middleware();
        Self { per_minute, bucket }
    }

    pub fn per_minute(&self) -> u32 {
        self.per_minute.get()
    }

    pub fn take(&self) -> Rate {
        self.rate_of(self.bucket.check())
    }

    /// Takes `count` at once or nothing. `None` when even a full bucket does not hold so many.
    pub fn take_many(&self, count: NonZeroU32) -> Option<Rate> {
        let taken = self.bucket.check_n(count).ok()?;
        Some(self.rate_of(taken))
    }

    fn rate_of(&self, taken: Result<StateSnapshot, NotUntil<<DefaultClock as Clock>::Instant>>) -> Rate {
        let limit = self.per_minute.get();
        match taken {
            Ok(state) => Rate {
                limit,
                remaining: state.remaining_burst_capacity(),
                retry_after: None,
            },
            Err(not_until) => Rate {
                limit,
                remaining: 0,
                retry_after: Some(not_until.wait_time_from(self.bucket.clock().now())),
            },
        }
    }
}

/// The buckets of keys that are looked up anew for each request, by their hashes. Only keys that count may come here:
/// their number bounds the memory.
#[derive(Debug, Default)]
pub struct RateLimits(Mutex<HashMap<[u8; 32], Arc<RateLimit>>>);

impl RateLimits {
    /// Takes one request of the key with this hash. A key whose limit was changed starts with a full bucket.
    pub fn take(&self, key_hash: [u8; 32], per_minute: u32) -> Rate {
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = limits
            .entry(key_hash)
            .or_insert_with(|| Arc::new(RateLimit::new(per_minute)));
        if limit.per_minute() != per_minute.max(1) {
            *limit = Arc::new(RateLimit::new(per_minute));
        }
        let limit = Arc::clone(limit);
        drop(limits);
        limit.take()
    }
}

impl Rate {
    /// Tells of `other` instead, where less is left of that.
    pub fn tighten(&mut self, other: Option<Self>) {
        if let Some(other) = other.filter(|other| other.remaining < self.remaining) {
            *self = other;
        }
    }

    /// Adds the headers that Tapfiliate's clients read as integers; the reset is the second at which the bucket is full.
    pub fn print(self, mut response: Response, now: DateTime<Utc>) -> Response {
        let used = self.limit.saturating_sub(self.remaining);
        let refill = (MINUTE * used / self.limit.max(1)).as_secs();
        let reset = now.timestamp().saturating_add_unsigned(refill);
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(reset));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_too_many_is_told_when_to_come_back() {
        let limit = RateLimit::new(3);
        let remaining: Vec<_> = (0..3).map(|_| limit.take().remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = limit.take();
        let wait = refused.retry_after.unwrap();
        assert!(
            wait > Duration::from_secs(15) && wait <= Duration::from_secs(20),
            "{wait:?}"
        );
        assert_eq!((refused.limit, refused.remaining), (3, 0));
    }

    #[test]
    fn many_are_taken_at_once_or_not_at_all() {
        let limit = RateLimit::new(10);
        let take = |count| limit.take_many(NonZeroU32::new(count).unwrap());
        assert_eq!(take(7).unwrap().remaining, 3);
        let refused = take(4).unwrap();
        assert!(
            refused
                .retry_after
                .is_some_and(|wait| wait <= Duration::from_secs(6))
        );
        assert_eq!(take(3).unwrap().remaining, 0, "nothing was taken from them");
        assert_eq!(take(11), None);
    }

    #[test]
    fn each_key_has_a_bucket_and_a_changed_limit_counts_at_once() {
        let limits = RateLimits::default();
        let (slow, other) = ([1; 32], [2; 32]);
        let taken: Vec<_> = (0..3).map(|_| limits.take(slow, 2)).collect();
        assert_eq!(
            taken.iter().map(|rate| rate.remaining).collect::<Vec<_>>(),
            [1, 0, 0]
        );
        assert!(
            taken
                .iter()
                .map(|rate| rate.retry_after.is_some())
                .eq([false, false, true])
        );
        assert_eq!(limits.take(other, 2).remaining, 1);
        assert_eq!(limits.take(slow, 5).remaining, 4);
        assert_eq!(limits.take(other, 0).limit, 1);
    }

    #[test]
    fn the_headers_are_integers() {
        let rate = Rate {
            limit: 60,
            remaining: 45,
            retry_after: None,
        };
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let response = rate.print(Response::default(), now);
        assert_eq!(response.headers()["x-ratelimit-limit"], "60");
        assert_eq!(response.headers()["x-ratelimit-remaining"], "45");
        assert_eq!(response.headers()["x-ratelimit-reset"], "1790000015");
    }
}
