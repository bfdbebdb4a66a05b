//! The control plane of a process.

use std::path::PathBuf;

use api::{GeoIp, GeoIpError, NoPublicUrl, PublicUrl};

/// What the control plane alone is told.
#[derive(Debug, clap::Args)]
pub(crate) struct ApiArgs {
    /// A GeoIP database in MaxMind's format that has countries, such as GeoLite2-Country.mmdb. With it clicks in REST 1.6 show the
    /// country of the address that was sent with them; without it `geolocation.country` is null.
    #[arg(long, env = "COMMISSARY_GEOIP_FILE", value_name = "FILE")]
    geoip_file: Option<PathBuf>,
    /// The URL under which callers know this service, such as https://api.shop.example: links to other pages of a list begin with
    /// it. Without it they begin with the host by which each caller calls.
    #[arg(long, env = "COMMISSARY_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
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

    /// # Errors
    /// When it is no URL.
    pub(crate) fn public_url(&self) -> Result<Option<PublicUrl>, NoPublicUrl> {
        let url = self.public_url.as_deref().filter(|url| !url.is_empty());
        url.map(str::parse).transpose()
    }
}

/// Connections of an api: those of its requests, the keys' and their listener, the watch's.
pub(crate) const CONNECTIONS: u32 = 13;
