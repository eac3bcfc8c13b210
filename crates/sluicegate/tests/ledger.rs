//! `kill -9` again and again under load: whatever was acknowledged is there afterwards, whatever was ended stays ended,
//! and nothing that may happen once happens twice.
//!
//! Four hands act on a real server and write down what it acknowledged. At a random moment the server is killed and
//! started again on the same folder, and each hand holds it to its ledger. An act without an answer may have happened or
//! not. A failure prints its seed; `LEDGER_SEED` makes the same choices again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use testkit::ledger::Hand;
use testkit::{Installation, Random, Served};

const ROUNDS: u32 = 50;
const HANDS: usize = 4;

/// The longest load of one round, in milliseconds; a slow disk must not make the test slow.
const LONGEST_LOAD: u64 = 600;

#[expect(clippy::disallowed_methods, reason = "whoever looks into a failure names its seed")]
fn seed() -> u64 {
    let given = std::env::var("LEDGER_SEED").ok();
    given.map_or_else(Random::fresh_seed, |text| text.parse().expect("LEDGER_SEED is a whole number"))
}

#[test]
#[expect(clippy::print_stderr, reason = "a failure must be told with its seed")]
fn whatever_was_acknowledged_survives_kill_9() {
    let seed = seed();
    eprintln!("LEDGER_SEED={seed}");
    let mut random = Random::new(seed);
    let installation = Installation::new(env!("CARGO_BIN_EXE_sluicegate"));
    let mut server = installation.serve();
    let mut hands: Vec<Hand> = (0..HANDS)
        .map(|number| Hand::hire(server.url(), number, Random::new(random.bits())).unwrap())
        .collect();
    for round in 1..=ROUNDS {
        let load = Load { acts: AtomicU64::new(0), killed: AtomicBool::new(false) };
        let wanted = random.below(120);
        let pause = Duration::from_micros(random.below(3_000));
        let printed = std::thread::scope(|scope| {
            let load = &load;
            for hand in &mut hands {
                hand.move_to(server.url(), round);
                scope.spawn(move || load.act_until_killed(hand));
            }
            load.wait_for(wanted);
            std::thread::sleep(pause);
            load.killed.store(true, Ordering::SeqCst);
            server.kill()
        });
        assert!(!printed.contains("panic"), "{printed}");
        server = installation.serve();
        verify(&mut hands, &server, |hand| hand.hold_to_account(round));
    }
    verify(&mut hands, &server, Hand::hold_to_account_at_last);
    let entries: usize = hands.iter().map(Hand::entries).sum();
    let rotations: usize = hands.iter().map(|hand| hand.asked_again().0).sum();
    let exchanges: usize = hands.iter().map(|hand| hand.asked_again().1).sum();
    eprintln!("{entries} entries; asked again for {rotations} rotations and {exchanges} exchanges");
    assert!(entries > 500 && rotations > 0 && exchanges > 0, "the kills came at moments that prove little");
    assert!(server.terminate().0.success());
}

/// Every hand verifies its own ledger, all at once.
fn verify(hands: &mut [Hand], server: &Served, check: impl Fn(&mut Hand) + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for hand in hands {
            hand.move_to(server.url(), hand.round());
            scope.spawn(move || check(hand));
        }
    });
}

/// What the hands and the one who kills share.
struct Load {
    acts: AtomicU64,
    killed: AtomicBool,
}

impl Load {
    /// Lets a hand act until the server is gone.
    fn act_until_killed(&self, hand: &mut Hand) {
        loop {
            match hand.act().1 {
                Ok(()) => self.acts.fetch_add(1, Ordering::SeqCst),
                Err(error) => {
                    assert!(self.killed.load(Ordering::SeqCst), "no answer of a living server: {error}");
                    return;
                }
            };
        }
    }

    /// Waits until so many acts were acknowledged.
    fn wait_for(&self, acts: u64) {
        for _ in 0..LONGEST_LOAD {
            if self.acts.load(Ordering::SeqCst) >= acts {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
