//! What fails. Each fault ends with everything running again.

use std::fmt;
use std::time::Duration;

use testkit::Random;

use super::stage::{Front, Machines, NODES};

/// One thing that fails, or is done to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    KilledNode,
    KilledDatabase,
    CutLink,
    SlowLink,
    SilentLink,
    LeavingNode,
    RollingRestart,
    Migration,
}

const ALL: [Fault; 8] = [
    Fault::KilledNode,
    Fault::KilledDatabase,
    Fault::CutLink,
    Fault::SlowLink,
    Fault::SilentLink,
    Fault::LeavingNode,
    Fault::RollingRestart,
    Fault::Migration,
];

/// How long a fault lasts: long enough for a node to miss its feed of revocations for more than a second.
const SHORTEST_MILLIS: u64 = 1_000;
const LONGEST_MILLIS: u64 = 4_000;

impl Fault {
    /// Each fault once.
    pub(crate) fn all_in_some_order(random: &mut Random) -> Vec<Self> {
        let mut left = ALL.to_vec();
        let mut order = Vec::new();
        while !left.is_empty() {
            order.push(left.swap_remove(random.place(left.len())));
        }
        order
    }

    /// Whether every request through the balancer must be answered nevertheless.
    pub(crate) fn loses_nothing(self) -> bool {
        matches!(self, Self::LeavingNode | Self::RollingRestart | Self::Migration)
    }

    /// Lets it happen, and mends it.
    pub(crate) fn strike(self, machines: &mut Machines, front: &Front, random: &mut Random) {
        let place = random.place(NODES);
        let time = Duration::from_millis(SHORTEST_MILLIS + random.below(LONGEST_MILLIS - SHORTEST_MILLIS));
        let delay = Duration::from_millis(20 + random.below(300));
        let node = &mut machines.nodes[place];
        match self {
            Self::KilledNode => {
                node.kill();
                std::thread::sleep(time);
                node.start_again(front);
            }
            Self::KilledDatabase => {
                machines.postgres.kill();
                std::thread::sleep(time);
                machines.postgres.start_again();
            }
            Self::CutLink => {
                node.link.cut();
                std::thread::sleep(time);
            }
            Self::SlowLink => {
                node.link.delay(delay, delay / 2);
                std::thread::sleep(time);
            }
            Self::SilentLink => {
                node.link.half_open();
                std::thread::sleep(time);
            }
            Self::LeavingNode => {
                node.terminate();
                std::thread::sleep(time);
                node.start_again(front);
            }
            Self::RollingRestart => {
                for node in &mut machines.nodes {
                    node.terminate();
                    node.start_again(front);
                }
            }
            Self::Migration => node.run(&["migrate"]),
        }
        for node in &machines.nodes {
            node.link.pass();
        }
        front.wait_until_all_are_ready();
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KilledNode => "a node is killed",
            Self::KilledDatabase => "the database is killed",
            Self::CutLink => "a node's link to the database is cut",
            Self::SlowLink => "a node's link to the database is slow",
            Self::SilentLink => "a node's link to the database goes silent",
            Self::LeavingNode => "a node leaves and comes back",
            Self::RollingRestart => "all nodes are restarted, one after the other",
            Self::Migration => "the database is migrated",
        })
    }
}
