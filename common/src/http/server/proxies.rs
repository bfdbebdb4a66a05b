//! Which proxies are believed when they say whose request it is.

use std::{
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use axum::http::HeaderMap;
use ipnet::IpNet;

use super::forwarded::{Hop, is_x_https, of_forwarded, of_x_forwarded};

/// The addresses of proxies, as networks. Nobody else's word counts: anybody can send a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who sent a request that `peer` hands over: of the addresses through which it says to have come, the last one that is no
    /// trusted proxy. A proxy writes one of the two headers and hands the other on as the client sent it. Which one that is cannot
    /// be seen: where they tell different addresses it is nobody's, [`NOBODY`].
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.contain(peer) {
            return peer;
        }
        let told = [of_x_forwarded(headers), of_forwarded(headers)];
        let mut clients = told.iter().flatten().map(|hops| self.walk(peer, hops).0);
        match (clients.next(), clients.next()) {
            (Some(one), Some(other)) if one != other => NOBODY,
            (Some(client), _) => client,
            (None, _) => peer,
        }
    }

    /// Whether the client of a request that `peer` hands over called by https, as a trusted proxy says.
    pub(super) fn is_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.contain(peer) {
            return false;
        }
        let forwarded = of_forwarded(headers);
        let told = forwarded.and_then(|hops| self.walk(peer, &hops).1);
        told.unwrap_or_else(|| is_x_https(headers))
    }

    /// From the last hop to the first stranger, and how that one called.
    fn walk(&self, peer: IpAddr, hops: &[Hop]) -> (IpAddr, Option<bool>) {
        let (mut client, mut is_https) = (peer, None);
        for hop in hops {
            // Who wrote this wrote what is before it, too.
            is_https = hop.is_https;
            let Some(address) = hop.address else {
                break;
            };
            client = address;
            if !self.contain(client) {
                break;
            }
        }
        (client, is_https)
    }
}

/// Whom nobody is to be taken for: all such share what one stranger may do.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no address and no network such as 10.0.0.0/8")]
pub struct NoNetwork(String);

impl FromStr for TrustedProxies {
    type Err = NoNetwork;

    /// Addresses and networks with commas between. Nothing is none, as a compose file says it.
    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let named = text.split(',').map(str::trim).filter(|named| !named.is_empty());
        let networks = named.map(|named| {
            let network = named.parse::<IpNet>().ok();
            let network = network.or_else(|| Some(named.parse::<IpAddr>().ok()?.into()));
            network.ok_or_else(|| NoNetwork(named.to_owned()))
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: TrustedProxies = "10.0.0.0/8, 192.0.2.1,2001:db8::/32".parse().unwrap();
        for (peer, sent, want) in [
            ("203.0.113.7", vec!["198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", vec!["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", vec!["[2001:db9::1]:80"], "2001:db9::1"),
            // What stands before the last stranger is that stranger's invention.
            (
                "10.0.0.1",
                vec!["127.0.0.1, 198.51.100.1 , 192.0.2.1"],
                "198.51.100.1",
            ),
            ("10.0.0.1", vec!["127.0.0.1", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec!["10.0.0.9,10.0.0.2"], "10.0.0.9"),
            ("10.0.0.1", vec![""], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for list in &sent {
                headers.append("x-forwarded-for", list.parse().unwrap());
            }
            let found = trusted.client(peer.parse().unwrap(), &headers);
            assert_eq!(found, want.parse::<IpAddr>().unwrap(), "{peer} {sent:?}");
        }
    }

    fn headers(sent: &[(&'static str, &str)]) -> HeaderMap {
        sent.iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn of_two_headers_neither_is_believed_against_the_other() {
        let trusted: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        for (peer, sent, want) in [
            (
                "10.0.0.1",
                vec![("forwarded", "for=198.51.100.1, for=10.0.0.2")],
                "198.51.100.1",
            ),
            (
                "203.0.113.7",
                vec![("forwarded", "for=198.51.100.1")],
                "203.0.113.7",
            ),
            (
                "10.0.0.1",
                vec![("forwarded", "for=198.51.100.1, for=unknown")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                vec![
                    ("forwarded", "for=198.51.100.1"),
                    ("x-forwarded-for", "198.51.100.1"),
                ],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                vec![("forwarded", "for=10.0.0.9"), ("x-forwarded-for", "198.51.100.1")],
                "0.0.0.0",
            ),
        ] {
            let found = trusted.client(peer.parse().unwrap(), &headers(&sent));
            assert_eq!(found, want.parse::<IpAddr>().unwrap(), "{peer} {sent:?}");
        }
        assert!(!trusted.contain(NOBODY), "nobody has the limits of a stranger");
    }

    #[test]
    fn only_a_trusted_proxy_says_that_it_was_https() {
        let trusted: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        for (peer, sent, want) in [
            ("203.0.113.7", vec![("x-forwarded-proto", "https")], false),
            (
                "203.0.113.7",
                vec![("forwarded", "for=198.51.100.1;proto=https")],
                false,
            ),
            ("10.0.0.1", vec![("x-forwarded-proto", "HTTPS")], true),
            ("10.0.0.1", vec![("x-forwarded-proto", "https, http")], true),
            ("10.0.0.1", vec![("x-forwarded-proto", "http")], false),
            (
                "10.0.0.1",
                vec![("forwarded", "for=198.51.100.1;proto=https")],
                true,
            ),
            ("10.0.0.1", vec![("forwarded", "proto=https")], true),
            // The proxy at the edge says how the client called; before it stands what the client invents.
            (
                "10.0.0.1",
                vec![(
                    "forwarded",
                    "for=192.0.2.1;proto=http, for=198.51.100.1;proto=https, for=10.0.0.2;proto=http",
                )],
                true,
            ),
            ("10.0.0.1", vec![], false),
        ] {
            let found = trusted.is_https(peer.parse().unwrap(), &headers(&sent));
            assert_eq!(found, want, "{peer} {sent:?}");
        }
    }

    #[test]
    fn a_setting_names_addresses_and_networks() {
        for nothing in ["", " ", ","] {
            assert_eq!(
                nothing.parse::<TrustedProxies>().unwrap(),
                TrustedProxies::default()
            );
        }
        for wrong in ["proxy.example", "10.0.0.0/33", "10.0.0.1;10.0.0.2"] {
            let error = wrong.parse::<TrustedProxies>().unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }
}
