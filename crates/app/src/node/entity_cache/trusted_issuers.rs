//! The cached trusted issuers. They change with the limits.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use oauth::trusted_issuer::TrustedIssuer;
use store::StoreError;

use super::Entities;
use crate::node::feed::ChangeFeed;

/// All trusted issuers.
pub(crate) type CachedIssuers = Arc<Vec<Arc<TrustedIssuer>>>;

impl Entities<'_> {
    /// Every trusted issuer, cached or read.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(crate) async fn trusted_issuers(self) -> Result<CachedIssuers, StoreError> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let cached =
            self.context.entities.trusted_issuers.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(issuers) = cached {
            return Ok(issuers);
        }
        let drops = self.context.entities.limits_drops.load(Ordering::Acquire);
        let read = self.context.store.list_trusted_issuers().await?;
        let issuers: CachedIssuers = Arc::new(read.into_iter().map(Arc::new).collect());
        let mut cached =
            self.context.entities.trusted_issuers.write().unwrap_or_else(PoisonError::into_inner);
        if self.context.entities.limits_drops.load(Ordering::Acquire) == drops {
            *cached = Some(issuers.clone());
        }
        Ok(issuers)
    }
}
