//! The faults. After each fault everything is running again.

use std::fmt;
use std::time::Duration;

use testkit::Random;

use super::clock::Clock;
use super::stage::{Cluster, Machines, NODES, Node};

/// Something that breaks and stays broken until it is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    KilledNode,
    KilledDatabase,
    CutLink,
    SlowLink,
    SilentLink,
    LeavingNode,
}

const BREAKS: [Break; 6] = [
    Break::KilledNode,
    Break::KilledDatabase,
    Break::CutLink,
    Break::SlowLink,
    Break::SilentLink,
    Break::LeavingNode,
];

/// A fault, or an operation on the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    One(Break),
    /// Several breaks, each at a different node; none is repaired before all have happened.
    Several([Break; NODES]),
    RollingRestart,
    Migration,
    MovedClock,
}

/// How often several faults are combined in each pass.
const SEVERAL: usize = 3;

/// How long a fault lasts: long enough for a node to miss its revocation feed for more than a second.
const SHORTEST_MILLIS: u64 = 1_000;
const LONGEST_MILLIS: u64 = 4_000;

/// The delay between combined faults.
const APART_MILLIS: u64 = 1_500;

/// How far a clock is moved: a code is valid for a minute, so clocks that differ by more make it useless.
const LEAST_MOVED_SECS: u64 = 5;
const MOST_MOVED_SECS: u64 = 10;

/// A migration is killed within this time: before it has reached the database, in the middle of an index, or
/// afterwards.
const KILLED_WITHIN_MILLIS: u64 = 1_500;

impl Fault {
    /// Each fault once, and several combined, in random order.
    pub(crate) fn all_in_some_order(random: &mut Random) -> Vec<Self> {
        let mut faults = vec![Self::RollingRestart, Self::Migration, Self::MovedClock];
        faults.extend(BREAKS.map(Self::One));
        for _ in 0..SEVERAL {
            let chosen = in_some_order(BREAKS.to_vec(), random);
            faults.push(Self::Several(std::array::from_fn(|place| chosen[place])));
        }
        in_some_order(faults, random)
    }

    /// Whether every request through the balancer must still succeed.
    pub(crate) fn loses_nothing(self) -> bool {
        match self {
            Self::One(Break::LeavingNode) | Self::RollingRestart | Self::Migration | Self::MovedClock => true,
            Self::One(_) | Self::Several(_) => false,
        }
    }

    /// The kinds under which it is counted: each of several combined faults is counted separately too.
    pub(crate) fn kinds(self) -> Vec<String> {
        match self {
            Self::Several(breaks) => {
                let each = breaks.iter().map(ToString::to_string);
                each.chain(["several of these at once".to_owned()]).collect()
            }
            _ => vec![self.to_string()],
        }
    }

    /// Causes the fault, and repairs it.
    pub(crate) fn strike(self, machines: &mut Machines, cluster: &Cluster, random: &mut Random) {
        let place = random.place(NODES);
        let time = Duration::from_millis(SHORTEST_MILLIS + random.below(LONGEST_MILLIS - SHORTEST_MILLIS));
        match self {
            Self::One(one) => one.happen(machines, place, random),
            Self::Several(breaks) => {
                let places = in_some_order((0..NODES).collect(), random);
                for (one, place) in breaks.into_iter().zip(places) {
                    one.happen(machines, place, random);
                    std::thread::sleep(Duration::from_millis(random.below(APART_MILLIS)));
                }
            }
            Self::RollingRestart => {
                for node in &mut machines.nodes {
                    node.terminate();
                    node.start_again(cluster);
                }
            }
            Self::Migration => migrate(machines, place, random),
            Self::MovedClock => move_clock(&mut machines.nodes[place], time, cluster, random),
        }
        if matches!(self, Self::One(_) | Self::Several(_)) {
            std::thread::sleep(time);
        }
        machines.mend(cluster);
    }
}

impl Break {
    fn happen(self, machines: &mut Machines, place: usize, random: &mut Random) {
        let delay = Duration::from_millis(20 + random.below(300));
        let node = &mut machines.nodes[place];
        match self {
            Self::KilledNode => node.kill(),
            Self::KilledDatabase => machines.postgres.kill(),
            Self::CutLink => node.link.cut(),
            Self::SlowLink => node.link.delay(delay, delay / 2),
            Self::SilentLink => node.link.half_open(),
            Self::LeavingNode => node.terminate(),
        }
    }
}

/// Undoes migrations, kills the process that runs them again, and lets another one complete them.
fn migrate(machines: &Machines, place: usize, random: &mut Random) {
    machines.take_back_migrations();
    let node = &machines.nodes[place];
    node.run_and_kill(&["migrate"], Duration::from_millis(random.below(KILLED_WITHIN_MILLIS)));
    node.run(&["migrate"]);
    machines.verify_migrations();
}

/// Makes the clock of a node jump while it is running. The node is stopped in order before and afterwards.
fn move_clock(node: &mut Node, time: Duration, cluster: &Cluster, random: &mut Random) {
    node.terminate();
    let clock = Clock::new();
    node.start_again_with(&clock, cluster);
    let secs = LEAST_MOVED_SECS + random.below(MOST_MOVED_SECS - LEAST_MOVED_SECS);
    let moved = if random.below(2) == 0 { secs.cast_signed() } else { -secs.cast_signed() };
    clock.move_by(moved);
    std::thread::sleep(time);
    node.terminate();
    node.verify_clock(moved);
    node.start_again(cluster);
}

fn in_some_order<T>(mut left: Vec<T>, random: &mut Random) -> Vec<T> {
    let mut order = Vec::new();
    while !left.is_empty() {
        order.push(left.swap_remove(random.place(left.len())));
    }
    order
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KilledNode => "a node is killed",
            Self::KilledDatabase => "the database is killed",
            Self::CutLink => "a node's link to the database is cut",
            Self::SlowLink => "a node's link to the database is slow",
            Self::SilentLink => "a node's link to the database goes silent",
            Self::LeavingNode => "a node leaves and comes back",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => one.fmt(f),
            Self::Several(breaks) => {
                let breaks: Vec<String> = breaks.iter().map(ToString::to_string).collect();
                f.write_str(&breaks.join(", and "))
            }
            Self::RollingRestart => f.write_str("all nodes are restarted, one after the other"),
            Self::Migration => f.write_str("a migration is killed, and another goes on"),
            Self::MovedClock => f.write_str("a node's clock jumps"),
        }
    }
}
