//! Signing keys: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use store::relational::{external_keys, signing_keys};
use store::{Answer, SigningKeys, StoredExternalKey, StoredSigningKey, SupersededSigningKeys};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{in_transaction, read, serialized};

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

    fn list_external_keys(&self) -> Answer<'_, Vec<StoredExternalKey>> {
        read!(self, db => external_keys::list(&Tables(db)))
    }

    fn insert_external_key(&self, key: StoredExternalKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        serialized!(self, db => external_keys::insert(&Tables(db), &key, &audit))
    }

    fn see_external_keys(&self, ids: Vec<u32>, at: Timestamp) -> Answer<'_, ()> {
        in_transaction!(self, db => external_keys::see(&Tables(db), &ids, at))
    }

    fn delete_external_keys(
        &self,
        ids: Vec<u32>,
        unseen_since: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, u64> {
        serialized!(self, db => external_keys::delete(&Tables(db), &ids, unseen_since, &audit))
    }
}
