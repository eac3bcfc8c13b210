//! How far a statement may go, and how far it went.

use crate::Deadline;

/// The bounds of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When the run is stopped with [`SourceError::TimedOut`](crate::SourceError::TimedOut).
    pub deadline: Deadline,
    /// How many rows are handed out per statement before it ends with [`Ended::RowLimit`].
    pub max_rows: usize,
}

/// What a finished statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// How many rows were handed out.
    pub rows: usize,
    /// Why no more were.
    pub ended: Ended,
}

/// Why a statement handed out no more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There are none.
    Complete,
    /// There is at least one more than [`Run::max_rows`] allows.
    RowLimit,
    /// The caller wanted none.
    ByCaller,
}
