//! The keys of a process in memory: who holds one, how often that one may call, and how
//! many events of an organisation are taken. A known key never waits for the database; who
//! tries keys that nobody has is remembered, seldom asks the database, and is soon told to wait.

mod keys;
mod quota;
mod refresh;
mod unknown;

pub use keys::{
    AuthError, FAILED_BURST, FAILED_PER_SECOND, Keys, Load, RELOAD_GAP, ReloadError, UNKNOWN_DEADLINE,
};
pub use quota::Quota;
pub use refresh::{POLL_DEADLINE, POLL_INTERVAL, refresh};
pub use unknown::{MAX_UNKNOWN, UNKNOWN_TTL};

use std::{num::NonZeroU32, sync::Arc};

use crate::{
    db::keys::ApiKey,
    http::{Rate, RateLimit},
};

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
}
