//! The snapshot of all keys, client ids and pixel keys, and its reloads: one at a time, never more often than [`RELOAD_GAP`].

use std::{collections::HashMap, fmt, net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Principal,
    quota::{Quota, renewed},
    unknown::UnknownKeys,
};
use crate::{
    db::{
        DbError, Pool,
        keys::{ApiKey, Client, KeySnapshot, PixelKey, hash_key, snapshot},
    },
    domain::OrgId,
    http::{AddressRate, RateLimit, Rejection},
};

/// How long a request with an unknown key waits for the reload that may bring it.
pub const UNKNOWN_DEADLINE: Duration = Duration::from_secs(1);
/// Between the starts of two reloads, at least: however many strangers knock, the database sees this pace.
pub const RELOAD_GAP: Duration = Duration::from_millis(50);

/// Keys, client ids and pixel keys that nobody has, which one client may try in a second, in one process.
pub const FAILED_PER_SECOND: NonZeroU32 = match NonZeroU32::new(10) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
/// So many it may try at once after it was silent: a shop with an old key is told so, not to wait.
pub const FAILED_BURST: NonZeroU32 = match NonZeroU32::new(100) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

/// Reads all of it from where it is kept.
pub type Load = Box<dyn Fn() -> BoxFuture<'static, Result<KeySnapshot, DbError>> + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error("reading the API keys failed")]
    Read(#[source] DbError),
    #[error("reading the API keys took too long")]
    Timeout,
}

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("nobody has this API key")]
    UnknownKey,
    #[error("the API key is not known yet and could not be looked up")]
    Unverifiable(#[source] ReloadError),
    #[error("this client has tried too many keys that nobody has")]
    TooManyFailures { retry_after: Duration },
}

impl From<AuthError> for Rejection {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::UnknownKey => Self::Unauthenticated,
            AuthError::TooManyFailures { retry_after } => Self::RateLimited { retry_after },
            AuthError::Unverifiable(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "an unknown key was not looked up"
                );
                Self::Unverifiable
            }
        }
    }
}

/// What is known of those who call.
#[derive(Default)]
struct Known {
    principals: HashMap<[u8; 32], Arc<Principal>>,
    clients: HashMap<i64, Client>,
    pixels: HashMap<String, Arc<PixelKey>>,
    quotas: HashMap<OrgId, Quota>,
}

/// All keys in memory. Clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Shared>);

struct Shared {
    snapshot: ArcSwap<Known>,
    load: Load,
    /// Held during a reload: those who want one meanwhile wait for it and share it.
    reloads: Mutex<Reloads>,
    unknown: UnknownKeys,
    /// How many unknown ones each stranger may try.
    failures: AddressRate,
}

#[derive(Default)]
struct Reloads {
    /// Start of the latest reload, whatever became of it.
    tried: Option<Instant>,
    /// Start of the latest one that succeeded.
    succeeded: Option<Instant>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.snapshot.load().principals.len())
    }
}

impl Keys {
    /// No keys yet: call [`Keys::reload`] before serving, or each first caller pays for it.
    pub fn new(load: Load) -> Self {
        Self(Arc::new(Shared {
            snapshot: ArcSwap::default(),
            load,
            reloads: Mutex::default(),
            unknown: UnknownKeys::default(),
            failures: AddressRate::new(FAILED_PER_SECOND, FAILED_BURST),
        }))
    }

    /// Keys of the database.
    pub fn of_database(pool: Pool) -> Self {
        Self::new(Box::new(move || {
            let pool = pool.clone();
            Box::pin(async move {
                let acquired = pool.acquire().await;
                let mut connection = acquired.map_err(|error| DbError::new("keys.snapshot", error))?;
                snapshot(&mut connection).await
            })
        }))
    }

    /// The holder of `key`. Only an unknown key waits, for one reload shared with all who wait. `stranger`: who tries it, if that
    /// one may try only so many.
    ///
    /// # Errors
    /// When nobody has the key, the keys could not be reloaded in [`UNKNOWN_DEADLINE`], or `stranger` has tried too many.
    pub async fn authenticate(
        &self,
        key: &str,
        stranger: Option<IpAddr>,
    ) -> Result<Arc<Principal>, AuthError> {
        let hash = hash_key(key);
        self.known(hash, stranger, |known| known.principals.get(&hash).cloned())
            .await
    }

    /// The organisation with this client id (seed: AFFY).
    ///
    /// # Errors
    /// As [`Keys::authenticate`].
    pub async fn client(&self, client_id: i64, stranger: Option<IpAddr>) -> Result<Client, AuthError> {
        // No header holds a NUL, so no API key has this hash.
        let hash = hash_key(&format!("\0client {client_id}"));
        self.known(hash, stranger, |known| known.clients.get(&client_id).copied())
            .await
    }

    /// The pixel with this key.
    ///
    /// # Errors
    /// As [`Keys::authenticate`].
    pub async fn pixel(&self, key: &str, stranger: Option<IpAddr>) -> Result<Arc<PixelKey>, AuthError> {
        let hash = hash_key(&format!("\0pixel {key}"));
        self.known(hash, stranger, |known| known.pixels.get(key).cloned())
            .await
    }

    /// The quotas of an organisation, if it has one.
    pub fn quota(&self, org: OrgId) -> Option<Quota> {
        self.0.snapshot.load().quotas.get(&org).cloned()
    }

    /// What `find` finds, now or after a reload. What is not there is remembered under `hash`.
    async fn known<T>(
        &self,
        hash: [u8; 32],
        stranger: Option<IpAddr>,
        find: impl Fn(&Known) -> Option<T>,
    ) -> Result<T, AuthError> {
        let found = find(&self.0.snapshot.load());
        if let Some(found) = found {
            return Ok(found);
        }
        if stranger.is_some() {
            let taken = self.0.failures.take(stranger);
            taken.map_err(|retry_after| AuthError::TooManyFailures { retry_after })?;
        }
        if self.0.unknown.contains(&hash, Instant::now()) {
            return Err(AuthError::UnknownKey);
        }
        self.reload(UNKNOWN_DEADLINE)
            .await
            .map_err(AuthError::Unverifiable)?;
        let found = find(&self.0.snapshot.load());
        found.ok_or_else(|| {
            self.0.unknown.insert(hash, Instant::now());
            AuthError::UnknownKey
        })
    }

    /// Brings the snapshot to what was stored when this was called, or later.
    ///
    /// # Errors
    /// When the keys cannot be read within `deadline`. The old snapshot goes on serving.
    pub async fn reload(&self, deadline: Duration) -> Result<(), ReloadError> {
        timeout(deadline, self.reload_since(Instant::now()))
            .await
            .map_err(|_elapsed| ReloadError::Timeout)?
    }

    async fn reload_since(&self, asked: Instant) -> Result<(), ReloadError> {
        let mut reloads = self.0.reloads.lock().await;
        if reloads.succeeded.is_some_and(|started| started >= asked) {
            return Ok(());
        }
        if let Some(tried) = reloads.tried {
            sleep_until(tried + RELOAD_GAP).await;
        }
        let started = Instant::now();
        reloads.tried = Some(started);
        let snapshot = (self.0.load)().await.map_err(ReloadError::Read)?;
        self.install(snapshot);
        reloads.succeeded = Some(started);
        Ok(())
    }

    fn install(&self, snapshot: KeySnapshot) {
        let before = self.0.snapshot.load_full();
        let limit = |key: &ApiKey| {
            let known = before.principals.get(&key.hash).map(|principal| &principal.limit);
            known
                .filter(|limit| limit.per_minute() == key.rate_per_minute)
                .cloned()
                .unwrap_or_else(|| Arc::new(RateLimit::new(key.rate_per_minute)))
        };
        let principals = snapshot.keys.into_iter().map(|key| {
            let limit = limit(&key);
            (key.hash, Arc::new(Principal { key, limit }))
        });
        let clients = snapshot.clients.into_iter();
        let pixels = snapshot.pixels.into_iter();
        self.0.snapshot.store(Arc::new(Known {
            principals: principals.collect(),
            clients: clients.map(|client| (client.client_id, client)).collect(),
            pixels: pixels.map(|pixel| (pixel.key.clone(), Arc::new(pixel))).collect(),
            quotas: renewed(&before.quotas, snapshot.quotas),
        }));
    }
}
