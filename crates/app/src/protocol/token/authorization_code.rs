//! Exchanging a code: its use creates a grant, at most once.

use super::new_grant::FirstTokens;
use super::{Narrowing, TokenService};
use crate::node::entity_cache::Entities;
use domain::id::Epoch;
use domain::limit::Limit;
use oauth::client_authentication::AuthenticatedClient;
use oauth::grant::{GrantDetails, GrantOrigin};
use oauth::refusal::Refusal;
use oauth::token::TokenResponse;
use oauth::token::authorization_code::{self, CodeExchange};
use oauth::token_payload::AuthorizationCode;
use store::{GrantCreation, NewGrant};

use crate::identity::caller::RequestOrigin;
use crate::protocol::refusal::ProtocolRefusal;
use crate::{Fault, node::access_note};

impl TokenService {
    pub(super) async fn exchange_code(
        &self,
        request: &CodeExchange,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let code = self.context.vault.open_code(request.code.expose()).ok();
        let user = match &code {
            Some(code) => Entities::of(&self.context).account(code.user).await?,
            None => None,
        };
        let digest = |text: &str| vault::sha256(text.as_bytes());
        let decided = authorization_code::decide(authorization_code::Facts {
            scopes: narrowing.scopes,
            client,
            code: code.as_ref(),
            user: user.as_deref().map(|account| &account.user),
            redirect_digest: request.redirect_uri.as_deref().map(digest),
            verifier_digest: request.verifier.as_ref().map(|verifier| digest(verifier.expose())),
            all_revoked: code.as_ref().is_some_and(|code| self.context.revocations.ends_all_of(code.id.at())),
            lifetime_limit_secs: Entities::of(&self.context).limit(Limit::OAuthAccessTokenLifetime).await?,
            now: self.context.now(),
        });
        match (decided, &code) {
            (Err(Refusal::CodeExpired), Some(code)) => {
                Err(self.revoke_grant_of_expired_code(code, origin).await?.into())
            }
            (decided, _) => {
                let mut decision = decided?;
                user.iter().for_each(access_note::user);
                let nonce = decision.details.nonce.take();
                let mut details = decision.details.for_access_tokens();
                self.narrow(&mut details, decision.user, narrowing).await?;
                let user = user.as_deref().map(|account| &account.user);
                let first = FirstTokens { details, user, nonce: nonce.as_deref() };
                self.create_grant_with(&decision, first, client, origin).await
            }
        }
    }

    /// An expired code creates no grant, but if it was redeemed in time, this is a replay like any other.
    /// Creating a grant under impossible epochs fails, and still finds the grant that the code created.
    async fn revoke_grant_of_expired_code(
        &self,
        code: &AuthorizationCode,
        origin: &RequestOrigin,
    ) -> Result<Refusal, Fault> {
        let now = self.context.now();
        let never = NewGrant {
            application: code.application,
            application_epoch: Epoch::GONE,
            user: code.user,
            user_epoch: Epoch::GONE,
            origin: GrantOrigin::Code(code.id),
            consent: Some(code.consent),
            session: None,
            scopes: code.scopes.clone(),
            details: GrantDetails::default(),
            refreshable: false,
            key: 0,
            at: now,
            expires_at: Some(now),
        };
        match self.create_grant_once(never, origin).await? {
            GrantCreation::Replayed(_) => Ok(Refusal::CodeReplayed),
            GrantCreation::Grant(_) | GrantCreation::Gone => Ok(Refusal::CodeExpired),
        }
    }
}
