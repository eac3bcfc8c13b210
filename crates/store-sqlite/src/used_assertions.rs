//! Used assertions.

use domain::secret::Digest;
use domain::time::Timestamp;
use store::relational::{run_ready, used_assertions};
use store::{Answer, UsedAssertions};

use crate::SqliteStore;
use crate::tables::Tables;

impl UsedAssertions for SqliteStore {
    fn use_assertion(&self, digest: Digest, expires_at: Timestamp) -> Answer<'_, bool> {
        self.write(move |db| run_ready(used_assertions::insert(&Tables(db), &digest, expires_at)))
    }
}
