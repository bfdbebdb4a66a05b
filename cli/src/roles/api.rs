//! The control plane of a process.

use std::path::PathBuf;

use api::{GeoIp, GeoIpError};

/// What the control plane alone is told.
#[derive(Debug, clap::Args)]
pub(crate) struct ApiArgs {
    /// A GeoIP database in MaxMind's format that has countries, such as GeoLite2-Country.mmdb. With it clicks in REST 1.6 show the
    /// country of the address that was sent with them; without it `geolocation.country` is null.
    #[arg(long, env = "COMMISSARY_GEOIP_FILE", value_name = "FILE")]
    geoip_file: Option<PathBuf>,
}

impl ApiArgs {
    /// # Errors
    /// Names a file that is missing or cannot be used.
    pub(crate) fn geoip(&self) -> Result<Option<GeoIp>, GeoIpError> {
        // An empty variable is how a compose file says that there is none.
        let file = self
            .geoip_file
            .as_deref()
            .filter(|file| !file.as_os_str().is_empty());
        file.map(GeoIp::open).transpose()
    }
}

/// Connections of an api.
pub(crate) const CONNECTIONS: u32 = 10;
