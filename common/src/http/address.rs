//! Callers are told apart by their addresses: so many calls without a key of each, or one of them could fill the queue.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::extract::Request;
use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock as _};

use super::server::{Connection, network};

/// Calls without a key that one address may make in a second, at each ingest: enough for all browsers of a shop behind
/// one proxy.
pub const KEYLESS_PER_SECOND: NonZeroU32 = match NonZeroU32::new(200) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
/// Calls that an address may make at once after it was silent.
pub const KEYLESS_BURST: NonZeroU32 = match NonZeroU32::new(1_000) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
/// After so many calls the addresses are forgotten that have their full burst again: with those of the last seconds, so
/// many are remembered at most.
const FORGET_AFTER: usize = 10_000;

/// Who calls: the other end of the connection, or whom a trusted proxy names there.
pub fn client(request: &Request) -> Option<IpAddr> {
    let connection = request.extensions().get::<Connection>()?;
    Some(connection.client(request.headers()))
}

/// The same, if it is a stranger, who may do some things only so often: neither a trusted proxy nor this machine itself.
pub fn stranger(request: &Request) -> Option<IpAddr> {
    let connection = request.extensions().get::<Connection>()?;
    let client = connection.client(request.headers());
    (!connection.is_unlimited(client)).then_some(client)
}

/// The allowances of all addresses.
pub struct AddressRate {
    buckets: DefaultKeyedRateLimiter<IpAddr>,
    calls: AtomicUsize,
}

impl fmt::Debug for AddressRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddressRate({})", self.buckets.len())
    }
}

/// Of calls without a key.
impl Default for AddressRate {
    fn default() -> Self {
        Self::new(KEYLESS_PER_SECOND, KEYLESS_BURST)
    }
}

impl AddressRate {
    /// So many calls of each address in a second, and so many at once.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            buckets: DefaultKeyedRateLimiter::keyed(quota),
            calls: AtomicUsize::new(0),
        }
    }

    /// Takes one call of `address`; all of unknown ones are one address.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub fn take(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % FORGET_AFTER == FORGET_AFTER - 1 {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
        let address = network(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        self.buckets
            .check_key(&address)
            .map_err(|not_until| not_until.wait_time_from(self.buckets.clock().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many calls it took.
    fn exhausted(rate: &AddressRate, address: impl Into<Option<IpAddr>>) -> usize {
        let (address, mut taken) = (address.into(), 0);
        while rate.take(address).is_ok() {
            taken += 1;
        }
        taken
    }

    #[test]
    fn an_address_has_its_burst_and_then_its_rate() {
        let rate = AddressRate::default();
        let burst = usize::try_from(KEYLESS_BURST.get()).unwrap();
        for (one, same, other) in [
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
            ("2001:db8::1", "2001:db8::ffff:0:0:2", "2001:db8:0:1::1"),
        ] {
            assert!(exhausted(&rate, address(one)) >= burst);
            // Filled up again a little meanwhile, but not to a burst.
            assert!(exhausted(&rate, address(same)) < burst);
            assert!(rate.take(Some(address(other))).is_ok());
        }
        assert!(exhausted(&rate, None) >= burst);
        let again = Duration::from_secs(1) / KEYLESS_PER_SECOND.get();
        assert!((0..burst).any(|_| rate.take(None).is_err_and(|wait| wait <= again)));
    }

    #[test]
    fn addresses_that_are_silent_again_are_forgotten() {
        let rate = AddressRate::default();
        let calls = u32::try_from(FORGET_AFTER * 20).unwrap();
        let most = (0..calls).map(|number| {
            assert!(rate.take(Some(Ipv4Addr::from_bits(number).into())).is_ok());
            rate.buckets.len()
        });
        assert!(most.max().unwrap() < FORGET_AFTER * 10);
    }
}
