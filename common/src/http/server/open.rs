//! How many connections are open, in all and of each client.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{limits::Limits, network::network};

/// The connections of one server.
#[derive(Debug, Default)]
pub(super) struct Open {
    all: AtomicUsize,
    /// Of each client that has some and is limited.
    of_clients: Mutex<HashMap<IpAddr, usize>>,
}

/// Why there is no place for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Server,
    Client,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    open: Arc<Open>,
    client: Option<IpAddr>,
}

impl Open {
    /// A place for a connection from `peer`.
    ///
    /// # Errors
    /// When all are taken, or all that one client may have.
    pub(super) fn place(self: &Arc<Self>, peer: IpAddr, limits: &Limits) -> Result<Place, Full> {
        if self.all.load(Ordering::Relaxed) >= limits.connections {
            return Err(Full::Server);
        }
        let client = (!limits.is_unlimited(peer)).then(|| network(peer));
        if let Some(client) = client {
            let mut of_clients = self.of_clients();
            let own = of_clients.entry(client).or_default();
            if *own >= limits.client_connections {
                return Err(Full::Client);
            }
            *own += 1;
        }
        self.all.fetch_add(1, Ordering::Relaxed);
        Ok(Place {
            open: Arc::clone(self),
            client,
        })
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// Whether more than half of all places are taken.
    pub(super) fn is_crowded(&self, limits: &Limits) -> bool {
        self.all.load(Ordering::Relaxed) > limits.connections / 2
    }

    fn of_clients(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.of_clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.all.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let mut of_clients = self.open.of_clients();
        if let Some(own) = of_clients.get_mut(&client) {
            *own -= 1;
            if *own == 0 {
                of_clients.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_so_many_places_and_a_proxy_all() {
        let limits = Limits {
            connections: 10,
            client_connections: 2,
            trusted: "10.0.0.0/8".parse().unwrap(),
            ..Limits::default()
        };
        let open = Arc::new(Open::default());
        let place = |address: &str| open.place(address.parse().unwrap(), &limits);
        let one = place("2001:db8::1").unwrap();
        let _other = place("2001:db8::2").unwrap();
        assert_eq!(place("2001:db8::3").unwrap_err(), Full::Client);
        drop(one);
        let _again = place("2001:db8::3").unwrap();
        let many = [
            "10.0.0.1",
            "10.0.0.1",
            "10.0.0.1",
            "127.0.0.1",
            "127.0.0.1",
            "::1",
        ];
        let mut places: Vec<_> = many.into_iter().map(|address| place(address).unwrap()).collect();
        assert!(open.is_crowded(&limits));
        places.push(place("127.0.0.1").unwrap());
        places.push(place("192.0.2.1").unwrap());
        assert_eq!(place("127.0.0.1").unwrap_err(), Full::Server);
        drop(places);
        assert!(!open.is_crowded(&limits));
        assert_eq!(open.of_clients().len(), 1, "who has none is forgotten");
    }
}
