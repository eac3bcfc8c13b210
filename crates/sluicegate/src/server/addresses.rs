//! Connections by address: how many each address has, and how many bytes they buffer together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use web::AddressRange;

use super::budget::Budget;

/// All addresses with open connections. An IPv6 address counts as its /64, which is one subscriber line.
#[derive(Debug)]
pub(super) struct Addresses {
    /// The maximum number of connections of one address.
    most: usize,
    /// The byte budget of all connections.
    process: Arc<Budget>,
    /// Addresses of many clients, which are therefore not limited by address.
    proxies: Vec<AddressRange>,
    open: Mutex<HashMap<IpAddr, Open>>,
}

#[derive(Debug)]
struct Open {
    connections: usize,
    budget: Arc<Budget>,
}

/// One address may use this fraction of all buffered bytes.
const SHARE: usize = 4;

impl Addresses {
    pub(super) fn new(most: usize, process: Arc<Budget>, proxies: Vec<AddressRange>) -> Arc<Self> {
        Arc::new(Self { most, process, proxies, open: Mutex::default() })
    }

    /// Counts a connection; `None` if its address has too many.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Guest> {
        let address = address.to_canonical();
        if self.proxies.iter().any(|proxy| proxy.contains(address)) {
            return Some(Guest { addresses: None, budget: Arc::clone(&self.process) });
        }
        let address = AddressRange::of_subscriber(address);
        let mut open = self.lock();
        let entry = open.entry(address).or_insert_with(|| Open {
            connections: 0,
            budget: self.process.part(self.process.most() / SHARE),
        });
        if entry.connections >= self.most {
            return None;
        }
        entry.connections += 1;
        let budget = Arc::clone(&entry.budget);
        drop(open);
        Some(Guest { addresses: Some((Arc::clone(self), address)), budget })
    }

    fn leave(&self, address: IpAddr) {
        let mut open = self.lock();
        if let Some(entry) = open.get_mut(&address) {
            entry.connections -= 1;
            if entry.connections == 0 {
                open.remove(&address);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Open>> {
        // The table is consistent between any two operations under the lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one connection while it is open.
#[derive(Debug)]
pub(super) struct Guest {
    addresses: Option<(Arc<Addresses>, IpAddr)>,
    /// The byte budget of its address.
    pub(super) budget: Arc<Budget>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some((addresses, address)) = self.addresses.take() {
            addresses.leave(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(most: usize, proxies: &[&str]) -> Arc<Addresses> {
        let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        Addresses::new(most, Budget::new(400), proxies)
    }

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_are_limited_by_address_and_ipv6_by_its_64() {
        let table = table(2, &[]);
        let held = [table.enter(at("2001:db8::1")).unwrap(), table.enter(at("2001:db8::ffff:2")).unwrap()];
        assert!(table.enter(at("2001:db8::3")).is_none());
        assert!(table.enter(at("2001:db8:0:1::3")).is_some());
        let mapped = [table.enter(at("192.0.2.1")).unwrap(), table.enter(at("::ffff:192.0.2.1")).unwrap()];
        assert!(table.enter(at("192.0.2.1")).is_none());
        assert!(table.enter(at("192.0.2.2")).is_some());
        drop((held, mapped));
        assert!(table.lock().is_empty(), "nothing is remembered of those that are gone");
    }

    #[test]
    fn an_address_may_buffer_a_part_of_all_bytes_and_a_trusted_proxy_all_of_them() {
        let table = table(1, &["10.0.0.0/8"]);
        let guest = table.enter(at("192.0.2.1")).unwrap();
        assert!(guest.budget.take(101).is_none());
        assert!(guest.budget.take(100).is_some());
        let proxied: Vec<_> = (0..5).map(|_| table.enter(at("10.1.2.3")).unwrap()).collect();
        assert!(proxied[4].budget.take(400).is_some());
    }
}
