//! The origin of a sign-in, and familiar networks.

use domain::account::User;
use domain::account::network::Network;
use domain::time::Timestamp;
use store::{ComesFrom, SignInFacts, SucceededSignIn};

use crate::identity::caller::RequestOrigin;
use crate::node::lifetimes::{DAY_SECS, FAMILIAR_SECS};

/// The minimum age of the last recorded success before another one is recorded.
const RECORD_AGAIN_AFTER_SECS: i64 = DAY_SECS;

/// Whether a success from this network adds information.
pub(super) fn adds_information(facts: &SignInFacts, now: Timestamp) -> bool {
    facts.familiar.is_none_or(|known| known.succeeded_at.plus_secs(RECORD_AGAIN_AFTER_SECS).is_past(now))
}

impl RequestOrigin {
    /// The network of the address.
    pub(crate) fn network(&self) -> Option<Network> {
        self.address.map(Network::of)
    }

    /// The origin in the form that the store expects.
    pub(super) fn comes_from(&self, now: Timestamp) -> ComesFrom {
        ComesFrom { network: self.network(), familiar_since: now.minus_secs(FAMILIAR_SECS) }
    }

    /// A success from here, under the epoch in which the password was verified.
    pub(super) fn succeeded(&self, user: &User, now: Timestamp) -> SucceededSignIn {
        SucceededSignIn { user: user.id, user_epoch: user.epoch, from: self.comes_from(now), at: now }
    }
}
