//! The country of an address, by a GeoIP database that the operator provides: MaxMind's GeoLite2 Country, DB-IP's IP to Country Lite,
//! or any other in MaxMind's format that has countries. Looked up when a click is shown: nothing of it is stored.

#[cfg(test)]
pub(crate) mod example;

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use common::domain::country::country_name;
use maxminddb::{MaxMindDbError, Reader, WithinOptions, path};

/// Networks that are looked at to see whether a file has countries.
const SAMPLE: usize = 10_000;

/// An open database. It is read into memory, once: a new file needs a restart.
#[derive(Debug)]
pub struct GeoIp(Reader<Vec<u8>>);

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GeoIpError {
    #[error("the GeoIP file {} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the GeoIP file {} is no MaxMind database, or is damaged", path.display())]
    Broken { path: PathBuf, source: MaxMindDbError },
    #[error("the GeoIP file {} has no countries: its type is {kind:?}", path.display())]
    NoCountries { path: PathBuf, kind: String },
}

impl GeoIp {
    /// Reads the file and looks at all of it: a damaged one is told at start, and not by countries that are missing later.
    ///
    /// # Errors
    /// Names the file.
    pub fn open(path: &Path) -> Result<Self, GeoIpError> {
        let broken = |source| GeoIpError::Broken {
            path: path.to_owned(),
            source,
        };
        let bytes = std::fs::read(path).map_err(|source| GeoIpError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let reader = Reader::from_source(bytes).map_err(broken)?;
        reader.verify().map_err(broken)?;
        if !has_countries(&reader).map_err(broken)? {
            return Err(GeoIpError::NoCountries {
                path: path.to_owned(),
                kind: reader.metadata().database_type.clone(),
            });
        }
        Ok(Self(reader))
    }

    /// What the file says that it is, such as `GeoLite2-Country`.
    pub fn kind(&self) -> &str {
        &self.0.metadata().database_type
    }

    /// The country of an address, by its English name (seed: REST 1.6, `geolocation`). `None` where the text is no address (it was
    /// masked, say), or one that the database does not know.
    pub(crate) fn country(&self, address: &str) -> Option<String> {
        let address: IpAddr = address.trim().parse().ok()?;
        let found = self.0.lookup(address.to_canonical()).ok()?;
        // ISO's own names are longer than the seed's: its United States are "of America".
        if let Some(name) = found.decode_path(&path!["country", "names", "en"]).ok()? {
            return Some(name);
        }
        let code = found.decode_path(&path!["country", "iso_code"]).ok()??;
        country_name(code).map(str::to_owned)
    }
}

fn has_countries(reader: &Reader<Vec<u8>>) -> Result<bool, MaxMindDbError> {
    for network in reader.networks(WithinOptions::default())?.take(SAMPLE) {
        if network?
            .decode_path::<&str>(&path!["country", "iso_code"])?
            .is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countries.mmdb");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn addresses_have_countries() {
        let (_folder, path) = written(&example::countries());
        let geoip = GeoIp::open(&path).unwrap();
        assert_eq!(geoip.kind(), "Example-Country");
        for (address, want) in [
            ("8.8.8.8", Some("United States")),
            (" 8.8.8.8 ", Some("United States")),
            ("::ffff:8.8.8.8", Some("United States")),
            ("81.2.69.1", Some("United Kingdom")),
            ("46.99.0.1", Some("Kosovo")),
            ("145.0.0.1", Some("Netherlands")),
            ("192.168.1.1", None),
            ("127.0.0.1", None),
            ("2001:db8::1", None),
            ("8.8.8.x", None),
            ("[masked]", None),
            ("", None),
        ] {
            assert_eq!(geoip.country(address).as_deref(), want, "{address:?}");
        }
    }

    #[test]
    fn what_is_no_database_of_countries_is_told_with_its_name() {
        let whole = example::countries();
        let damaged = {
            let mut bytes = whole.clone();
            // In the first node of the tree.
            bytes[2] = 0xff;
            bytes
        };
        for (bytes, want) in [
            (&b"no database"[..], "is damaged"),
            (&whole[..whole.len() / 2], "is damaged"),
            (&damaged[..], "is damaged"),
            (&example::networks("Example-ASN", &[])[..], "has no countries"),
        ] {
            let (_folder, path) = written(bytes);
            let error = GeoIp::open(&path).unwrap_err().to_string();
            assert!(
                error.contains(want) && error.contains("countries.mmdb"),
                "{error}"
            );
        }
        let error = GeoIp::open(Path::new("/nowhere/countries.mmdb")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("/nowhere/countries.mmdb cannot be read")
        );
    }
}
