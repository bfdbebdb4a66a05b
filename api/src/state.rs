//! What the handlers of the control plane share.

use common::{
    db::{Connection, DbError, Pool},
    http::RateLimits,
    message::EventIds,
    runtime::Clock,
    telemetry::metrics::Metrics,
};

use crate::{GeoIp, Health, Ready, keyless_permits::KeylessPermits};

/// Clones of the `Arc` around it are handed to every handler.
#[derive(Debug)]
pub struct Api {
    pub(crate) pool: Pool,
    pub(crate) ids: EventIds,
    pub(crate) clock: Clock,
    pub(crate) limits: RateLimits,
    pub(crate) keyless_permits: KeylessPermits,
    pub(crate) health: Health,
    /// Tells the countries of clicks; `None`: nobody does.
    pub(crate) geoip: Option<GeoIp>,
}

impl Api {
    pub fn new(pool: Pool, ids: EventIds, clock: Clock, ready: Ready, metrics: Metrics) -> Self {
        Self {
            pool,
            ids,
            clock,
            limits: RateLimits::default(),
            keyless_permits: KeylessPermits::default(),
            health: Health { ready, metrics },
            geoip: None,
        }
    }

    /// With a database that tells the countries of clicks, if there is one.
    #[must_use]
    pub fn with_geoip(self, geoip: Option<GeoIp>) -> Self {
        Self { geoip, ..self }
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
