//! The ring of keys that seal tokens. A key is added by command or by schedule, and deleted when nothing
//! needs it any more.

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use std::sync::Arc;
use store::{StoreError, StoredKey};

use crate::node::lifetimes::{DAY_SECS, KEYS_ANNOUNCED_SECS, SUPERSEDED_KEYS_KEPT_SECS};
use crate::node::request_origin::{COMMAND_LINE, RequestOrigin};
use crate::{Context, Fault};

/// The actor name of scheduled operations in the audit log.
pub(crate) const SCHEDULE: &str = "schedule";

/// The key ring.
#[derive(Clone)]
pub struct KeyService {
    context: Arc<Context>,
}

service!(KeyService);

impl KeyService {
    /// Adds a key to the ring by command of the operator. It seals new tokens in a few seconds; everything
    /// that older keys sealed stays valid.
    ///
    /// # Errors
    /// If the database cannot store it.
    pub async fn rotate(&self, origin: &RequestOrigin) -> Result<u32, Fault> {
        RingKeys::of(&self.context).rotate_by(COMMAND_LINE, origin).await
    }

    /// Lists the stored keys of the ring, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list(&self) -> Result<Vec<StoredKey>, Fault> {
        Ok(self.context.store.list_keys().await?)
    }
}

/// The keys of the ring.
#[derive(Clone, Copy)]
pub(crate) struct RingKeys<'a> {
    context: &'a Context,
}

component!(RingKeys);

impl RingKeys<'_> {
    async fn rotate_by(self, actor: &str, origin: &RequestOrigin) -> Result<u32, Fault> {
        let now = self.context.now();
        let mut audit = origin.audit(Action::RotateKeys, Outcome::Success, now);
        audit.actor_name = Some(actor.to_owned());
        self.add(now.plus_secs(KEYS_ANNOUNCED_SECS), audit).await
    }

    /// Rotates if the newest key is older than the schedule allows, and deletes keys that nothing needs any
    /// more.
    pub(crate) async fn maintain(self, origin: &RequestOrigin) -> Result<(), Fault> {
        let now = self.context.now();
        let keys = self.context.store.list_keys().await?;
        let days = i64::from(self.context.settings.rotate_keys_every_days);
        if let Some(newest) = keys.last()
            && days > 0
            && newest.created_at.plus_secs(days * DAY_SECS).is_past(now)
        {
            self.rotate_by(SCHEDULE, origin).await?;
        }
        if let Some(active) = keys.iter().rev().find(|key| key.activates_at.is_past(now)) {
            self.context.store.purge_keys(active.id, now.minus_secs(SUPERSEDED_KEYS_KEPT_SECS)).await?;
        }
        Ok(())
    }

    /// Creates the key after the newest one. If another node was first, its key is used.
    pub(crate) async fn add(self, activates_at: Timestamp, mut audit: NewAuditEvent) -> Result<u32, Fault> {
        let newest = self.context.store.list_keys().await?.last().map_or(0, |key| key.id);
        let sealed = self.context.vault.new_ring_key(newest + 1, self.context.now(), activates_at);
        let id = sealed.id;
        audit.subject = Some(format!("key {id}"));
        let key = StoredKey { id, created_at: sealed.created_at, activates_at, sealed: sealed.bytes };
        self.context.store.insert_key(key, audit).await?;
        self.reload().await?;
        Ok(id)
    }

    /// Reads the stored keys into the vault.
    pub(crate) async fn reload(self) -> Result<(), StoreError> {
        let keys = self.context.store.list_keys().await?;
        if let Some(newest) = keys.iter().map(|key| key.created_at.as_secs()).max() {
            self.context.metrics.newest_key.set(newest);
        }
        self.context
            .vault
            .replace_ring(&keys_for_vault(&keys))
            .map_err(|error| StoreError::Inconsistent(error.to_string()))
    }
}

/// Converts the stored keys for the vault.
pub fn keys_for_vault(keys: &[store::StoredKey]) -> Vec<vault::SealedRingKey> {
    let sealed = |key: &store::StoredKey| vault::SealedRingKey {
        id: key.id,
        created_at: key.created_at,
        activates_at: key.activates_at,
        bytes: key.sealed.clone(),
    };
    keys.iter().map(sealed).collect()
}
