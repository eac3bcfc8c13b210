//! Defaults of other crates as the types of settings.

use std::time::Duration;

/// A count as the type of its setting.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A time in whole milliseconds, as the type of its setting.
pub(super) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
