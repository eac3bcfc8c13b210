//! Grants as this node last saw them, and when their users signed in.

use domain::id::GrantId;
use domain::time::Timestamp;
use oauth::grant::{Grant, GrantDetails};
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

    /// Caches when the user of a grant signed in, and returns it.
    pub(crate) fn cache_sign_in(&self, grant: GrantId, details: &GrantDetails) -> Option<Timestamp> {
        let at = signed_in_at(details);
        self.sign_ins.insert(grant, SignIn(at));
        at
    }
}

/// When the user of a grant signed in for it; `None` if nobody did.
pub(crate) fn signed_in_at(details: &GrantDetails) -> Option<Timestamp> {
    details.sign_in.as_ref().map(|sign_in| Timestamp::from_secs(sign_in.auth_time))
}

/// When the user of a grant signed in; `None` if nobody did.
#[derive(Clone, Copy)]
pub(super) struct SignIn(Option<Timestamp>);

impl Context {
    /// When the user behind a token signed in for its grant; `None` if nobody did, or if the grant is gone.
    pub(crate) async fn sign_in_of(&self, grant: Option<GrantId>) -> Result<Option<Timestamp>, StoreError> {
        let Some(id) = grant else { return Ok(None) };
        if let Some(SignIn(cached)) = self.entities.sign_ins.get(&id) {
            return Ok(cached);
        }
        let grant = match self.entities.last_seen_grant(id) {
            Some(seen) => Some(seen),
            None => self.store.find_grant(id).await?,
        };
        Ok(grant.and_then(|grant| self.entities.cache_sign_in(id, &grant.details)))
    }
}
