//! Signing keys: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use store::relational::signing_keys;
use store::{Answer, SigningKeys, StoredSigningKey, SupersededSigningKeys};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl SigningKeys for PostgresStore {
    fn list_signing_keys(&self) -> Answer<'_, Vec<StoredSigningKey>> {
        read!(self, db => signing_keys::list(&Tables(db)))
    }

    fn insert_signing_key(&self, key: StoredSigningKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        serialized!(self, db => signing_keys::insert(&Tables(db), &key, &audit))
    }

    fn delete_signing_keys(
        &self,
        which: SupersededSigningKeys,
        audit: Option<NewAuditEvent>,
    ) -> Answer<'_, u64> {
        serialized!(self, db => signing_keys::delete(&Tables(db), which, audit.as_ref()))
    }
}
