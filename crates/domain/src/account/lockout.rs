//! The rule that failed authentications lock an account.

use super::{Lockout, LockoutPolicy};
use crate::time::Timestamp;

impl Lockout {
    /// The counter after another failure at `now`. A failure while locked neither counts nor prolongs the
    /// lock, so that nobody can be locked out forever.
    #[must_use]
    pub fn after_failure(self, policy: LockoutPolicy, now: Timestamp) -> Self {
        if self.is_locked(now) {
            return self;
        }
        let running = self.since.filter(|since| {
            self.locked_until.is_none()
                && !since.plus_secs(policy.interval_secs).is_past(now)
                && !self.is_before_set_back(now)
        });
        let failures = running.map_or(1, |_| self.failures.saturating_add(1));
        let locks = policy.failures > 0 && failures >= policy.failures;
        Self {
            failures,
            since: running.or(Some(now)),
            locked_until: locks.then(|| now.plus_secs(policy.lock_secs)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: LockoutPolicy = LockoutPolicy { interval_secs: 900, failures: 3, lock_secs: 1800 };

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn after(failures: &[i64], policy: LockoutPolicy) -> Lockout {
        failures.iter().fold(Lockout::default(), |lockout, secs| lockout.after_failure(policy, at(*secs)))
    }

    #[test]
    fn the_third_failure_locks_for_half_an_hour() {
        assert!(!after(&[0, 1], POLICY).is_locked(at(1)));
        let locked = after(&[0, 1, 2], POLICY);
        assert!(locked.is_locked(at(2)) && locked.is_locked(at(1801)));
        assert!(!locked.is_locked(at(1802)));
    }

    #[test]
    fn failures_further_apart_than_the_interval_do_not_add_up() {
        assert!(!after(&[0, 1, 900], POLICY).is_locked(at(900)));
        assert!(after(&[0, 1, 899], POLICY).is_locked(at(899)));
    }

    #[test]
    fn a_failure_while_locked_does_not_prolong_the_lock() {
        assert_eq!(after(&[0, 1, 2, 3, 1800], POLICY), after(&[0, 1, 2], POLICY));
    }

    #[test]
    fn counting_restarts_after_a_lock() {
        let later = after(&[0, 1, 2, 1802], POLICY);
        assert_eq!((later.failures, later.is_locked(at(1802))), (1, false));
    }

    #[test]
    fn neither_a_lock_nor_a_count_outlasts_a_clock_that_was_set_back() {
        for back in [60, 86_400] {
            let (locked, counting) = (after(&[0, 1, 2], POLICY), after(&[0, 1], POLICY));
            assert!(!locked.is_locked(at(-back)) && locked.is_locked(at(-1)), "{back}");
            let again = locked.after_failure(POLICY, at(-back));
            assert_eq!((again.failures, again.since), (1, Some(at(-back))), "{back}");
            assert_eq!(counting.after_failure(POLICY, at(-back)).failures, 1, "{back}");
            assert_eq!(counting.after_failure(POLICY, at(-1)).failures, 3, "operations overtake each other");
        }
    }

    #[test]
    fn a_threshold_of_zero_disables_locking() {
        let off = LockoutPolicy { failures: 0, ..POLICY };
        assert!(!after(&(0..100).collect::<Vec<_>>(), off).is_locked(at(100)));
    }
}
