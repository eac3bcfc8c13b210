//! Work that is due now and then.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::Timestamp;

/// When something was last done that is to be done again after a time.
#[derive(Debug)]
pub(crate) struct Periodic {
    every_secs: i64,
    /// In microseconds.
    done_at: AtomicI64,
}

impl Periodic {
    /// Something that was not done yet.
    pub(crate) const fn new(every_secs: i64) -> Self {
        Self { every_secs, done_at: AtomicI64::new(i64::MIN) }
    }

    /// Whether it is to be done.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let last = Timestamp::from_micros(self.done_at.load(Ordering::Relaxed));
        last.is_older_than(self.every_secs, now)
    }

    /// It was done. What fails is not noted, so that the next round tries it again.
    pub(crate) fn note_done(&self, now: Timestamp) {
        self.done_at.store(now.as_micros(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_does_not_delay_what_is_due() {
        let (periodic, now) = (Periodic::new(3_600), Timestamp::from_secs(1_000_000));
        assert!(periodic.is_due(now));
        periodic.note_done(now);
        for (at, is_due) in [(now, false), (now.plus_secs(3_600), true), (now.minus_secs(60), true)] {
            assert_eq!(periodic.is_due(at), is_due, "{at:?}");
        }
    }
}
