//! The bounds of a statement, and its result.

use crate::Deadline;

/// The bounds of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When the run is stopped with [`SourceError::TimedOut`](crate::SourceError::TimedOut).
    pub deadline: Deadline,
    /// The maximum number of rows for each statement before it ends with [`Ended::RowLimit`].
    pub max_rows: usize,
}

/// The result of a finished statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// The number of rows that were passed on.
    pub rows: usize,
    /// Why it ended.
    pub ended: Ended,
}

/// Why a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There are no more rows.
    Complete,
    /// There is at least one more row than [`Run::max_rows`] allows.
    RowLimit,
    /// The caller wanted no more.
    ByCaller,
}
