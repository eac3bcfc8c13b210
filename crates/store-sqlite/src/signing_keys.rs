//! Signing keys.

use domain::audit::NewAuditEvent;
use store::relational::{run_ready, signing_keys};
use store::{Answer, SigningKeys, StoredSigningKey, SupersededSigningKeys};

use crate::SqliteStore;
use crate::tables::Tables;

impl SigningKeys for SqliteStore {
    fn list_signing_keys(&self) -> Answer<'_, Vec<StoredSigningKey>> {
        self.read(|db| run_ready(signing_keys::list(&Tables(db))))
    }

    fn insert_signing_key(&self, key: StoredSigningKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        self.write(move |db| run_ready(signing_keys::insert(&Tables(db), &key, &audit)))
    }

    fn delete_signing_keys(
        &self,
        which: SupersededSigningKeys,
        audit: Option<NewAuditEvent>,
    ) -> Answer<'_, u64> {
        self.write(move |db| run_ready(signing_keys::delete(&Tables(db), which, audit.as_ref())))
    }
}
