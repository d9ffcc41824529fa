//! What the worker threads of one process share. Locks are held for a few instructions, when a
//! connection comes or goes and for the requests of those that poll; never on the way of a
//! message to a WebSocket.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use engineioxide_core::Sid;
use tokio::sync::mpsc;

use crate::{config::Config, errors::CloseReason, handshake::Rejection, transport::Visit};

/// Requests of one polling connection that may wait for its thread. A client has two under way,
/// one of each direction, and a third when it upgrades.
const VISITS: usize = 4;

/// The settings of a server and what its worker threads know of each other: how many connections
/// there are, and which thread has those that poll. Made once in a process and given to each
/// [`SocketIo::builder`](crate::SocketIo::builder). Cloning is shallow.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    connections: AtomicUsize,
    closed: [AtomicU64; CloseReason::ALL.len()],
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// `None` for those that changed to a WebSocket.
    polling: Mutex<HashMap<Sid, Option<mpsc::Sender<Visit>>>>,
}

impl Hub {
    /// A server with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Arc::new(Inner {
            config,
            connections: AtomicUsize::new(0),
            closed: [const { AtomicU64::new(0) }; CloseReason::ALL.len()],
            addresses: Mutex::default(),
            polling: Mutex::default(),
        }))
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The number of connections of the process whose handlers have not all ended.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// How many connections were closed for this reason since the process began.
    #[must_use]
    pub fn closed(&self, reason: CloseReason) -> u64 {
        self.0.closed[reason as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn count_closed(&self, reason: CloseReason) {
        self.0.closed[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a place for one more connection from this address.
    pub(crate) fn admit(&self, address: Option<IpAddr>) -> Result<Place, Rejection> {
        let config = self.config();
        let counted = address.filter(|_| config.max_connections_per_address.is_some());
        if let (Some(address), Some(limit)) = (counted, config.max_connections_per_address) {
            let mut addresses = lock(&self.0.addresses);
            let open = addresses.entry(address).or_default();
            if *open >= limit {
                return Err(Rejection::TooManyFromAddress);
            }
            *open += 1;
        }
        let place = Place {
            hub: self.clone(),
            address: counted,
        };
        // Dropping the place takes back what was counted.
        let before = self.0.connections.fetch_add(1, Ordering::Relaxed);
        if before >= config.max_connections {
            return Err(Rejection::Full);
        }
        Ok(place)
    }

    /// The requests of this polling connection come to the returned receiver, while its entry
    /// lives.
    pub(crate) fn register(&self, id: Sid) -> (Entry, mpsc::Receiver<Visit>) {
        let (sender, visits) = mpsc::channel(VISITS);
        lock(&self.0.polling).insert(id, Some(sender));
        let hub = self.clone();
        (Entry { hub, id }, visits)
    }

    /// The way to a connection that began with polling; within, `None` if it does not poll any
    /// more.
    pub(crate) fn polling(&self, id: Sid) -> Option<Option<mpsc::Sender<Visit>>> {
        lock(&self.0.polling).get(&id).cloned()
    }
}

/// One connection's place among all of the process, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    hub: Hub,
    address: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.0.connections.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address {
            let mut addresses = lock(&self.hub.0.addresses);
            if let Some(open) = addresses.get_mut(&address) {
                *open -= 1;
                if *open == 0 {
                    addresses.remove(&address);
                }
            }
        }
    }
}

/// Makes a connection that began with polling known to all threads until it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    hub: Hub,
    id: Sid,
}

impl Entry {
    /// The connection does not poll any more.
    pub(crate) fn upgraded(&self) {
        lock(&self.hub.0.polling).insert(self.id, None);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.hub.0.polling).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(max_connections: usize, max_connections_per_address: Option<usize>) -> Hub {
        Hub::new(Config {
            max_connections,
            max_connections_per_address,
            ..Config::default()
        })
    }

    #[test]
    fn a_full_process_takes_no_more_until_somebody_leaves() {
        let hub = hub(2, None);
        let first = hub.admit(None).unwrap();
        let _second = hub.admit(None).unwrap();
        assert_eq!(hub.admit(None).unwrap_err(), Rejection::Full);
        assert_eq!(hub.connections(), 2);
        drop(first);
        assert_eq!(hub.connections(), 1);
        hub.admit(None).unwrap();
    }

    #[test]
    fn one_address_does_not_take_the_places_of_others() {
        let hub = hub(10, Some(1));
        let [one, other] = [1, 2].map(|last| Some(IpAddr::from([10, 0, 0, last])));
        let place = hub.admit(one).unwrap();
        assert_eq!(hub.admit(one).unwrap_err(), Rejection::TooManyFromAddress);
        assert_eq!(hub.connections(), 1, "a refusal is not counted");
        let _other = hub.admit(other).unwrap();
        drop(place);
        assert!(lock(&hub.0.addresses).get(&one.unwrap()).is_none());
        hub.admit(one).unwrap();
    }

    #[test]
    fn a_polling_connection_is_known_while_it_lives() {
        let hub = hub(1, None);
        let id = Sid::new();
        let (entry, _visits) = hub.register(id);
        assert!(hub.polling(id).unwrap().is_some());
        entry.upgraded();
        assert!(hub.polling(id).unwrap().is_none());
        drop(entry);
        assert!(hub.polling(id).is_none());
    }
}
