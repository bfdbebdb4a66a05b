//! Which addresses are one client's.

use std::net::IpAddr;

use ipnet::Ipv6Net;

/// Who holds one IPv6 address holds all that begin with these bits.
const IPV6_PREFIX: u8 = 64;

/// The address that stands for all of a client's.
pub(in crate::http) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Net::new_assert(address, IPV6_PREFIX).network().into(),
        address @ IpAddr::V4(_) => address,
    }
}
