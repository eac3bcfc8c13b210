//! The limits on concurrent requests: in total, to one host, and to one network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use domain::special_use::is_loopback;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::FetchError;

/// Which requests may be sent now.
pub(crate) struct Permits {
    total: Arc<Semaphore>,
    destinations: Destinations,
}

/// The right to send one request. Another may use it once this is dropped.
pub(crate) struct RequestPermit {
    _host: DestinationPermit,
    _total: OwnedSemaphorePermit,
}

impl Permits {
    pub(crate) fn new(total: usize, per_destination: usize) -> Self {
        let destinations = Destinations { most: per_destination, running: Arc::default() };
        Self { total: Arc::new(Semaphore::new(total)), destinations }
    }

    /// Takes a permit, or refuses at once: nobody waits here, so that a slow host delays nobody else.
    pub(crate) fn take(&self, host: &str) -> Result<RequestPermit, FetchError> {
        let total = Arc::clone(&self.total).try_acquire_owned().map_err(|_| FetchError::Busy)?;
        Ok(RequestPermit { _host: self.destinations.take(host.to_owned())?, _total: total })
    }

    /// Takes a permit for the network of an address: the owner of one machine may give it many names, and the owner of one
    /// network many addresses. Loopback, which only tests may connect to, is not limited.
    pub(crate) fn take_network(&self, address: IpAddr) -> Result<Option<DestinationPermit>, FetchError> {
        if is_loopback(address) {
            return Ok(None);
        }
        self.destinations.take(network(address)).map(Some)
    }
}

/// The address of version 4, or the first 64 bits of version 6. No host is written like that.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("{address}/32"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}/64")
        }
    }
}

/// The running requests to each host and to each network.
struct Destinations {
    most: usize,
    running: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// One of the permits of a destination.
pub(crate) struct DestinationPermit {
    held: Option<OwnedSemaphorePermit>,
    destination: String,
    running: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Destinations {
    fn take(&self, destination: String) -> Result<DestinationPermit, FetchError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let permits =
            running.entry(destination.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.most)));
        let held = Arc::clone(permits).try_acquire_owned().map_err(|_| FetchError::Busy)?;
        Ok(DestinationPermit { held: Some(held), destination, running: Arc::clone(&self.running) })
    }
}

impl Drop for DestinationPermit {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.held = None;
        // A destination without a running request is forgotten. Permits hold the semaphore too.
        if running.get(&self.destination).is_some_and(|permits| Arc::strong_count(permits) == 1) {
            running.remove(&self.destination);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cannot_take_all_permits() {
        let permits = Permits::new(3, 2);
        let first = permits.take("a.example").ok();
        let second = permits.take("a.example").ok();
        assert!(first.is_some() && second.is_some());
        assert_eq!(permits.take("a.example").err(), Some(FetchError::Busy));
        let other = permits.take("b.example").ok();
        assert!(other.is_some());
        assert_eq!(permits.take("c.example").err(), Some(FetchError::Busy), "the total is used up");
        drop(first);
        assert!(permits.take("a.example").is_ok());
    }

    #[test]
    fn a_network_cannot_take_all_permits_by_many_names() {
        let permits = Permits::new(9, 2);
        let take = |address: &str| permits.take_network(address.parse().unwrap());
        let held = (take("192.0.2.1"), take("::ffff:192.0.2.1"));
        assert!(held.0.is_ok() && held.1.is_ok());
        assert_eq!(take("192.0.2.1").err(), Some(FetchError::Busy));
        let other = (take("2001:db8::1"), take("2001:db8::ffff:2"));
        assert!(take("192.0.2.2").is_ok() && other.0.is_ok() && other.1.is_ok());
        assert_eq!(take("2001:db8::3").err(), Some(FetchError::Busy));
        assert!(take("2001:db8:0:1::3").is_ok());
        drop((held, other));
        assert!(permits.destinations.running.lock().unwrap().is_empty());
    }

    #[test]
    fn a_host_without_requests_is_forgotten() {
        let permits = Permits::new(3, 2);
        drop(permits.take("a.example"));
        assert!(permits.destinations.running.lock().unwrap().is_empty());
    }
}
