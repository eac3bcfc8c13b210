//! Rate limits for checking credentials. Only failures use up the limits of failures; successes are limited
//! generously.
//!
//! Nothing is counted by a name that anybody may give; what is counted is a network, or an authenticated
//! caller. Correct credentials are accepted however many wrong ones came before.
//!
//! The implementation is the generic cell rate algorithm over our own clock, so that a test advances time
//! instead of waiting.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domain::account::network::Network;
use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;

/// The settings of the rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Whether any limit applies.
    pub enabled: bool,
    /// Successful authentications of clients from one address in a minute; those of public clients are
    /// counted separately.
    pub per_address_per_minute: u32,
    /// Successful authentications of one confidential application in a minute.
    pub per_application_per_minute: u32,
    /// Failed authentications of clients from one address in a minute that are answered as such; the same
    /// number applies to failed sign-ins.
    pub failures_per_address_per_minute: u32,
}

impl RateSettings {
    /// The documented defaults.
    pub const DEFAULT: Self = Self {
        enabled: true,
        per_address_per_minute: 60_000,
        per_application_per_minute: 600_000,
        failures_per_address_per_minute: 60,
    };
}

impl Default for RateSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Above its limit of failures, an address may have this many times as many passwords checked, because a
/// correct one may be among them. Wrong ones get no verdict.
const RESERVE: u32 = 10;

/// Wrong codes of devices that a user, or a network, may type in a minute. A code is one of 25 billion and is valid for
/// ten minutes.
const WRONG_USER_CODES_PER_MINUTE: u32 = 20;

/// Hints that lead to no user which an application may send in a minute, so that it learns few names by guessing.
const UNKNOWN_USER_HINTS_PER_MINUTE: u32 = 20;

/// Names and passwords for databases of a user that may be refused in a minute, over all data sources, so that nobody guesses them
/// through this server.
const REFUSED_DATABASE_LOGINS_PER_MINUTE: u32 = 20;

/// The rate limiter.
#[derive(Debug)]
pub struct Rates {
    enabled: bool,
    addresses: Buckets<(Network, Proof)>,
    applications: Buckets<ApplicationId>,
    client_failures: Buckets<Network>,
    password_failures: Buckets<PasswordSource>,
    password_reserve: Buckets<PasswordSource>,
    user_codes: Buckets<Guesser>,
    user_hints: Buckets<ApplicationId>,
    database_logins: Buckets<UserId>,
    notes: Buckets<PasswordSource>,
}

/// Who types codes of devices. A guesser chooses neither: the code itself is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Guesser {
    /// The user of the session, however many sessions the user opens.
    User(UserId),
    /// The network of the browser.
    Network(Network),
}

/// Whether an application was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Proof {
    Secret,
    Nothing,
}

/// The source of passwords: those that a user's familiar network sends for this user are counted apart from
/// all others of the same network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PasswordSource {
    network: Network,
    familiar: Option<UserId>,
}

/// The budget taken for one password check. It is returned if the password was correct.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PasswordToken(Option<(Bucket, PasswordSource)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bucket {
    Failures,
    Reserve,
}

impl Rates {
    /// Creates a limiter without history.
    pub fn new(settings: RateSettings) -> Self {
        let failures = settings.failures_per_address_per_minute;
        Self {
            enabled: settings.enabled,
            addresses: Buckets::new(settings.per_address_per_minute),
            applications: Buckets::new(settings.per_application_per_minute),
            client_failures: Buckets::new(failures),
            password_failures: Buckets::new(failures),
            password_reserve: Buckets::new(failures.saturating_mul(RESERVE)),
            user_codes: Buckets::new(WRONG_USER_CODES_PER_MINUTE),
            user_hints: Buckets::new(UNKNOWN_USER_HINTS_PER_MINUTE),
            database_logins: Buckets::new(REFUSED_DATABASE_LOGINS_PER_MINUTE),
            notes: Buckets::new(1),
        }
    }

    /// Counts one attempt to type a code of a device.
    ///
    /// # Errors
    /// The number of seconds after which another attempt is accepted.
    pub(crate) fn begin_user_code(
        &self,
        user: UserId,
        network: Option<Network>,
        now: Timestamp,
    ) -> Result<(), u32> {
        if !self.enabled {
            return Ok(());
        }
        self.user_codes.take(Guesser::User(user), now)?;
        network.map_or(Ok(()), |network| self.user_codes.take(Guesser::Network(network), now))
    }

    /// Returns the attempt, because the code was right.
    pub(crate) fn user_code_was_right(&self, user: UserId, network: Option<Network>) {
        self.user_codes.give_back(&Guesser::User(user));
        if let Some(network) = network {
            self.user_codes.give_back(&Guesser::Network(network));
        }
    }

    /// Counts a hint by which an application names a user.
    ///
    /// # Errors
    /// The number of seconds after which another one is looked up.
    pub(crate) fn begin_user_hint(&self, application: ApplicationId, now: Timestamp) -> Result<(), u32> {
        if self.enabled { self.user_hints.take(application, now) } else { Ok(()) }
    }

    /// Returns the hint, because there is such a user.
    pub(crate) fn user_hint_was_right(&self, application: ApplicationId) {
        self.user_hints.give_back(&application);
    }

    /// Counts an attempt of a user to sign in to the database of a data source.
    ///
    /// # Errors
    /// The number of seconds after which another attempt is allowed.
    pub(crate) fn begin_database_login(&self, user: UserId, now: Timestamp) -> Result<(), u32> {
        if self.enabled { self.database_logins.take(user, now) } else { Ok(()) }
    }

    /// Returns the attempt, because the database did not refuse it.
    pub(crate) fn database_login_was_not_refused(&self, user: UserId) {
        self.database_logins.give_back(&user);
    }

    /// Counts an authenticated client: `proved` is the application if it presented a secret, `None` if it is
    /// public.
    ///
    /// # Errors
    /// The number of seconds after which another request is accepted.
    pub fn authenticated(
        &self,
        proved: Option<ApplicationId>,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), u32> {
        if !self.enabled {
            return Ok(());
        }
        let proof = if proved.is_some() { Proof::Secret } else { Proof::Nothing };
        if let Some(address) = address {
            self.addresses.take((Network::of(address), proof), now)?;
        }
        proved.map_or(Ok(()), |application| self.applications.take(application, now))
    }

    /// Counts wrong credentials of a client.
    ///
    /// # Errors
    /// The number of seconds after which a failure is answered as such again, if there were too many.
    pub fn authentication_failed(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), u32> {
        match address.filter(|_| self.enabled) {
            Some(address) => self.client_failures.take(Network::of(address), now),
            None => Ok(()),
        }
    }

    /// Takes the budget for one password check; `familiar` is the named user, if the network is familiar to
    /// that user.
    ///
    /// # Errors
    /// The number of seconds after which a password is checked again.
    pub(crate) fn begin_password(
        &self,
        network: Option<Network>,
        familiar: Option<UserId>,
        now: Timestamp,
    ) -> Result<PasswordToken, u32> {
        let Some(network) = network.filter(|_| self.enabled) else {
            return Ok(PasswordToken(None));
        };
        let source = PasswordSource { network, familiar };
        if self.password_failures.take(source, now).is_ok() {
            return Ok(PasswordToken(Some((Bucket::Failures, source))));
        }
        self.password_reserve.take(source, now)?;
        Ok(PasswordToken(Some((Bucket::Reserve, source))))
    }

    /// Returns the budget, because the password was correct or the check had no result.
    pub(crate) fn give_back(&self, token: PasswordToken) {
        match token.0 {
            Some((Bucket::Failures, source)) => self.password_failures.give_back(&source),
            Some((Bucket::Reserve, source)) => self.password_reserve.give_back(&source),
            None => {}
        }
    }

    /// The number of seconds after which a failure is answered as such again, if this one was above the
    /// limit.
    pub(crate) fn wait_after_failure(&self, token: PasswordToken, now: Timestamp) -> Option<u32> {
        match token.0 {
            Some((Bucket::Reserve, source)) => {
                Some(self.password_failures.has_room(&source, now).err().unwrap_or(1))
            }
            Some((Bucket::Failures, _)) | None => None,
        }
    }

    /// Whether to record that a user signed in from a network: once a minute, however many networks take
    /// turns.
    pub(crate) fn may_note(&self, network: Network, user: UserId, now: Timestamp) -> bool {
        self.notes.take(PasswordSource { network, familiar: Some(user) }, now).is_ok()
    }

    /// Drops entries that no longer limit anybody.
    pub fn purge(&self, now: Timestamp) {
        self.addresses.purge(now);
        self.applications.purge(now);
        self.client_failures.purge(now);
        self.password_failures.purge(now);
        self.password_reserve.purge(now);
        self.user_codes.purge(now);
        self.user_hints.purge(now);
        self.database_logins.purge(now);
        self.notes.purge(now);
    }
}

/// The maximum number of keys. Above it, keys that limit nobody are dropped, and all keys if those were less
/// than half.
const MOST_KEYS: usize = 100_000;
const MINUTE_MICROS: i64 = 60_000_000;

/// For each key, the time at which its bucket will be empty; a full bucket holds a minute's allowance.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    interval_micros: i64,
    empty_at: Mutex<HashMap<K, i64>>,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { interval_micros: MINUTE_MICROS / i64::from(per_minute.max(1)), empty_at: Mutex::default() }
    }

    /// Whether the bucket has room for one more.
    pub(crate) fn has_room(&self, key: &K, now: Timestamp) -> Result<(), u32> {
        let buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let empty_at = buckets.get(key).copied().unwrap_or(i64::MIN);
        self.empty_after_one_more(empty_at, now).map(|_| ())
    }

    /// Takes one, if there is room.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<(), u32> {
        let mut buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_KEYS && !buckets.contains_key(&key) {
            buckets.retain(|_, empty_at| *empty_at > now.as_micros());
            // If too few were dropped, every new key would trigger another scan.
            if buckets.len() >= MOST_KEYS / 2 {
                buckets.clear();
            }
        }
        let empty_at = buckets.entry(key).or_insert(i64::MIN);
        *empty_at = self.empty_after_one_more(*empty_at, now)?;
        Ok(())
    }

    /// Returns one that was taken and not needed.
    pub(crate) fn give_back(&self, key: &K) {
        let mut buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(empty_at) = buckets.get_mut(key) {
            *empty_at = empty_at.saturating_sub(self.interval_micros);
        }
    }

    /// When the bucket would be empty after one more, or how long to wait for room.
    fn empty_after_one_more(&self, empty_at: i64, now: Timestamp) -> Result<i64, u32> {
        // No time is further ahead than a full bucket, unless the clock was set back; such a time is ignored.
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

    /// Drops the empty buckets.
    pub(crate) fn purge(&self, now: Timestamp) {
        let mut buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|_, empty_at| *empty_at > now.as_micros());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(text: &str) -> Network {
        Network::of(address(text))
    }

    fn rates(failures: u32) -> Rates {
        Rates::new(RateSettings { failures_per_address_per_minute: failures, ..RateSettings::default() })
    }

    #[test]
    fn failed_clients_limit_their_own_address() {
        let rates = rates(3);
        for _ in 0..3 {
            assert_eq!(rates.authentication_failed(Some(address("192.0.2.1")), NOW), Ok(()));
        }
        let wait = rates.authentication_failed(Some(address("192.0.2.1")), NOW).unwrap_err();
        assert_eq!(rates.authentication_failed(Some(address("192.0.2.2")), NOW), Ok(()));
        assert_eq!(rates.authenticated(Some(ApplicationId::new(1)), Some(address("192.0.2.1")), NOW), Ok(()));
        let later = NOW.plus_secs(i64::from(wait));
        assert_eq!(rates.authentication_failed(Some(address("192.0.2.1")), later), Ok(()));
    }

    #[test]
    fn a_clock_set_back_does_not_prolong_a_limit() {
        let rates = rates(3);
        let later = Timestamp::from_secs(1_000_000);
        let fail = |now| rates.authentication_failed(Some(address("192.0.2.1")), now);
        for _ in 0..3 {
            assert_eq!(fail(later), Ok(()));
        }
        assert!(fail(later).is_err());
        for back in [61, 3_600, 86_400] {
            assert_eq!(fail(later.minus_secs(back)), Ok(()), "{back}");
        }
    }

    #[test]
    fn the_addresses_of_one_subscriber_line_count_together() {
        let rates = rates(1);
        assert_eq!(rates.authentication_failed(Some(address("2001:db8:1:2::1")), NOW), Ok(()));
        assert!(rates.authentication_failed(Some(address("2001:db8:1:2:ffff::9")), NOW).is_err());
        assert_eq!(rates.authentication_failed(Some(address("2001:db8:1:3::1")), NOW), Ok(()));
    }

    #[test]
    fn public_clients_do_not_use_up_the_limit_of_confidential_ones() {
        let rates = Rates::new(RateSettings { per_address_per_minute: 2, ..RateSettings::default() });
        while rates.authenticated(None, Some(address("192.0.2.1")), NOW).is_ok() {}
        assert_eq!(rates.authenticated(Some(ApplicationId::new(1)), Some(address("192.0.2.1")), NOW), Ok(()));
    }

    #[test]
    fn a_wrong_password_above_the_limit_gets_no_verdict() {
        let rates = rates(2);
        let begin = |familiar| rates.begin_password(Some(network("192.0.2.1")), familiar, NOW);
        for _ in 0..2 {
            assert_eq!(rates.wait_after_failure(begin(None).unwrap(), NOW), None);
        }
        for _ in 0..20 {
            assert!(rates.wait_after_failure(begin(None).unwrap(), NOW).is_some());
        }
        assert!(begin(None).is_err(), "the reserve is used up too");
        assert_eq!(rates.wait_after_failure(begin(Some(UserId::new(1))).unwrap(), NOW), None);
        assert!(rates.begin_password(Some(network("192.0.2.2")), None, NOW).is_ok());
    }

    #[test]
    fn correct_credentials_use_no_budget() {
        let rates = rates(1);
        for _ in 0..1_000 {
            let token = rates.begin_password(Some(network("192.0.2.1")), None, NOW).unwrap();
            assert_eq!(rates.wait_after_failure(token, NOW), None);
            rates.give_back(token);
        }
    }

    #[test]
    fn wrong_user_codes_limit_the_user_and_the_network() {
        let rates = rates(60);
        let begin = |user, network| rates.begin_user_code(UserId::new(user), network, NOW);
        while begin(1, Some(network("192.0.2.1"))).is_ok() {}
        assert!(begin(1, Some(network("192.0.2.2"))).is_err(), "the same user elsewhere");
        assert!(begin(2, Some(network("192.0.2.1"))).is_err(), "another user of the same network");
        assert_eq!(begin(3, Some(network("192.0.2.3"))), Ok(()));
        for _ in 0..100 {
            assert_eq!(begin(4, None), Ok(()));
            rates.user_code_was_right(UserId::new(4), None);
        }
    }

    #[test]
    fn disabled_limits_have_no_effect() {
        let rates = Rates::new(RateSettings { enabled: false, ..RateSettings::default() });
        for _ in 0..1_000 {
            assert_eq!(rates.authentication_failed(Some(address("192.0.2.1")), NOW), Ok(()));
            let token = rates.begin_password(Some(network("192.0.2.1")), None, NOW).unwrap();
            assert_eq!(rates.wait_after_failure(token, NOW), None);
        }
    }
}
