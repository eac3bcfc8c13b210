//! Facts before a password is checked, and the effects of the check: failures, locks, and the networks from
//! which a user signed in recently.
//!
//! There are two kinds of failure counter: one for each network from which the user signed in recently, and
//! one for all other networks together. Somebody who guesses passwords from an unfamiliar network can lock
//! the user out on unfamiliar networks only, never where the user works.

use domain::account::network::Network;
use domain::account::{Lockout, LockoutPolicy, User};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, UserId};
use domain::time::Timestamp;

use crate::Answer;

/// The maximum number of familiar networks that are stored for a user. The one whose last success is oldest
/// is dropped first.
pub const MOST_FAMILIAR_NETWORKS: u32 = 8;

/// A user and what is known about the network of the sign-in.
#[derive(Debug, Clone)]
pub struct SignInFacts {
    /// The user, whose own lockout counts the failures from unfamiliar networks.
    pub user: User,
    /// The network, if the user signed in from it recently.
    pub familiar: Option<FamiliarNetwork>,
}

impl SignInFacts {
    /// The failure counter and the lock that apply to this network.
    pub fn lockout(&self) -> Lockout {
        self.familiar.map_or(self.user.lockout, |network| network.lockout)
    }
}

/// A network from which a user signed in recently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamiliarNetwork {
    /// When a success from it was last recorded.
    pub succeeded_at: Timestamp,
    /// The failures from this network.
    pub lockout: Lockout,
}

/// The network of a sign-in, and the time after which a success makes it familiar.
#[derive(Debug, Clone, Copy)]
pub struct ComesFrom {
    /// `None` if the address is unknown; such a sign-in never counts as familiar.
    pub network: Option<Network>,
    /// Successes before this time no longer count.
    pub familiar_since: Timestamp,
}

/// A sign-in that was refused.
#[derive(Debug, Clone)]
pub struct RefusedSignIn {
    /// `None` if nobody has that name.
    pub user: Option<UserId>,
    /// The network of the sign-in.
    pub from: ComesFrom,
    /// `None` if the refusal does not count as a failure, because the password was right or the account is
    /// locked.
    pub policy: Option<LockoutPolicy>,
    /// The audit event of the refusal.
    pub audit: NewAuditEvent,
}

/// A sign-in that succeeded.
#[derive(Debug, Clone, Copy)]
pub struct SucceededSignIn {
    /// The user who signed in.
    pub user: UserId,
    /// The user's epoch when the password was verified; nothing is recorded if it has advanced.
    pub user_epoch: Epoch,
    /// The network of the sign-in.
    pub from: ComesFrom,
    /// The time of the sign-in.
    pub at: Timestamp,
}

/// The state of the failure counter after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCounted {
    /// The current counter and lock: those of the network if it is familiar, otherwise those of the user.
    pub lockout: Lockout,
    /// Whether this failure caused the lock; if so, a `LockAccount` event was written.
    pub locked_now: bool,
    /// Whether the network is familiar.
    pub familiar: bool,
}

impl FailureCounted {
    /// Computes the counter after a failure at `at`. All backends use this rule.
    pub fn after(before: Lockout, policy: LockoutPolicy, at: Timestamp, familiar: bool) -> Self {
        let lockout = before.after_failure(policy, at);
        Self { lockout, locked_now: lockout.is_locked(at) && !before.is_locked(at), familiar }
    }

    /// No failure was counted.
    pub const NOTHING: Self = Self {
        lockout: Lockout { failures: 0, since: None, locked_until: None },
        locked_now: false,
        familiar: false,
    };
}

/// Sign-in.
///
/// Names that exist and names that do not exist take the same statements and the same number of round trips.
/// Counting a failure waits only for other failures of the same user.
pub trait SignIns {
    /// Finds the user with that name, ignoring case, and what is known about the network.
    fn find_sign_in<'a>(&'a self, name: &'a str, from: ComesFrom) -> Answer<'a, Option<SignInFacts>>;
    /// Records a refused sign-in, counts it if it counts as a failure, and locks if the policy says so.
    fn refuse_sign_in(&self, refused: RefusedSignIn) -> Answer<'_, FailureCounted>;
    /// Records the network, and clears the failures that apply to it: those of the network if it is familiar,
    /// otherwise those of the user. A success does not clear a lock.
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
