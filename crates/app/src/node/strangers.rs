//! What strangers may leave in the database from one network. Anybody may name a public client, describe one in a document
//! of their own, or open a request that a browser brings, so these rates are those of a network and not of a client.
//!
//! The database bounds the rows of all strangers together; a new one replaces the oldest. The rates make sure that one
//! network alone does not replace what others have left before they need it.

use domain::account::network::Network;
use domain::time::Timestamp;

use crate::node::rates::Buckets;

/// What a stranger leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// A pushed authorization request.
    PushedRequest,
    /// A request that stays while somebody signs in, because a browser has presented it.
    OpenedRequest,
    /// A device that waits for its user.
    Device,
    /// An application that a document describes.
    DocumentClient,
    /// The question of somebody who has forgotten the password.
    ForgottenPassword,
}

impl Left {
    const ALL: [Self; 5] = [
        Self::PushedRequest,
        Self::OpenedRequest,
        Self::Device,
        Self::DocumentClient,
        Self::ForgottenPassword,
    ];

    /// How many in a minute. A server with many users may push from one address, and an office may sign in from one.
    const fn per_minute(self) -> u32 {
        match self {
            Self::PushedRequest => 600,
            Self::OpenedRequest => 120,
            Self::Device => 60,
            Self::DocumentClient => 20,
            Self::ForgottenPassword => 10,
        }
    }
}

/// Counts what strangers leave.
#[derive(Debug)]
pub(crate) struct Strangers {
    enabled: bool,
    pushed: Buckets<Network>,
    opened: Buckets<Network>,
    devices: Buckets<Network>,
    documents: Buckets<Network>,
    forgotten: Buckets<Network>,
}

impl Strangers {
    /// Without history; `enabled` says whether any limit applies.
    pub(crate) fn new(enabled: bool) -> Self {
        let buckets = |left: Left| Buckets::new(left.per_minute());
        Self {
            enabled,
            pushed: buckets(Left::PushedRequest),
            opened: buckets(Left::OpenedRequest),
            devices: buckets(Left::Device),
            documents: buckets(Left::DocumentClient),
            forgotten: buckets(Left::ForgottenPassword),
        }
    }

    /// Counts one thing that somebody leaves.
    ///
    /// # Errors
    /// The number of seconds after which the network may leave another one.
    pub(crate) fn leave(&self, left: Left, network: Option<Network>, now: Timestamp) -> Result<(), u32> {
        let Some(network) = network.filter(|_| self.enabled) else { return Ok(()) };
        self.buckets(left).take(network, now)
    }

    /// Drops entries that no longer limit anybody.
    pub(crate) fn purge(&self, now: Timestamp) {
        for left in Left::ALL {
            self.buckets(left).purge(now);
        }
    }

    const fn buckets(&self, left: Left) -> &Buckets<Network> {
        match left {
            Left::PushedRequest => &self.pushed,
            Left::OpenedRequest => &self.opened,
            Left::Device => &self.devices,
            Left::DocumentClient => &self.documents,
            Left::ForgottenPassword => &self.forgotten,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn each_network_has_its_own_rate_for_each_thing() {
        let strangers = Strangers::new(true);
        let leave = |left, from| strangers.leave(left, Some(network(from)), NOW);
        let devices = (0..1_000).filter(|_| leave(Left::Device, "192.0.2.1").is_ok()).count();
        assert_eq!(devices, 60);
        assert!(leave(Left::PushedRequest, "192.0.2.1").is_ok(), "another thing");
        assert!(leave(Left::Device, "192.0.2.2").is_ok(), "another network");
        assert!(strangers.leave(Left::Device, Some(network("192.0.2.1")), NOW.plus_secs(60)).is_ok());
    }

    #[test]
    fn without_limits_everybody_leaves_anything() {
        let strangers = Strangers::new(false);
        assert!((0..1_000).all(|_| strangers.leave(Left::Device, Some(network("192.0.2.1")), NOW).is_ok()));
    }
}
