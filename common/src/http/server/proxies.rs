//! Which proxies are believed when they say whose request it is.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use axum::http::HeaderMap;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The addresses of proxies, as networks. Nobody else's word counts: anybody can send a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who sent a request that `peer` hands over: of the addresses through which it says to have come, the last one that is no
    /// trusted proxy.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.contain(client) {
            return client;
        }
        for list in headers.get_all(X_FORWARDED_FOR).iter().rev() {
            for hop in list.as_bytes().rsplit(|byte| *byte == b',') {
                let Some(hop) = std::str::from_utf8(hop).ok().and_then(address) else {
                    // Who wrote this wrote what is before it, too.
                    return client;
                };
                client = hop;
                if !self.contain(client) {
                    return client;
                }
            }
        }
        client
    }
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let found = bare.parse().ok();
    let found = found.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    found.map(|address: IpAddr| address.to_canonical())
}

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
                headers.append(X_FORWARDED_FOR, list.parse().unwrap());
            }
            let found = trusted.client(peer.parse().unwrap(), &headers);
            assert_eq!(found, want.parse::<IpAddr>().unwrap(), "{peer} {sent:?}");
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
