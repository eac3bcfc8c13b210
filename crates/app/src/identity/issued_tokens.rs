//! Callers for data by an access token of a trusted issuer. Their own tokens name the service in a header, so that a token of
//! this server never takes this path.

use std::sync::Arc;

use oauth::trusted_issuer::{Purpose, TokenFacts, TrustedIssuer, accept_access_token, token_types};

use crate::identity::caller::{Caller, IssuedAccess, RequestOrigin, Via};
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::Entities;
use crate::node::issuer_keys::{NoIssuerKeys, Unverified};
use crate::node::metrics::{OutcomeLabels, Word};
use crate::node::refusal_reason::RefusalReason;
use crate::node::trusted_issuers::IssuerTokens;
use crate::{Context, Fault};

/// Why an access token of a trusted issuer does not authenticate a caller.
#[derive(Debug, thiserror::Error)]
pub enum IssuedTokenRefusal {
    /// The request names a service whose access tokens are not accepted.
    #[error("x-datadirect-authService names no service whose access tokens are accepted here")]
    ServiceUnknown,
    /// The request names no service, and the token is of one.
    #[error("x-datadirect-authService must name the service that issued the access token")]
    ServiceUnnamed,
    /// The token is invalid, is for another server, or names no active user here; the response does not say which.
    #[error("the access token is not one of the named service that is valid here and names an active user")]
    Dead,
    /// The minimum profile accepts only tokens whose sender proves a key, which those of other issuers never are.
    #[error("this server accepts no access tokens of other services, because they are bound to no key")]
    Unbound,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Callers by access tokens of trusted issuers.
#[derive(Clone)]
pub struct IssuedTokenService {
    context: Arc<Context>,
}

service!(IssuedTokenService);

impl IssuedTokenService {
    /// The caller behind an access token of the named service. A refusal is recorded in the audit log.
    ///
    /// # Errors
    /// [`IssuedTokenRefusal`].
    pub async fn caller(
        &self,
        service: &str,
        token: &str,
        origin: &RequestOrigin,
    ) -> Result<Caller, IssuedTokenRefusal> {
        let judged = self.judge(service, token).await;
        let outcome = Word(match judged {
            Ok(_) => "live",
            Err(IssuedTokenRefusal::Fault(_)) => "fault",
            Err(_) => "dead",
        });
        self.context.metrics.bearer_checks.inc(OutcomeLabels { outcome });
        match &judged {
            Ok(caller) => caller.note_access(),
            Err(IssuedTokenRefusal::Fault(_)) => {}
            Err(_) => {
                Refusals::of(&self.context)
                    .note_request(RefusalReason::IssuedTokenInvalid, None, origin)
                    .await;
            }
        }
        judged
    }

    /// Whether a token that this server did not issue is of a service that the request should have named.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn is_of_a_service(&self, token: &str) -> Result<bool, Fault> {
        let claimed = IssuerTokens::of(&self.context).claimed_issuer(token).await?;
        Ok(claimed.is_some_and(|trusted| trusted.settings.has(Purpose::AccessToken)))
    }

    async fn judge(&self, service: &str, token: &str) -> Result<Caller, IssuedTokenRefusal> {
        if self.context.settings.minimum_profile.rules().bound_tokens {
            // No proof of a key is checked for such a token.
            return Err(IssuedTokenRefusal::Unbound);
        }
        let all = Entities::of(&self.context).trusted_issuers().await.map_err(Fault::from)?;
        let is_named = |trusted: &&Arc<TrustedIssuer>| {
            trusted.settings.service.as_deref() == Some(service) && trusted.settings.has(Purpose::AccessToken)
        };
        let trusted = all.iter().find(is_named).ok_or(IssuedTokenRefusal::ServiceUnknown)?;
        let types = token_types(&trusted.settings);
        let claims = IssuerTokens::of(&self.context).verify(token, trusted, types).await;
        let claims = claims.map_err(|unverified| match unverified {
            Unverified::NoKeys(NoIssuerKeys::Unavailable) => Fault::KeysUnavailable.into(),
            Unverified::NoKeys(NoIssuerKeys::Unusable) | Unverified::Jwt(_) => IssuedTokenRefusal::Dead,
        })?;
        let facts = TokenFacts {
            trusted,
            urls: self.context.settings.urls(),
            scopes: &*Entities::of(&self.context).scope_registry().await?,
            now: self.context.now(),
        };
        let accepted = accept_access_token(&claims, facts).ok_or(IssuedTokenRefusal::Dead)?;
        if self.context.revocations.ends_all_of(accepted.issued_at) {
            return Err(IssuedTokenRefusal::Dead);
        }
        let account =
            IssuerTokens::of(&self.context).account_of(&accepted.subject).await.map_err(Fault::from)?;
        let account = account.filter(|account| account.user.active).ok_or(IssuedTokenRefusal::Dead)?;
        let access = IssuedAccess {
            issuer: trusted.id,
            scopes: accepted.scopes,
            resources: accepted.resources,
            issued_at: accepted.issued_at,
            signed_in_at: accepted.signed_in_at,
        };
        Ok(Caller::new(account, Via::Issuer(Arc::new(access))))
    }
}
