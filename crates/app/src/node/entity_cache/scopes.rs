//! The cached registry of scopes.

use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, PoisonError};

use oauth::scope::{ScopeRegistry, ScopeSet};
use store::StoreError;

use super::Entities;
use crate::Fault;
use crate::node::feed::ChangeFeed;

static BUILT_IN_SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);

/// The scopes that a request is about.
pub(crate) enum KnownScopes {
    /// Only built-in ones, whose names never change.
    BuiltIn,
    /// The entries of the registry.
    All(Arc<ScopeRegistry>),
}

impl Deref for KnownScopes {
    type Target = ScopeRegistry;

    fn deref(&self) -> &ScopeRegistry {
        match self {
            Self::BuiltIn => &BUILT_IN_SCOPES,
            Self::All(registry) => registry,
        }
    }
}

impl Entities<'_> {
    /// Every resource server with its scopes, cached or read.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(crate) async fn scope_registry(self) -> Result<Arc<ScopeRegistry>, Fault> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let cached =
            self.context.entities.scope_registry.read().unwrap_or_else(PoisonError::into_inner).clone();
        match cached {
            Some(registry) => Ok(registry),
            None => Ok(self.read_scope_registry().await?),
        }
    }

    /// A registry that knows the scopes of the set and the names in the text of a request. If all of them are
    /// built in, nothing is read that other requests share, which would slow them all down.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(crate) async fn scopes_for(
        self,
        set: &ScopeSet,
        requested: Option<&str>,
    ) -> Result<KnownScopes, Fault> {
        let is_built_in =
            set.others().is_empty() && requested.is_none_or(|text| BUILT_IN_SCOPES.parse(text).is_ok());
        if is_built_in { Ok(KnownScopes::BuiltIn) } else { self.scope_registry().await.map(KnownScopes::All) }
    }

    async fn read_scope_registry(self) -> Result<Arc<ScopeRegistry>, StoreError> {
        let drops = self.context.entities.limits_drops.load(Ordering::Acquire);
        let registry = Arc::new(self.context.store.scope_registry().await?);
        let mut cached = self.context.entities.scope_registry.write().unwrap_or_else(PoisonError::into_inner);
        if self.context.entities.limits_drops.load(Ordering::Acquire) == drops {
            *cached = Some(registry.clone());
        }
        Ok(registry)
    }
}
