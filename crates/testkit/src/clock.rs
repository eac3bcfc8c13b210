//! A clock that only moves when a test advances it.

use std::sync::atomic::{AtomicI64, Ordering};

use app::node::clock::Clock;
use domain::time::Timestamp;

/// A clock that tests advance. It starts on 1 January 2026 at noon.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

const START_SECS: i64 = 1_767_268_800;

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(Timestamp::from_secs(START_SECS).as_micros()))
    }
}

impl ManualClock {
    /// Advances the clock by seconds.
    pub fn advance_secs(&self, secs: i64) {
        self.advance_micros(secs * 1_000_000);
    }

    /// Advances the clock by microseconds.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn steady_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
