//! The cached allow-lists of addresses. They change with the limits.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use domain::allow_list::{AllAllowLists, AllowListOwner, AllowLists};
use store::StoreError;

use super::EntityCache;

/// All allow-lists; `None` if there is none, so that requests pay nothing then.
#[derive(Clone)]
pub(super) struct CachedAllowLists(Option<Arc<AllAllowLists>>);

impl EntityCache {
    /// All allow-lists, cached or read; `None` if there is none.
    pub(crate) async fn allow_lists(
        &self,
        read: impl AsyncFnOnce() -> Result<Vec<(AllowListOwner, AllowLists)>, StoreError>,
    ) -> Result<Option<Arc<AllAllowLists>>, StoreError> {
        let cached = self.allow_lists.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(CachedAllowLists(lists)) = cached {
            return Ok(lists);
        }
        let drops = self.limits_drops.load(Ordering::Acquire);
        let found = read().await?;
        let lists = (!found.is_empty()).then(|| Arc::new(AllAllowLists::new(found)));
        let mut cached = self.allow_lists.write().unwrap_or_else(PoisonError::into_inner);
        if self.limits_drops.load(Ordering::Acquire) == drops {
            *cached = Some(CachedAllowLists(lists.clone()));
        }
        Ok(lists)
    }
}
