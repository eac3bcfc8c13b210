//! What is known before a password is checked, and what remains of the check: failures, locks, and the networks from
//! which a user signed in lately.
//!
//! Failures are counted twice over: those from networks that the user signed in from lately, each by itself, and those
//! from everywhere else together. Whoever guesses from elsewhere can lock everybody else out from elsewhere, and nobody
//! out from where they work.

use oauth::account::network::Network;
use oauth::account::{Lockout, LockoutPolicy, User};
use oauth::audit::NewAuditEvent;
use oauth::id::{Epoch, UserId};
use oauth::time::Timestamp;

use crate::Answer;

/// The most networks that are remembered for a user; the one without a success for the longest time goes first.
pub const MOST_FAMILIAR_NETWORKS: u32 = 8;

/// A user, as somebody who knows the name and comes from a network finds it.
#[derive(Debug, Clone)]
pub struct SignInFacts {
    /// The user; its own lockout counts the failures from networks that are not familiar.
    pub user: User,
    /// The network, where the user signed in from there lately.
    pub familiar: Option<FamiliarNetwork>,
}

impl SignInFacts {
    /// The failures and the lock that matter for whoever comes from this network.
    pub fn lockout(&self) -> Lockout {
        self.familiar.map_or(self.user.lockout, |network| network.lockout)
    }
}

/// A network from which a user signed in lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamiliarNetwork {
    /// When a success from there was last written down.
    pub succeeded_at: Timestamp,
    /// The failures from there.
    pub lockout: Lockout,
}

/// Where a sign-in comes from, and since when a success makes that familiar.
#[derive(Debug, Clone, Copy)]
pub struct ComesFrom {
    /// None where the address is not known; such a sign-in is never familiar.
    pub network: Option<Network>,
    /// A success before this moment no longer counts.
    pub familiar_since: Timestamp,
}

/// A sign-in that was refused.
#[derive(Debug, Clone)]
pub struct RefusedSignIn {
    /// None for a name that nobody has.
    pub user: Option<UserId>,
    /// Where it came from.
    pub from: ComesFrom,
    /// None where it does not count as a failure, since the password was right or the account is locked.
    pub policy: Option<LockoutPolicy>,
    /// The refused sign-in.
    pub audit: NewAuditEvent,
}

/// A sign-in that succeeded.
#[derive(Debug, Clone, Copy)]
pub struct SucceededSignIn {
    /// Who signed in.
    pub user: UserId,
    /// The user's epoch when the password was verified; under another one nothing is remembered.
    pub user_epoch: Epoch,
    /// Where it came from.
    pub from: ComesFrom,
    /// When it happened.
    pub at: Timestamp,
}

/// What became of the counter after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCounted {
    /// The counter and the lock as they are now, of the network if it is familiar, else of the user.
    pub lockout: Lockout,
    /// Whether this very failure locked; then an event `LockAccount` was written.
    pub locked_now: bool,
    /// Whether the network is familiar.
    pub familiar: bool,
}

impl FailureCounted {
    /// What a failure at `at` makes of the counter: one rule for every backend.
    pub fn after(before: Lockout, policy: LockoutPolicy, at: Timestamp, familiar: bool) -> Self {
        let lockout = before.after_failure(policy, at);
        Self { lockout, locked_now: lockout.is_locked(at) && !before.is_locked(at), familiar }
    }

    /// Nothing was counted.
    pub const NOTHING: Self = Self {
        lockout: Lockout { failures: 0, since: None, locked_until: None },
        locked_now: false,
        familiar: false,
    };
}

/// Signing in.
///
/// Names that somebody has and names that nobody has take the same statements, in the same number of round trips, and
/// counting a failure waits for nothing but other failures of the same user.
pub trait SignIns {
    /// The user of that name, compared without case, with what is known of the network.
    fn find_sign_in<'a>(&'a self, name: &'a str, from: ComesFrom) -> Answer<'a, Option<SignInFacts>>;
    /// Writes a refused sign-in down, counts it where it counts, and locks when the policy says so.
    fn refuse_sign_in(&self, refused: RefusedSignIn) -> Answer<'_, FailureCounted>;
    /// Remembers the network, and forgets the failures that were counted against whoever comes from there: those of the
    /// network if it is familiar, else those of the user. A lock is not forgotten by a success.
    fn note_sign_in(&self, succeeded: SucceededSignIn) -> Answer<'_, ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: LockoutPolicy = LockoutPolicy { interval_secs: 900, failures: 3, lock_secs: 1800 };

    fn after(before: Lockout, secs: i64) -> FailureCounted {
        FailureCounted::after(before, POLICY, Timestamp::from_secs(secs), false)
    }

    #[test]
    fn the_third_failure_within_the_interval_locks() {
        let first = after(Lockout::default(), 0);
        let second = after(first.lockout, 400);
        let third = after(second.lockout, 899);
        assert_eq!((first.locked_now, second.locked_now, third.locked_now), (false, false, true));
        assert_eq!(third.lockout.locked_until, Some(Timestamp::from_secs(899 + 1800)));
    }

    #[test]
    fn failures_further_apart_than_the_interval_do_not_add_up() {
        let second = after(after(Lockout::default(), 0).lockout, 400);
        assert_eq!(after(second.lockout, 900).lockout.failures, 1);
    }

    #[test]
    fn a_lock_counts_nothing_and_its_end_begins_anew() {
        let locked = Lockout {
            failures: 3,
            since: Some(Timestamp::from_secs(0)),
            locked_until: Some(Timestamp::from_secs(100)),
        };
        let counted = FailureCounted { lockout: locked, locked_now: false, familiar: false };
        assert_eq!(after(locked, 99), counted);
        let anew = after(locked, 100).lockout;
        assert_eq!((anew.failures, anew.locked_until), (1, None));
    }

    #[test]
    fn a_limit_of_zero_switches_locking_off() {
        let off = LockoutPolicy { failures: 0, ..POLICY };
        let many = Lockout { failures: 99, ..Lockout::default() };
        assert!(!FailureCounted::after(many, off, Timestamp::from_secs(1), false).locked_now);
    }
}
