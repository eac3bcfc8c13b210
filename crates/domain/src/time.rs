//! Points in time, in the only unit used: microseconds.

/// How much earlier the time of an operation may be than that of another one that came before.
const MOST_OVERTAKEN_SECS: i64 = 5;

/// Microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest representable time: "never" for an expiry.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates the time from microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Creates the time from seconds since the Unix epoch; saturates.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down: the unit of `exp` and `iat`.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The time `secs` later; saturates.
    #[must_use]
    pub const fn plus_secs(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs.saturating_mul(1_000_000)))
    }

    /// The time `secs` earlier; saturates.
    #[must_use]
    pub const fn minus_secs(self, secs: i64) -> Self {
        Self(self.0.saturating_sub(secs.saturating_mul(1_000_000)))
    }

    /// Whether something that expires at `self` has expired at `now`. The last valid moment is the one
    /// before.
    pub const fn is_past(self, now: Self) -> bool {
        self.0 <= now.0
    }

    /// Whether the clock was set back between `self` and `now`. Operations that overtake each other differ by less.
    pub const fn is_before_set_back(self, now: Self) -> bool {
        self.0 > now.latest_noted().0
    }

    /// The latest time that another request may have noted before now, which is `self`. A later one is from before the clock
    /// was set back.
    #[must_use]
    pub const fn latest_noted(self) -> Self {
        self.plus_secs(MOST_OVERTAKEN_SECS)
    }

    /// Whether `secs` have passed since `self` at `now`. If the clock was set back meanwhile, nobody knows, and they count
    /// as passed, so that nothing waits for the clock to get there again.
    pub const fn is_older_than(self, secs: i64, now: Self) -> bool {
        self.is_before_set_back(now) || self.plus_secs(secs).is_past(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_valid_moment_is_the_one_before_the_expiry() {
        let end = Timestamp::from_secs(10);
        assert!(end.is_past(end));
        assert!(!end.is_past(Timestamp::from_micros(9_999_999)));
        assert!(!Timestamp::MAX.is_past(end));
    }

    #[test]
    fn a_time_before_the_clock_was_set_back_is_long_ago() {
        let since = Timestamp::from_secs(10);
        for (now, is_older) in [(4, true), (5, false), (10, false), (14, false), (15, true)] {
            assert_eq!(since.is_older_than(5, Timestamp::from_secs(now)), is_older, "{now}");
        }
        assert!(Timestamp::MAX.is_older_than(5, since));
        assert!(Timestamp::from_micros(i64::MIN).is_older_than(5, since));
    }

    #[test]
    fn adding_and_subtracting_time_saturates() {
        assert_eq!(Timestamp::MAX.plus_secs(1), Timestamp::MAX);
        assert_eq!(Timestamp::from_secs(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_secs(5).minus_secs(3).as_secs(), 2);
        assert_eq!(Timestamp::from_micros(-1).as_secs(), -1, "rounded down");
    }
}
