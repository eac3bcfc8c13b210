//! When the database of an opened source is asked whether its structure has changed.
//!
//! Usually one request a second asks, and waits for the answer. Where the question takes long, as with ten thousand tables on some
//! servers, it is asked more rarely, and no request waits.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use domain::time::Timestamp;
use sources::{Deadline, SchemaVersion, Source, SourceError};

/// How long a model counts as current before the database is asked again, in microseconds.
const CHECK_AFTER: i64 = 1_000_000;

/// The pause after a check, as a multiple of its duration.
const PAUSE: i64 = 10;

/// A check that takes as long as this, in microseconds, is made beside the requests.
const LONG: i64 = 100_000;

/// How long a request waits for a check.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a check beside the requests may take.
const PATIENCE_BESIDE: Duration = Duration::from_mins(1);

/// The checks of one model.
#[derive(Debug)]
pub(super) struct Checks {
    /// The state of the structure from which the model was compiled.
    version: SchemaVersion,
    /// When the last one began, in microseconds.
    begun_at: AtomicI64,
    /// How long it took, in microseconds.
    took: AtomicI64,
    /// Whether one is made beside the requests.
    is_beside: AtomicBool,
    /// Whether one that was made beside the requests has found another structure.
    has_found_other: AtomicBool,
}

/// What a request does about a check.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The structure is another one.
    Changed,
    /// Nothing: it was checked a moment ago, or is being checked.
    Nothing,
    /// It checks, and waits for the answer.
    Now,
    /// It starts a check, and goes on.
    Beside,
}

impl Checks {
    /// The checks of a model whose structure was read at this time, when it took so long to ask for its version.
    pub(super) fn new(version: SchemaVersion, at: Timestamp, took: Duration) -> Self {
        Self {
            version,
            begun_at: AtomicI64::new(at.as_micros()),
            took: AtomicI64::new(micros(took)),
            is_beside: AtomicBool::new(false),
            has_found_other: AtomicBool::new(false),
        }
    }

    /// Lets the next request check.
    pub(super) fn expect_change(&self) {
        self.begun_at.store(i64::MIN, Ordering::Release);
    }

    /// What a request has to do. Of several at the same time, one has to do it.
    pub(super) fn due(&self, now: Timestamp) -> Due {
        if self.has_found_other.swap(false, Ordering::AcqRel) {
            return Due::Changed;
        }
        let (now, begun_at) = (now.as_micros(), self.begun_at.load(Ordering::Acquire));
        let took = self.took.load(Ordering::Relaxed);
        let pause = CHECK_AFTER.max(took.saturating_mul(PAUSE));
        let is_due = !(0..pause).contains(&now.saturating_sub(begun_at));
        let begin = || self.begun_at.compare_exchange(begun_at, now, Ordering::AcqRel, Ordering::Acquire);
        if !is_due || begin().is_err() {
            Due::Nothing
        } else if took < LONG {
            Due::Now
        } else if self.is_beside.swap(true, Ordering::AcqRel) {
            Due::Nothing
        } else {
            Due::Beside
        }
    }

    /// Whether the database still has the structure, as far as it says.
    pub(super) async fn ask(&self, source: &Source) -> bool {
        self.ask_within(source, PATIENCE).await
    }

    /// The same for nobody who waits. The next request learns of another structure.
    pub(super) async fn ask_beside(&self, source: &Source) {
        let is_same = self.ask_within(source, PATIENCE_BESIDE).await;
        self.has_found_other.store(!is_same, Ordering::Release);
        self.is_beside.store(false, Ordering::Release);
    }

    async fn ask_within(&self, source: &Source, patience: Duration) -> bool {
        let begun = Deadline::after(Duration::ZERO);
        let version = source.version(Deadline::after(patience)).await;
        self.took.store(micros(begun.passed_for()), Ordering::Relaxed);
        match version {
            Ok(version) => version == self.version,
            // Reading it again would not be faster.
            Err(error) => error.is_transient() || error == SourceError::TimedOut,
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(took: Duration) -> Checks {
        Checks::new(SchemaVersion::new([1, 2, 3]), Timestamp::from_secs(100), took)
    }

    #[test]
    fn one_request_a_second_checks() {
        let checks = checks(Duration::from_millis(2));
        assert_eq!(checks.due(Timestamp::from_secs(100)), Due::Nothing);
        assert_eq!(checks.due(Timestamp::from_secs(101)), Due::Now);
        assert_eq!(checks.due(Timestamp::from_secs(101)), Due::Nothing);
        assert_eq!(checks.due(Timestamp::from_secs(90)), Due::Now, "the clock was set back");
        checks.expect_change();
        assert_eq!(checks.due(Timestamp::from_secs(90)), Due::Now);
    }

    #[test]
    fn no_request_waits_for_a_long_check_and_it_is_made_rarely() {
        let checks = checks(Duration::from_millis(700));
        assert_eq!(checks.due(Timestamp::from_secs(106)), Due::Nothing);
        assert_eq!(checks.due(Timestamp::from_secs(107)), Due::Beside);
        assert_eq!(checks.due(Timestamp::from_secs(200)), Due::Nothing, "it is still being made");
        checks.is_beside.store(false, Ordering::Release);
        checks.has_found_other.store(true, Ordering::Release);
        assert_eq!(checks.due(Timestamp::from_secs(200)), Due::Changed);
        assert_eq!(
            checks.due(Timestamp::from_secs(200)),
            Due::Nothing,
            "one request reads the structure again"
        );
    }
}
