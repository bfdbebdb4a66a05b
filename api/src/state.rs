//! What the handlers of the control plane share.

use common::{
    db::{Connection, DbError, Pool},
    http::RateLimits,
    keyring::Keys,
    message::EventIds,
    runtime::Clock,
};

use crate::{GeoIp, Health, PublicUrl, keyless_permits::KeylessPermits};

/// Clones of the `Arc` around it are handed to every handler.
#[derive(Debug)]
pub struct Api {
    pub(crate) pool: Pool,
    pub(crate) ids: EventIds,
    pub(crate) clock: Clock,
    /// All keys in memory: a key that is not there is nobody's, and the database is not asked.
    pub(crate) keys: Keys,
    pub(crate) limits: RateLimits,
    pub(crate) keyless_permits: KeylessPermits,
    pub(crate) health: Health,
    /// Tells the countries of clicks; `None`: nobody does.
    pub(crate) geoip: Option<GeoIp>,
    /// Under which callers know this service; `None`: the name by which each calls.
    pub(crate) public_url: Option<PublicUrl>,
}

impl Api {
    pub fn new(pool: Pool, ids: EventIds, clock: Clock, health: Health) -> Self {
        Self {
            keys: Keys::of_database(pool.clone()),
            pool,
            ids,
            clock,
            limits: RateLimits::default(),
            keyless_permits: KeylessPermits::default(),
            health,
            geoip: None,
            public_url: None,
        }
    }

    /// With a database that tells the countries of clicks, if there is one.
    #[must_use]
    pub fn with_geoip(self, geoip: Option<GeoIp>) -> Self {
        Self { geoip, ..self }
    }

    /// With the keys that the process has in memory already.
    #[must_use]
    pub fn with_keys(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// Links begin with this name, if there is one.
    #[must_use]
    pub fn with_public_url(self, public_url: Option<PublicUrl>) -> Self {
        Self { public_url, ..self }
    }

    /// A connection for one request.
    pub(crate) async fn connection(
        &self,
    ) -> Result<impl std::ops::DerefMut<Target = Connection> + use<>, DbError> {
        self.pool
            .acquire()
            .await
            .map_err(|error| DbError::new("api.connection", error))
    }
}
