//! The broker's address. Parsed once, never printed with its password.

use std::fmt;
use std::str::FromStr;

use lapin::tcp::RustlsConnector;
use lapin::uri::{AMQPScheme, AMQPUri};
use secrecy::ExposeSecret as _;

use super::{AmqpError, tls::TlsFiles};
use crate::runtime::AmqpArgs;

/// Seconds between heartbeats. lapin gives a silent peer up after twice this and looks every half of it, so a black hole
/// is noticed after 25 s at the latest. The server's default of 60 would make that two minutes and more.
const HEARTBEAT_SECONDS: u16 = 10;

/// `amqp://user:password@host:port/vhost`. `Debug` and `Display` show host, port and virtual host only.
#[derive(Clone)]
pub struct AmqpUrl {
    uri: AMQPUri,
    tls: Option<TlsFiles>,
}

impl AmqpUrl {
    /// The broker of a configuration, if there is one.
    ///
    /// # Errors
    /// When the URL is malformed, or a file for TLS is of no use.
    pub fn of(args: &AmqpArgs) -> Result<Option<Self>, AmqpError> {
        let files = TlsFiles::of(args);
        let Some(url) = &args.amqp_url else {
            return Ok(None);
        };
        let mut url: Self = url.expose_secret().parse()?;
        match &mut url.tls {
            Some(tls) => *tls = files,
            None if files.is_empty() => {}
            None => {
                return Err(unusable(
                    "files for TLS are given, but it does not begin with amqps://",
                ));
            }
        }
        // Looked at once before anything starts, then for each connection.
        url.connector()?;
        Ok(Some(url))
    }

    /// As it is: TLS is our business.
    pub(super) fn uri(&self) -> AMQPUri {
        AMQPUri {
            scheme: AMQPScheme::AMQP,
            ..self.uri.clone()
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.uri.authority.host
    }

    /// What makes TLS of a connection, for `amqps://`.
    pub(super) fn connector(&self) -> Result<Option<RustlsConnector>, AmqpError> {
        self.tls.as_ref().map(TlsFiles::connector).transpose()
    }
}

fn unusable(reason: &str) -> AmqpError {
    AmqpError::Url {
        reason: reason.to_owned(),
    }
}

impl FromStr for AmqpUrl {
    type Err = AmqpError;

    /// A missing or empty virtual host means `/`: a trailing slash names the empty virtual host by the letter of the
    /// standard, which no broker has.
    fn from_str(text: &str) -> Result<Self, AmqpError> {
        // The parser's own message may quote the whole URL, so it is dropped.
        let mut uri: AMQPUri = text.parse().map_err(|_quoting| {
            unusable("expected amqp://user:password@host:port/vhost, or amqps:// for TLS")
        })?;
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        // The parser knows names only and takes `localhost` for an address in brackets.
        if let Some(address) = bracketed_host(text) {
            address.clone_into(&mut uri.authority.host);
        }
        let asked = uri.query.heartbeat.filter(|seconds| *seconds > 0);
        uri.query.heartbeat = Some(asked.map_or(HEARTBEAT_SECONDS, |seconds| seconds.min(HEARTBEAT_SECONDS)));
        let tls = (uri.scheme == AMQPScheme::AMQPS).then(TlsFiles::default);
        Ok(Self { uri, tls })
    }
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { authority, vhost, .. } = &self.uri;
        let by = if self.tls.is_some() { ", TLS" } else { "" };
        write!(
            f,
            "{}:{} (virtual host {vhost}{by})",
            authority.host, authority.port
        )
    }
}

impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AmqpUrl({self})")
    }
}

fn bracketed_host(text: &str) -> Option<&str> {
    let authority = text.split_once("://")?.1.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[')?
        .split_once(']')
        .map(|(address, _)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_an_error_shows_the_password() {
        let url: AmqpUrl = "amqp://user:s3cret@broker.example:5673/shop".parse().unwrap();
        assert_eq!(format!("{url}"), "broker.example:5673 (virtual host shop)");
        assert!(!format!("{url:?}").contains("s3cret"));
        for bad in ["http://user:s3cret@broker", "user:s3cret", "amqp:s3cret"] {
            let error = bad.parse::<AmqpUrl>().unwrap_err();
            assert!(!crate::telemetry::chain(&error).contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn hosts_virtual_hosts_and_heartbeats() {
        let parse = |text: &str| text.parse::<AmqpUrl>().unwrap().uri;
        assert_eq!(parse("amqp://localhost").authority.port, 5672);
        assert_eq!(parse("amqps://localhost").authority.port, 5671);
        assert_eq!(parse("amqp://localhost/").vhost, "/");
        assert_eq!(parse("amqp://localhost").vhost, "/");
        assert_eq!(parse("amqp://localhost/a%2fb").vhost, "a/b");
        assert_eq!(parse("amqp://u:p@[::1]:5699/x").authority.host, "::1");
        assert_eq!(parse("amqp://127.0.0.1:5699").authority.host, "127.0.0.1");
        assert_eq!(parse("amqp://localhost").query.heartbeat, Some(10));
        assert_eq!(parse("amqp://localhost?heartbeat=60").query.heartbeat, Some(10));
        assert_eq!(parse("amqp://localhost?heartbeat=0").query.heartbeat, Some(10));
        assert_eq!(parse("amqp://localhost?heartbeat=2").query.heartbeat, Some(2));
    }
}
