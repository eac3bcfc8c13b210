//! Used assertions.

use domain::secret::Digest;
use domain::time::Timestamp;
use store::relational::used_assertions;
use store::{Answer, UsedAssertions};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::in_one_statement;

impl UsedAssertions for PostgresStore {
    fn use_assertion(&self, digest: Digest, expires_at: Timestamp) -> Answer<'_, bool> {
        in_one_statement!(self, db => used_assertions::insert(&Tables(db), &digest, expires_at))
    }
}
