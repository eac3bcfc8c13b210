//! What a read may cost.

use std::time::Duration;

use sources::{Deadline, Run};

/// How long a read may occupy a request thread. A longer read starts again on a worker, so that nobody waits
/// behind it.
pub(super) const INLINE_PATIENCE: Duration = Duration::from_millis(10);

/// The maximum length of a position in a next link, in bytes; sealed and encoded it must still fit into a
/// URL.
pub(super) const LONGEST_POSITION: usize = 16 * 1024;

/// How much of a page the caller's thread writes before it hands the page to a worker, in bytes: no more than
/// what the client will take soon.
pub(super) const INLINE_BYTES: usize = 1024 * 1024;

/// The maximum length of a written row, in bytes. Escapes and Base64 make it longer than the stored one.
pub(super) const LONGEST_ROW: usize = 64 * 1024 * 1024;

/// The bounds of a read on the caller's thread.
pub(super) fn inline_run() -> Run {
    Run { deadline: Deadline::after(INLINE_PATIENCE), max_rows: usize::MAX }
}
