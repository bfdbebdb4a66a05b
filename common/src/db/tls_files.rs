//! The files that a database's URL names for TLS: looked at before connecting, since what fails later does not say which one it was.

use std::fs;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use url::Url;

use super::DbError;

/// As libpq calls them, and as sqlx does, too.
const ROOT: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];
const CERTIFICATE: [&str; 2] = ["sslcert", "ssl-cert"];
const KEY: [&str; 2] = ["sslkey", "ssl-key"];

/// # Errors
/// Names the parameter and its file, when that cannot be read or holds something else.
pub(super) fn check(url: &str) -> Result<(), DbError> {
    // What is no URL is told by who reads it in earnest.
    let Ok(url) = Url::parse(url) else {
        return Ok(());
    };
    for (name, file) in url.query_pairs() {
        let name = name.as_ref();
        let is_certificate = ROOT.contains(&name) || CERTIFICATE.contains(&name);
        if !is_certificate && !KEY.contains(&name) {
            continue;
        }
        let refused = |reason: String| {
            let text = format!("{name} of DATABASE_URL names {file}, {reason}");
            DbError::new("database.url", sqlx::Error::Configuration(text.into()))
        };
        let text =
            fs::read(file.as_ref()).map_err(|error| refused(format!("which cannot be read: {error}")))?;
        if is_certificate && !CertificateDer::pem_slice_iter(&text).any(|found| found.is_ok()) {
            return Err(refused("which holds no certificate as PEM".to_owned()));
        }
        if !is_certificate && PrivateKeyDer::from_pem_slice(&text).is_err() {
            return Err(refused("which holds no private key as PEM".to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_wrong_is_named() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (query, part) in [
            (
                "sslrootcert=/nowhere.pem".to_owned(),
                "sslrootcert of DATABASE_URL names /nowhere.pem",
            ),
            (format!("sslrootcert={here}"), "holds no certificate"),
            (format!("sslmode=require&sslkey={here}"), "holds no private key"),
        ] {
            let error = check(&format!("postgres://u:s3cret@h/d?{query}")).unwrap_err();
            let said = crate::telemetry::chain(&error);
            assert!(said.contains(part) && !said.contains("s3cret"), "{said}");
        }
        check("postgres://u@h/d?sslmode=verify-full").unwrap();
        check("no URL").unwrap();
    }
}
