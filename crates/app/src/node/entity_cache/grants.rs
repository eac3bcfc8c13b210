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

/// Grants, with the revocations of everything that this node knows.
#[derive(Clone, Copy)]
pub(crate) struct StoredGrants<'a> {
    context: &'a Context,
}

component!(StoredGrants);

impl StoredGrants<'_> {
    /// Finds a grant, whether or not it is revoked. One that is older than a revocation of everything counts as
    /// revoked.
    pub(crate) async fn find(self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        Ok(self.context.store.find_grant(id).await?.map(|grant| self.with_revocations(grant)))
    }

    /// The grant in the state that this node last saw, with the revocations of everything that it knows now.
    pub(crate) fn last_seen(self, id: GrantId) -> Option<Grant> {
        self.context.entities.last_seen_grant(id).map(|grant| self.with_revocations(grant))
    }

    fn with_revocations(self, grant: Grant) -> Grant {
        if self.context.revocations.ends_all_of(grant.created_at) {
            return Grant { revoked_at: grant.revoked_at.or(Some(self.context.now())), ..grant };
        }
        grant
    }

    /// When the user behind a token signed in for its grant; `None` if nobody did, or if the grant is gone.
    pub(crate) async fn sign_in_of(self, grant: Option<GrantId>) -> Result<Option<Timestamp>, StoreError> {
        let Some(id) = grant else { return Ok(None) };
        if let Some(SignIn(cached)) = self.context.entities.sign_ins.get(&id) {
            return Ok(cached);
        }
        let grant = match self.context.entities.last_seen_grant(id) {
            Some(seen) => Some(seen),
            None => self.context.store.find_grant(id).await?,
        };
        Ok(grant.and_then(|grant| self.context.entities.cache_sign_in(id, &grant.details)))
    }
}
