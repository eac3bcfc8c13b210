//! Grants as this node last saw them, and when their users signed in.

use domain::id::GrantId;
use domain::time::Timestamp;
use oauth::grant::{Grant, GrantDetails};
use oauth::step_up::KnownSignIn;
use oauth::user_authentication::SECOND_FACTOR_ACR;
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

    /// Caches the sign-in of the user of a grant, and returns it.
    pub(crate) fn cache_sign_in(&self, grant: GrantId, details: &GrantDetails) -> Option<SignIn> {
        let sign_in = SignIn::of(details);
        self.sign_ins.insert(grant, CachedSignIn(sign_in));
        sign_in
    }
}

/// The sign-in of a user for a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// When it was.
    pub at: Timestamp,
    /// `acr`: how the user signed in.
    pub acr: &'static str,
}

impl SignIn {
    /// The same for the demands of data sources.
    pub(crate) fn known(self) -> KnownSignIn {
        KnownSignIn { at: self.at, second_factor: self.acr == SECOND_FACTOR_ACR }
    }

    /// The sign-in for a grant; `None` if nobody signed in.
    pub(crate) fn of(details: &GrantDetails) -> Option<Self> {
        let sign_in = details.sign_in.as_ref()?;
        Some(Self { at: Timestamp::from_secs(sign_in.auth_time), acr: sign_in.acr() })
    }
}

/// The sign-in for a grant; `None` if nobody signed in.
#[derive(Clone, Copy)]
pub(super) struct CachedSignIn(Option<SignIn>);

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

    /// The sign-in of the user behind a token for its grant; `None` if nobody signed in, or if the grant is gone.
    pub(crate) async fn sign_in_of(self, grant: Option<GrantId>) -> Result<Option<SignIn>, StoreError> {
        let Some(id) = grant else { return Ok(None) };
        if let Some(CachedSignIn(cached)) = self.context.entities.sign_ins.get(&id) {
            return Ok(cached);
        }
        let grant = match self.context.entities.last_seen_grant(id) {
            Some(seen) => Some(seen),
            None => self.context.store.find_grant(id).await?,
        };
        Ok(grant.and_then(|grant| self.context.entities.cache_sign_in(id, &grant.details)))
    }
}
