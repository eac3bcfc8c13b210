//! Three nodes on one PostgreSQL database, under load from real clients, while everything that can fail does.
//!
//! Nodes and the database are killed and started again; the connection between them is cut, slowed down or
//! silenced; nodes leave and return; clocks jump; and the database is migrated meanwhile. Faults happen alone
//! and in combination. Clients record what was acknowledged and check it at any node afterwards; others
//! compete for the same codes and refresh token families, and their answers are checked for linearizability.
//!
//! Every fault happens once, in an order that a printed seed determines. `CLUSTER_SEED` repeats the choices
//! of a run, and `CLUSTER_SECS` continues with new orders for that long. `cargo xtask soak` sets both.

mod client;
mod clock;
mod contention;
mod counts;
mod faults;
mod stage;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::Random;
use testkit::acknowledged::Worker;

use contention::Contention;
use counts::Counts;
use faults::Fault;
use stage::Cluster;
use watch::Watch;

const WORKERS: usize = 4;
const CONTENTIONS: usize = 2;

/// How long the load runs before and after a fault.
const CALM: Duration = Duration::from_millis(700);

/// The delay after which clients retry a request that got no answer.
const BREATH: Duration = Duration::from_millis(20);

#[expect(
    clippy::disallowed_methods,
    reason = "whoever looks into a failure names its seed, and a soak its length"
)]
fn given(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a whole number")))
}

#[expect(clippy::disallowed_methods, reason = "a soak lasts by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "a failure must be reported with its seed, and a soak reports its figures"
)]
fn a_cluster_keeps_what_it_acknowledged_whatever_fails() {
    let seed = given("CLUSTER_SEED").unwrap_or_else(Random::fresh_seed);
    let length = Duration::from_secs(given("CLUSTER_SECS").unwrap_or(0));
    eprintln!("CLUSTER_SEED={seed}");
    let mut random = Random::new(seed);
    let start = now();
    let (mut machines, cluster) = stage::set_up(&mut random);
    let counts = Counts::default();
    let create = |number| Worker::create(&cluster.url(), number, Random::new(seed ^ number as u64)).unwrap();
    let mut workers: Vec<Worker> = (0..WORKERS).map(create).map(Worker::treating_failures_as_lost).collect();
    let mut contentions: Vec<Contention<'_>> = (0..CONTENTIONS)
        .map(|number| Contention::prepare(&cluster, &counts, number, random.bits()))
        .collect();
    let mut watch = Watch::prepare(&cluster, &counts, random.bits());
    let mut round = 0;
    loop {
        for fault in Fault::all_in_some_order(&mut random) {
            round += 1;
            eprintln!("{:>6.1?} {fault}", start.elapsed());
            watch.restock();
            let clients = Clients { workers: &mut workers, contentions: &mut contentions, watch: &mut watch };
            load(clients, &cluster, &counts, round, || {
                fault.strike(&mut machines, &cluster, &mut random);
            });
            counts.count_fault(fault);
            machines.come_to_rest(&cluster);
            let losses = counts.take_losses();
            assert!(
                losses.is_empty() || !fault.loses_nothing(),
                "requests were lost when {fault}: {losses:?}"
            );
            verify(&mut workers, &cluster, &mut random, |worker| worker.verify_recent(round));
        }
        if start.elapsed() >= length {
            break;
        }
    }
    verify(&mut workers, &cluster, &mut random, Worker::verify_sample);
    machines.end_in_order();
    let entries: usize = workers.iter().map(Worker::entries).sum();
    eprintln!("{counts}\n{entries} operations recorded; {:?}", cluster.balancer().figures());
    assert!(counts.proves_something(), "too little was acknowledged to prove anything");
}

/// All clients.
struct Clients<'a, 'cluster> {
    workers: &'a mut [Worker],
    contentions: &'a mut [Contention<'cluster>],
    watch: &'a mut Watch<'cluster>,
}

/// Lets all clients act while `disturb` runs, and briefly before and after.
fn load(clients: Clients<'_, '_>, cluster: &Cluster, counts: &Counts, round: u32, disturb: impl FnOnce()) {
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let stop = &stop;
        for worker in clients.workers {
            worker.move_to(&cluster.url(), round);
            scope.spawn(move || {
                while !stop.is_said() {
                    let (act, outcome) = worker.act();
                    counts.count_act(act, &outcome);
                    if outcome.is_err() {
                        std::thread::sleep(BREATH);
                    }
                }
            });
        }
        for contention in clients.contentions {
            scope.spawn(move || {
                while !stop.is_said() {
                    contention.compete();
                }
            });
        }
        let watch = clients.watch;
        scope.spawn(move || {
            while !stop.is_said() {
                watch.watch();
            }
        });
        // Also if the fault itself panics; otherwise the load would never end.
        let _stops = StopsAtLast(stop);
        std::thread::sleep(CALM);
        disturb();
        std::thread::sleep(CALM);
    });
}

#[derive(Default)]
struct Stop(AtomicBool);

impl Stop {
    fn is_said(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

struct StopsAtLast<'a>(&'a Stop);

impl Drop for StopsAtLast<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::SeqCst);
    }
}

/// Every worker verifies its own acknowledged operations, all at once, each at a random node.
fn verify(
    workers: &mut [Worker],
    cluster: &Cluster,
    random: &mut Random,
    check: impl Fn(&mut Worker) + Sync,
) {
    let check = &check;
    std::thread::scope(|scope| {
        for worker in workers {
            worker.move_to(&cluster.any_node(random), worker.round());
            scope.spawn(move || check(worker));
        }
    });
}
