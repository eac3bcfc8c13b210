//! The cached results of checks on the data.

use std::collections::HashMap;
use std::time::Duration;

/// The results of checks, by their text, and the state of the data to which they apply.
pub(super) type Checked = HashMap<String, (i64, Outcome)>;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Holds,
    Fails,
    /// It did not finish within this time.
    TimedOut(Duration),
}
