//! Signing keys.

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use store::relational::{external_keys, run_ready, signing_keys};
use store::{Answer, SigningKeys, StoredExternalKey, StoredSigningKey, SupersededSigningKeys};

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

    fn list_external_keys(&self) -> Answer<'_, Vec<StoredExternalKey>> {
        self.read(|db| run_ready(external_keys::list(&Tables(db))))
    }

    fn insert_external_key(&self, key: StoredExternalKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        self.write(move |db| run_ready(external_keys::insert(&Tables(db), &key, &audit)))
    }

    fn see_external_keys(&self, ids: Vec<u32>, at: Timestamp) -> Answer<'_, ()> {
        self.write(move |db| run_ready(external_keys::see(&Tables(db), &ids, at)))
    }

    fn delete_external_keys(
        &self,
        ids: Vec<u32>,
        unseen_since: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, u64> {
        self.write(move |db| run_ready(external_keys::delete(&Tables(db), &ids, unseen_since, &audit)))
    }
}
