//! The time limit of a statement.

use std::time::{Duration, Instant};

/// A point on the machine's monotonic clock at which a running statement is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// A hundred years, which stands for "never" where a duration would overflow the clock.
const FAR: Duration = Duration::from_hours(100 * 365 * 24);

impl Deadline {
    /// The deadline `patience` from now.
    pub fn after(patience: Duration) -> Self {
        let now = monotonic_now();
        Self(now.checked_add(patience.min(FAR)).unwrap_or(now))
    }

    /// Whether the deadline has passed.
    pub fn has_passed(self) -> bool {
        monotonic_now() >= self.0
    }

    /// How long ago it was; zero if it has not passed.
    pub fn passed_for(self) -> Duration {
        monotonic_now().saturating_duration_since(self.0)
    }

    /// The time until the deadline; zero if it has passed.
    pub(crate) fn remaining(self) -> Duration {
        self.0.saturating_duration_since(monotonic_now())
    }
}

/// The clock that measures work on real threads.
#[expect(
    clippy::disallowed_methods,
    reason = "a deadline bounds real processor time of a database; a clock that tests advance cannot stop it"
)]
pub(crate) fn monotonic_now() -> Instant {
    Instant::now()
}
