//! A fair queue: a caller with many requests gets one served only after every other caller has had one.

use std::collections::{HashMap, VecDeque};

use domain::account::network::Network;
use domain::id::UserId;

/// For whom a hash is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// An authenticated caller, or the server itself.
    Own,
    /// A caller that names a user and comes from a network that is familiar to that user.
    Familiar {
        /// The named user.
        user: UserId,
        /// The network of the request.
        network: Network,
    },
    /// Any other caller.
    Stranger {
        /// The network of the request.
        network: Option<Network>,
        /// Identifies the name in the request.
        account: u64,
    },
}

/// Requests that share a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    Own,
    Familiar(UserId, Network),
    Strangers(Option<Network>),
}

impl Share {
    fn group(self) -> Group {
        match self {
            Self::Own => Group::Own,
            Self::Familiar { user, network } => Group::Familiar(user, network),
            Self::Stranger { network, .. } => Group::Strangers(network),
        }
    }

    fn account(self) -> Option<u64> {
        match self {
            Self::Stranger { account, .. } => Some(account),
            Self::Own | Self::Familiar { .. } => None,
        }
    }
}

/// The queue. Its total size is bounded, and one network, or one name given by strangers, may fill at most
/// half of it.
pub(super) struct FairQueue<T> {
    most: usize,
    waiting: usize,
    order: VecDeque<Group>,
    groups: HashMap<Group, VecDeque<(Share, T)>>,
    accounts: HashMap<u64, usize>,
}

impl<T> FairQueue<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, waiting: 0, order: VecDeque::new(), groups: HashMap::new(), accounts: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// Whether one more request of that share may wait.
    pub(super) fn has_room(&self, share: Share) -> bool {
        let half = (self.most / 2).max(1);
        let group = self.groups.get(&share.group()).map_or(0, VecDeque::len);
        let account = share.account().and_then(|account| self.accounts.get(&account)).copied().unwrap_or(0);
        self.waiting < self.most && (share == Share::Own || (group < half && account < half))
    }

    pub(super) fn push(&mut self, share: Share, thing: T) {
        let group = share.group();
        let things = self.groups.entry(group).or_default();
        if things.is_empty() {
            self.order.push_back(group);
        }
        things.push_back((share, thing));
        if let Some(account) = share.account() {
            *self.accounts.entry(account).or_default() += 1;
        }
        self.waiting += 1;
    }

    /// Takes the next request: the oldest one of the group whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let group = self.order.pop_front()?;
        let things = self.groups.get_mut(&group)?;
        let (share, thing) = things.pop_front()?;
        if things.is_empty() {
            self.groups.remove(&group);
        } else {
            self.order.push_back(group);
        }
        if let Some(account) = share.account()
            && let Some(count) = self.accounts.get_mut(&account)
        {
            *count -= 1;
            if *count == 0 {
                self.accounts.remove(&account);
            }
        }
        self.waiting -= 1;
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(last: u8) -> Network {
        Network::of([192, 0, 2, last].into())
    }

    fn stranger(last: u8, account: u64) -> Share {
        Share::Stranger { network: Some(network(last)), account }
    }

    #[test]
    fn a_caller_with_many_hashes_waits_behind_one_with_a_single_hash() {
        let mut queue = FairQueue::new(100);
        for n in 0..40 {
            queue.push(stranger(1, n), "flood");
        }
        queue.push(stranger(2, 99), "other network");
        queue.push(Share::Familiar { user: UserId::new(1), network: network(1) }, "familiar");
        queue.push(Share::Own, "own");
        let first: Vec<_> = (0..5).filter_map(|_| queue.pop()).collect();
        assert_eq!(first, ["flood", "other network", "familiar", "own", "flood"]);
    }

    #[test]
    fn one_network_or_name_fills_at_most_half_of_the_queue() {
        let mut queue = FairQueue::new(10);
        for n in 0..5 {
            assert!(queue.has_room(stranger(1, n)));
            queue.push(stranger(1, n), ());
        }
        assert!(!queue.has_room(stranger(1, 9)) && queue.has_room(stranger(2, 9)));
        let mut queue = FairQueue::new(10);
        for n in 0..5 {
            queue.push(stranger(n, 7), ());
        }
        assert!(!queue.has_room(stranger(9, 7)) && queue.has_room(stranger(9, 8)));
        assert!(queue.has_room(Share::Familiar { user: UserId::new(7), network: network(9) }));
    }

    #[test]
    fn finished_requests_leave_no_entries() {
        let mut queue = FairQueue::new(10);
        for n in 0..10 {
            queue.push(stranger(n % 3, n.into()), n);
        }
        assert!(!queue.has_room(Share::Own), "all of the room is taken");
        let mut gone: Vec<u8> = std::iter::from_fn(|| queue.pop()).collect();
        gone.sort_unstable();
        assert_eq!(gone, (0..10).collect::<Vec<_>>());
        assert!(
            queue.len() == 0
                && queue.groups.is_empty()
                && queue.accounts.is_empty()
                && queue.order.is_empty()
        );
    }
}
