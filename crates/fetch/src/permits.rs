//! The limits on concurrent requests, in total and per host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::FetchError;

/// Who may send a request now.
pub(crate) struct Permits {
    total: Arc<Semaphore>,
    per_host: usize,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// The right to send one request. Another may use it once this is dropped.
pub(crate) struct Permit {
    held: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
    host: String,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Permits {
    pub(crate) fn new(total: usize, per_host: usize) -> Self {
        Self { total: Arc::new(Semaphore::new(total)), per_host, hosts: Arc::default() }
    }

    /// Takes a permit, or refuses at once: nobody waits here, so that a slow host delays nobody else.
    pub(crate) fn take(&self, host: &str) -> Result<Permit, FetchError> {
        let total = Arc::clone(&self.total).try_acquire_owned().map_err(|_| FetchError::Busy)?;
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_host = hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.per_host)));
        let of_host = Arc::clone(of_host).try_acquire_owned().map_err(|_| FetchError::Busy)?;
        Ok(Permit { held: Some((total, of_host)), host: host.to_owned(), hosts: Arc::clone(&self.hosts) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        self.held = None;
        // A host without a running request is forgotten. Permits hold the semaphore too.
        if hosts.get(&self.host).is_some_and(|of_host| Arc::strong_count(of_host) == 1) {
            hosts.remove(&self.host);
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
    fn a_host_without_requests_is_forgotten() {
        let permits = Permits::new(3, 2);
        drop(permits.take("a.example"));
        assert!(permits.hosts.lock().unwrap().is_empty());
    }
}
