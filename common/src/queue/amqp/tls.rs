//! TLS to the broker: which CA is trusted, and the client's own certificate. The files are read for each connection, so that
//! certificates are renewed without a restart.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use futures_util::io::{AsyncRead, AsyncWrite};
use lapin::AsyncTcpStream;
use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};

use super::AmqpError;
use crate::runtime::{AmqpArgs, tls_advice};

const CA: &str = "the CA file";
const CERTIFICATE: &str = "the client's certificate";
const KEY: &str = "the client's key";

/// Where certificates are.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsFiles {
    /// Of the CA that alone is trusted; the system's without it.
    ca: Option<PathBuf>,
    /// The client's certificate, and its key.
    identity: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// An empty path is none, as a compose file says it.
    pub(super) fn of(args: &AmqpArgs) -> Self {
        let given = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        Self {
            ca: given(&args.amqp_ca_file),
            identity: given(&args.amqp_cert_file).zip(given(&args.amqp_key_file)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.identity.is_none()
    }

    /// # Errors
    /// Names the file that is missing or cannot be used.
    pub(super) fn connector(&self) -> Result<RustlsConnector, AmqpError> {
        let config = match &self.ca {
            Some(file) => {
                RustlsConnectorConfig::default().with_parsable_certificates(certificates(CA, file)?)
            }
            None => RustlsConnectorConfig::new_with_native_certs().map_err(|error| AmqpError::Tls {
                advice: format!("this system has no CAs ({error}): name the CA's by COMMISSARY_AMQP_CA_FILE"),
            })?,
        };
        let Some((certificate, key)) = &self.identity else {
            return config
                .connector_with_no_client_auth()
                .map_err(|error| match &self.ca {
                    Some(file) => no_use(CA, file, &error),
                    None => AmqpError::Tls {
                        advice: error.to_string(),
                    },
                });
        };
        let chain = certificates(CERTIFICATE, certificate)?;
        let private = PrivateKeyDer::from_pem_slice(&read(KEY, key)?).map_err(|error| match error {
            pem::Error::NoItemsFound => no_use(KEY, key, &"it holds no private key as PEM"),
            other => no_use(KEY, key, &other),
        })?;
        config
            .connector_with_single_cert(chain, private)
            .map_err(|error| match tls_advice(&error) {
                Some(advice) => no_use(KEY, key, &advice),
                None => no_use(CERTIFICATE, certificate, &error),
            })
    }
}

fn certificates(what: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, AmqpError> {
    let text = read(what, file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| no_use(what, file, &error))?;
    if found.is_empty() {
        return Err(no_use(what, file, &"it holds no certificate as PEM"));
    }
    Ok(found)
}

fn read(what: &'static str, file: &Path) -> Result<Vec<u8>, AmqpError> {
    fs::read(file).map_err(|error| no_use(what, file, &error))
}

fn no_use(what: &'static str, file: &Path, reason: &dyn std::fmt::Display) -> AmqpError {
    AmqpError::TlsFile {
        what,
        file: file.display().to_string(),
        reason: reason.to_string(),
    }
}

/// The stream, made safe where `tls` says how. `host` is whom the other end must prove to be.
pub(super) async fn secured<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: AsyncTcpStream<S>,
    tls: Option<&RustlsConnector>,
    host: &str,
) -> io::Result<AsyncTcpStream<S>> {
    match tls {
        Some(connector) => stream.into_rustls(connector, host).await,
        None => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::AmqpUrl;
    use super::*;

    fn args(url: &str, files: [&str; 3]) -> AmqpArgs {
        let [ca, certificate, key] = files.map(|file| Some(PathBuf::from(file)));
        AmqpArgs {
            amqp_url: Some(SecretString::from(url)),
            amqp_ca_file: ca,
            amqp_cert_file: certificate,
            amqp_key_file: key,
            amqp_prefix: "commissary".to_owned(),
        }
    }

    #[test]
    fn files_are_looked_at_before_anything_starts() {
        let this = file!();
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (url, files, part) in [
            (
                "amqps://broker",
                ["/nowhere.pem", "", ""],
                "the CA file /nowhere.pem",
            ),
            ("amqps://broker", [here, "", ""], "holds no certificate as PEM"),
            ("amqp://broker", [this, "", ""], "does not begin with amqps://"),
        ] {
            let error = AmqpUrl::of(&args(url, files)).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
        let url = AmqpUrl::of(&args("amqp://broker", [""; 3])).unwrap().unwrap();
        assert!(url.connector().unwrap().is_none());
    }
}
