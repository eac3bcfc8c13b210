//! Grants as this node last saw them, and when their users signed in.

use domain::id::GrantId;
use domain::time::Timestamp;
use oauth::grant::Grant;
use store::StoreError;

use super::EntityCache;
use crate::Context;

impl EntityCache {
    /// A grant as this node last saw it. It may be outdated, so it only serves operations that the store
    /// checks itself.
    pub(crate) fn last_seen_grant(&self, id: GrantId) -> Option<Grant> {
        self.grants.get(&id)
    }

    /// Caches the new state of a grant.
    pub(crate) fn cache_grant(&self, grant: Grant) {
        self.grants.insert(grant.id, grant);
    }

    /// Drops a grant that turned out to be outdated.
    pub(crate) fn forget_grant(&self, id: GrantId) {
        self.grants.remove(&id);
    }

    /// Caches when the user of a grant signed in.
    pub(crate) fn cache_sign_in(&self, grant: GrantId, at: Timestamp) {
        self.sign_ins.insert(grant, at);
    }

    /// When the user of a grant signed in, if that is cached.
    pub(crate) fn sign_in(&self, grant: GrantId) -> Option<Timestamp> {
        self.sign_ins.get(&grant)
    }
}

impl Context {
    /// When the user behind a token signed in for its grant; `None` if nobody did, or if the grant is gone.
    pub(crate) async fn sign_in_of(&self, grant: Option<GrantId>) -> Result<Option<Timestamp>, StoreError> {
        let Some(id) = grant else { return Ok(None) };
        if let Some(cached) = self.entities.sign_in(id) {
            return Ok(Some(cached));
        }
        let Some(grant) = self.store.find_grant(id).await? else { return Ok(None) };
        let at = grant.details.sign_in.as_ref().map(|sign_in| Timestamp::from_secs(sign_in.auth_time));
        if let Some(at) = at {
            self.entities.cache_sign_in(id, at);
        }
        Ok(at)
    }
}
