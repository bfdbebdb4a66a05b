//! Keys that nobody has, remembered for a moment so that a caller who insists does not reach the database.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a key counts as unknown without asking again.
pub const UNKNOWN_TTL: Duration = Duration::from_secs(1);
/// Unknown keys remembered at most; beyond it they are asked for again, at the pace of the reloads.
pub const MAX_UNKNOWN: usize = 10_000;

#[derive(Debug, Default)]
pub struct UnknownKeys {
    until: Mutex<HashMap<[u8; 32], Instant>>,
}

impl UnknownKeys {
    pub fn contains(&self, hash: &[u8; 32], now: Instant) -> bool {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.get(hash).is_some_and(|until| now < *until)
    }

    pub fn insert(&self, hash: [u8; 32], now: Instant) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= MAX_UNKNOWN {
            until.retain(|_, until| now < *until);
        }
        if until.len() < MAX_UNKNOWN {
            until.insert(hash, now + UNKNOWN_TTL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: usize) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    #[test]
    fn it_forgets_after_a_second_and_never_grows_beyond_its_bound() {
        let (keys, now) = (UnknownKeys::default(), Instant::now());
        for number in 0..=MAX_UNKNOWN {
            keys.insert(hash(number), now);
        }
        assert!(keys.contains(&hash(0), now));
        assert!(!keys.contains(&hash(MAX_UNKNOWN), now), "the bound");
        let later = now + UNKNOWN_TTL;
        assert!(!keys.contains(&hash(0), later));
        keys.insert(hash(MAX_UNKNOWN), later);
        assert!(keys.contains(&hash(MAX_UNKNOWN), later), "room again");
    }
}
