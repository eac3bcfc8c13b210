//! Rate limits on what checks credentials: per address and per application, failures tightly, successes generously.
//!
//! The generic cell rate algorithm over our own clock, so that a test advances time instead of waiting.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use oauth::id::ApplicationId;
use oauth::time::Timestamp;

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Whether anything is limited at all.
    pub enabled: bool,
    /// Credential checks of one address in a minute.
    pub per_address_per_minute: u32,
    /// Client authentications of one application in a minute.
    pub per_application_per_minute: u32,
    /// Failed credential checks of one address in a minute.
    pub failures_per_address_per_minute: u32,
    /// Failed authentications of one application in a minute.
    pub failures_per_application_per_minute: u32,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            per_address_per_minute: 60_000,
            per_application_per_minute: 600_000,
            failures_per_address_per_minute: 60,
            failures_per_application_per_minute: 120,
        }
    }
}

/// The running limits.
#[derive(Debug)]
pub struct Rates {
    settings: RateSettings,
    addresses: Buckets<IpAddr>,
    address_failures: Buckets<IpAddr>,
    applications: Buckets<ApplicationId>,
    application_failures: Buckets<ApplicationId>,
}

impl Rates {
    /// Nothing has happened yet.
    pub fn new(settings: RateSettings) -> Self {
        Self {
            settings,
            addresses: Buckets::new(settings.per_address_per_minute),
            address_failures: Buckets::new(settings.failures_per_address_per_minute),
            applications: Buckets::new(settings.per_application_per_minute),
            application_failures: Buckets::new(settings.failures_per_application_per_minute),
        }
    }

    /// Whether an address may have credentials checked now.
    ///
    /// # Errors
    /// The seconds after which it may.
    pub fn may_try_credentials(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), u32> {
        let Some(address) = address.map(network).filter(|_| self.settings.enabled) else {
            return Ok(());
        };
        self.address_failures.has_room(&address, now)?;
        self.addresses.take(address, now)
    }

    /// An address gave wrong credentials.
    pub fn credentials_failed(&self, address: Option<IpAddr>, now: Timestamp) {
        if let Some(address) = address.map(network).filter(|_| self.settings.enabled) {
            let _ = self.address_failures.take(address, now);
        }
    }

    /// Whether an application may authenticate now.
    ///
    /// # Errors
    /// The seconds after which it may.
    pub fn may_authenticate(&self, application: ApplicationId, now: Timestamp) -> Result<(), u32> {
        if !self.settings.enabled {
            return Ok(());
        }
        self.application_failures.has_room(&application, now)?;
        self.applications.take(application, now)
    }

    /// Somebody gave wrong credentials for an application.
    pub fn authentication_failed(&self, application: ApplicationId, now: Timestamp) {
        if self.settings.enabled {
            let _ = self.application_failures.take(application, now);
        }
    }

    /// Drops what no longer limits anybody.
    pub fn purge(&self, now: Timestamp) {
        self.addresses.purge(now);
        self.address_failures.purge(now);
        self.applications.purge(now);
        self.application_failures.purge(now);
    }
}

/// One subscriber line has a /64: its addresses count together.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The most keys that are remembered; when there are more, those that limit nobody go, and all when that is not half.
const MOST_KEYS: usize = 100_000;
const MINUTE_MICROS: i64 = 60_000_000;

/// For each key the moment at which its bucket would be empty again; a full bucket holds a minute's allowance.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    interval_micros: i64,
    empty_at: Mutex<HashMap<K, i64>>,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { interval_micros: MINUTE_MICROS / i64::from(per_minute.max(1)), empty_at: Mutex::default() }
    }

    /// Whether there is room for one more.
    pub(crate) fn has_room(&self, key: &K, now: Timestamp) -> Result<(), u32> {
        let buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let empty_at = buckets.get(key).copied().unwrap_or(i64::MIN);
        self.room(empty_at, now).map(|_| ())
    }

    /// Takes one, if there is room.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<(), u32> {
        let mut buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_KEYS && !buckets.contains_key(&key) {
            buckets.retain(|_, empty_at| *empty_at > now.as_micros());
            // Where hardly any went, the next newcomers would have all of them looked through again.
            if buckets.len() >= MOST_KEYS / 2 {
                buckets.clear();
            }
        }
        let empty_at = buckets.entry(key).or_insert(i64::MIN);
        *empty_at = self.room(*empty_at, now)?;
        Ok(())
    }

    /// When the bucket would be empty after one more, or how long to wait for room.
    fn room(&self, empty_at: i64, now: Timestamp) -> Result<i64, u32> {
        // Nothing is further ahead than a full bucket, unless the clock was set back since: then it says nothing.
        let is_known = empty_at <= now.as_micros().saturating_add(MINUTE_MICROS);
        let empty_at = if is_known { empty_at } else { i64::MIN };
        let filled = empty_at.max(now.as_micros()).saturating_add(self.interval_micros);
        let over = filled - now.as_micros() - MINUTE_MICROS;
        if over <= 0 {
            return Ok(filled);
        }
        let seconds = over.div_euclid(1_000_000) + 1;
        Err(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Drops the empty ones.
    pub(crate) fn purge(&self, now: Timestamp) {
        let mut buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|_, empty_at| *empty_at > now.as_micros());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn rates(failures: u32) -> Rates {
        Rates::new(RateSettings { failures_per_address_per_minute: failures, ..RateSettings::default() })
    }

    #[test]
    fn an_address_that_failed_too_often_waits_and_is_heard_again() {
        let rates = rates(3);
        let start = Timestamp::from_secs(1_000);
        for _ in 0..3 {
            assert_eq!(rates.may_try_credentials(Some(address("192.0.2.1")), start), Ok(()));
            rates.credentials_failed(Some(address("192.0.2.1")), start);
        }
        let wait = rates.may_try_credentials(Some(address("192.0.2.1")), start).unwrap_err();
        assert_eq!(rates.may_try_credentials(Some(address("192.0.2.2")), start), Ok(()));
        assert_eq!(
            rates.may_try_credentials(Some(address("192.0.2.1")), start.plus_secs(i64::from(wait))),
            Ok(())
        );
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting_until_it_has_caught_up() {
        let rates = rates(3);
        let later = Timestamp::from_secs(1_000_000);
        for _ in 0..3 {
            rates.credentials_failed(Some(address("192.0.2.1")), later);
        }
        assert!(rates.may_try_credentials(Some(address("192.0.2.1")), later).is_err());
        for back in [61, 3_600, 86_400] {
            let now = later.minus_secs(back);
            assert_eq!(rates.may_try_credentials(Some(address("192.0.2.1")), now), Ok(()), "{back}");
        }
    }

    #[test]
    fn the_addresses_of_one_subscriber_line_count_together() {
        let rates = rates(1);
        let now = Timestamp::from_secs(1_000);
        rates.credentials_failed(Some(address("2001:db8:1:2::1")), now);
        assert!(rates.may_try_credentials(Some(address("2001:db8:1:2:ffff::9")), now).is_err());
        assert_eq!(rates.may_try_credentials(Some(address("2001:db8:1:3::1")), now), Ok(()));
    }

    #[test]
    fn successes_are_limited_generously_and_apart_from_failures() {
        let rates = rates(1);
        let now = Timestamp::from_secs(1_000);
        for _ in 0..1_000 {
            assert_eq!(rates.may_try_credentials(Some(address("192.0.2.1")), now), Ok(()));
        }
    }

    #[test]
    fn nothing_is_limited_when_switched_off() {
        let rates = Rates::new(RateSettings { enabled: false, ..RateSettings::default() });
        let now = Timestamp::from_secs(1_000);
        for _ in 0..1_000 {
            rates.credentials_failed(Some(address("192.0.2.1")), now);
        }
        assert_eq!(rates.may_try_credentials(Some(address("192.0.2.1")), now), Ok(()));
    }
}
