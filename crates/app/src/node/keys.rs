//! The ring of keys that seal tokens. A key is added by command or by schedule, and deleted when nothing
//! needs it any more.

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use std::sync::Arc;
use store::StoredKey;

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
        self.context.rotate_keys_by(COMMAND_LINE, origin).await
    }

    /// Lists the stored keys of the ring, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list(&self) -> Result<Vec<StoredKey>, Fault> {
        Ok(self.context.store.list_keys().await?)
    }
}

impl Context {
    async fn rotate_keys_by(&self, actor: &str, origin: &RequestOrigin) -> Result<u32, Fault> {
        let now = self.now();
        let mut audit = origin.audit(Action::RotateKeys, Outcome::Success, now);
        audit.actor_name = Some(actor.to_owned());
        self.add_ring_key(now.plus_secs(KEYS_ANNOUNCED_SECS), audit).await
    }

    /// Rotates if the newest key is older than the schedule allows, and deletes keys that nothing needs any
    /// more.
    pub(crate) async fn maintain_keys(&self, origin: &RequestOrigin) -> Result<(), Fault> {
        let now = self.now();
        let keys = self.store.list_keys().await?;
        let days = i64::from(self.settings.rotate_keys_every_days);
        if let Some(newest) = keys.last()
            && days > 0
            && newest.created_at.plus_secs(days * DAY_SECS).is_past(now)
        {
            self.rotate_keys_by(SCHEDULE, origin).await?;
        }
        if let Some(active) = keys.iter().rev().find(|key| key.activates_at.is_past(now)) {
            self.store.purge_keys(active.id, now.minus_secs(SUPERSEDED_KEYS_KEPT_SECS)).await?;
        }
        Ok(())
    }

    /// Creates the key after the newest one. If another node was first, its key is used.
    pub(crate) async fn add_ring_key(
        &self,
        activates_at: Timestamp,
        mut audit: NewAuditEvent,
    ) -> Result<u32, Fault> {
        let newest = self.store.list_keys().await?.last().map_or(0, |key| key.id);
        let sealed = self.vault.new_ring_key(newest + 1, self.now(), activates_at);
        let id = sealed.id;
        audit.subject = Some(format!("key {id}"));
        let key = StoredKey { id, created_at: sealed.created_at, activates_at, sealed: sealed.bytes };
        self.store.insert_key(key, audit).await?;
        self.reload_keys().await?;
        Ok(id)
    }
}
