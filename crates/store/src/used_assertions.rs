//! Assertions that were used, so that each is used once on all nodes together.

use domain::secret::Digest;
use domain::time::Timestamp;

use crate::Answer;

/// Used assertions.
pub trait UsedAssertions {
    /// Records the use of the assertion with this digest, and says whether it was the first. Only one of several
    /// concurrent callers succeeds. The record may be deleted from `expires_at` on.
    fn use_assertion(&self, digest: Digest, expires_at: Timestamp) -> Answer<'_, bool>;
}
