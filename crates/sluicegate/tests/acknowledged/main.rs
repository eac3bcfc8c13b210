//! `kill -9` again and again under load, and a failing disk: what was acknowledged is still there afterwards,
//! what was revoked stays revoked, and what may happen only once does not happen twice.
//!
//! Four workers act on a real server and record what it acknowledged. At a random time the server is killed
//! and started again on the same folder, or its disk fails for a while; then each worker compares the server
//! with its record. An operation without an answer may or may not have happened. A failure prints its seed;
//! `ACKNOWLEDGED_SEED` repeats the choices of a run.

mod disk;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use testkit::acknowledged::Worker;
use testkit::{Installation, Random, Served};

use disk::{Disk, DiskFault};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

const ROUNDS: u32 = 50;
const WORKERS: usize = 4;

/// How often the disk fails in each way.
const DISK_ROUNDS: u32 = 8;

/// The maximum duration of a failure, in milliseconds.
const LONGEST_FAILURE: u64 = 400;

/// The delay after which workers retry a request that got no answer.
const BREATH: Duration = Duration::from_millis(5);

/// The number of operations that prove that a server works again, and the maximum time to wait for them, in
/// milliseconds.
const RECOVERED: u64 = 20;
const PATIENCE: u64 = 60_000;

/// The maximum duration of the load in one round, in milliseconds; a slow disk must not make the test slow.
const LONGEST_LOAD: u64 = 600;

#[expect(clippy::disallowed_methods, reason = "whoever looks into a failure names its seed")]
fn seed() -> u64 {
    let given = std::env::var("ACKNOWLEDGED_SEED").ok();
    given.map_or_else(Random::fresh_seed, |text| text.parse().expect("ACKNOWLEDGED_SEED is a whole number"))
}

#[test]
#[expect(clippy::print_stderr, reason = "a failure must be reported with its seed")]
fn whatever_was_acknowledged_survives_kill_9() {
    let seed = seed();
    eprintln!("ACKNOWLEDGED_SEED={seed}");
    let mut random = Random::new(seed);
    let installation = Installation::new(BINARY);
    let mut server = installation.serve();
    let mut workers = create_workers(&server, &mut random);
    for round in 1..=ROUNDS {
        let load = Load::default();
        let wanted = random.below(120);
        let pause = Duration::from_micros(random.below(3_000));
        let printed = std::thread::scope(|scope| {
            let load = &load;
            for worker in &mut workers {
                worker.move_to(server.url(), round);
                scope.spawn(move || load.act_until_killed(worker));
            }
            load.wait_for(wanted);
            std::thread::sleep(pause);
            load.over.store(true, Ordering::SeqCst);
            server.kill()
        });
        assert!(!printed.contains("panic"), "{printed}");
        server = installation.serve();
        verify(&mut workers, &server, |worker| worker.verify_recent(round));
    }
    verify(&mut workers, &server, Worker::verify_sample);
    let entries: usize = workers.iter().map(Worker::entries).sum();
    let rotations: usize = workers.iter().map(|worker| worker.repeated().0).sum();
    let exchanges: usize = workers.iter().map(|worker| worker.repeated().1).sum();
    eprintln!("{entries} entries; asked again for {rotations} rotations and {exchanges} exchanges");
    assert!(entries > 500 && rotations > 0 && exchanges > 0, "the kills came at moments that prove little");
    assert!(server.terminate().0.success());
}

#[test]
#[expect(clippy::print_stderr, reason = "a failure must be reported with its seed")]
fn whatever_was_acknowledged_survives_a_failing_disk() {
    let seed = seed();
    eprintln!("ACKNOWLEDGED_SEED={seed}");
    let mut random = Random::new(seed);
    let installation = Installation::new(BINARY);
    let disk = Disk::new();
    let serve = || {
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        disk.hold(command.env("SLUICEGATE_RATE_LIMIT__ENABLED", "false"));
        Served::start(command)
    };
    let mut server = serve();
    let mut workers: Vec<Worker> =
        create_workers(&server, &mut random).into_iter().map(Worker::treating_failures_as_lost).collect();
    let mut lost: BTreeMap<DiskFault, u64> = BTreeMap::new();
    for (round, fault) in (1..).zip((0..DISK_ROUNDS).flat_map(|_| DiskFault::ALL)) {
        let load = Load::default();
        let wanted = random.below(80);
        let failing = Duration::from_millis(1 + random.below(LONGEST_FAILURE));
        let is_killed = random.below(3) == 0;
        server = std::thread::scope(|scope| {
            let load = &load;
            for worker in &mut workers {
                worker.move_to(server.url(), round);
                scope.spawn(move || load.act_until_over(worker));
            }
            load.wait_for(wanted);
            disk.fail(fault);
            std::thread::sleep(failing);
            let survivor = if is_killed {
                load.over.store(true, Ordering::SeqCst);
                let printed = server.kill();
                assert!(!printed.contains("panic"), "{printed}");
                disk.heal();
                serve()
            } else {
                disk.heal();
                load.wait_until_it_works();
                server
            };
            load.over.store(true, Ordering::SeqCst);
            survivor
        });
        *lost.entry(fault).or_default() += load.lost.load(Ordering::SeqCst);
        verify(&mut workers, &server, |worker| worker.verify_recent(round));
    }
    verify(&mut workers, &server, Worker::verify_sample);
    let entries: usize = workers.iter().map(Worker::entries).sum();
    eprintln!("{entries} entries; acts refused or left without an answer: {lost:?}");
    assert!(
        entries > 200 && lost.values().all(|lost| *lost > 20),
        "the disk failed at moments that prove little"
    );
    let (status, printed) = server.terminate();
    assert!(status.success() && !printed.contains("panic"), "{printed}");
}

fn create_workers(server: &Served, random: &mut Random) -> Vec<Worker> {
    let mut create = |number| {
        Worker::create(server.url(), number, Random::new(random.bits())).expect("the server is well")
    };
    (0..WORKERS).map(&mut create).collect()
}

/// Every worker verifies its own acknowledged operations, all at once.
fn verify(workers: &mut [Worker], server: &Served, check: impl Fn(&mut Worker) + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for worker in workers {
            worker.move_to(server.url(), worker.round());
            scope.spawn(move || check(worker));
        }
    });
}

/// The state that the workers and the disturber share.
#[derive(Default)]
struct Load {
    acts: AtomicU64,
    lost: AtomicU64,
    over: AtomicBool,
}

impl Load {
    /// Lets a worker act until the server is gone.
    fn act_until_killed(&self, worker: &mut Worker) {
        loop {
            match worker.act().1 {
                Ok(()) => self.acts.fetch_add(1, Ordering::SeqCst),
                Err(error) => {
                    assert!(self.over.load(Ordering::SeqCst), "no answer of a living server: {error}");
                    return;
                }
            };
        }
    }

    /// Lets a worker act until it is told to stop, even if operations are refused.
    fn act_until_over(&self, worker: &mut Worker) {
        while !self.over.load(Ordering::SeqCst) {
            if worker.act().1.is_ok() {
                self.acts.fetch_add(1, Ordering::SeqCst);
            } else {
                self.lost.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(BREATH);
            }
        }
    }

    /// Waits, for a bounded time, until this many operations were acknowledged.
    fn wait_for(&self, acts: u64) {
        self.reaches(acts, LONGEST_LOAD);
    }

    /// Waits until operations are acknowledged again.
    fn wait_until_it_works(&self) {
        let wanted = self.acts.load(Ordering::SeqCst) + RECOVERED;
        assert!(self.reaches(wanted, PATIENCE), "the server does not recover when its disk is well again");
    }

    /// Whether this many operations are acknowledged within a time in milliseconds.
    fn reaches(&self, acts: u64, millis: u64) -> bool {
        (0..millis).any(|_| {
            let is_there = self.acts.load(Ordering::SeqCst) >= acts;
            if !is_there {
                std::thread::sleep(Duration::from_millis(1));
            }
            is_there
        })
    }
}
