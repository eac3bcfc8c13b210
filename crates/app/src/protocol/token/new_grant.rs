//! Creating a grant with its first tokens.

use domain::account::User;
use domain::audit::{Action, Outcome};
use domain::id::GrantId;
use oauth::application::{Application, TokenFormat};
use oauth::client_authentication::AuthenticatedClient;
use oauth::grant::{AccessTokenDetails, GrantOrigin};
use oauth::oidc::id_token;
use oauth::refusal::Refusal;
use oauth::token::{GrantDecision, TokenResponse};
use oauth::token_payload::RefreshToken;
use store::{GrantCreation, NewGrant};

use super::{NewAccessToken, TokenService, no_key};
use crate::Fault;
use crate::identity::caller::RequestOrigin;
use crate::node::audit_throttle::ThrottledAudit;
use crate::node::entity_cache::Entities;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use crate::node::signing_keys::JwtKeys;
use crate::protocol::refusal::ProtocolRefusal;

/// The first tokens of a grant, besides what it says itself.
pub(super) struct FirstTokens<'a> {
    /// The details of the access token, such as fewer resources.
    pub(super) details: AccessTokenDetails,
    /// The user, for an ID token.
    pub(super) user: Option<&'a User>,
    /// The `nonce` of the request whose code is exchanged.
    pub(super) nonce: Option<&'a str>,
}

impl TokenService {
    /// Creates a grant and issues its first tokens. The store checks whether the code was used before, and
    /// whether the preconditions still hold.
    pub(super) async fn create_grant(
        &self,
        decision: &GrantDecision,
        client: &AuthenticatedClient,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let first = FirstTokens { details: decision.details.for_access_tokens(), user: None, nonce: None };
        self.create_grant_with(decision, first, client, origin).await
    }

    /// Creates a grant with these tokens. If they cannot be issued, the grant is withdrawn, so that its code is not used up.
    pub(super) async fn create_grant_with(
        &self,
        decision: &GrantDecision,
        first: FirstTokens<'_>,
        client: &AuthenticatedClient,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        self.demand_address_of(client, Some(decision.user), origin).await?;
        let now = self.context.now();
        let application = client.application();
        let key = self.context.vault.active_key(now).ok_or_else(no_key)?;
        if self.context.signer.is_used() {
            // Boxed, so that servers without a signer do not pay for its state.
            Box::pin(self.ready_to_sign(application, decision)).await?;
        }
        let ends_at = if decision.refreshable {
            self.context.settings.refresh_limits().end_of_new_grant(now)
        } else {
            Some(now.plus_secs(decision.lifetime_secs))
        };
        let new = NewGrant {
            application: application.id,
            application_epoch: application.epoch,
            user: decision.user,
            user_epoch: decision.user_epoch,
            origin: decision.origin,
            consent: decision.consent,
            session: decision.session.clone(),
            scopes: decision.scopes.clone(),
            details: decision
                .details
                .clone()
                .for_refresh_tokens(client.binding_of_refresh_tokens(), client.instance()),
            refreshable: decision.refreshable,
            key,
            at: now,
            expires_at: ends_at,
        };
        let grant = match self.create_grant_once(new, origin).await? {
            GrantCreation::Grant(id) => id,
            GrantCreation::Replayed(_) => return Err(replayed(decision.origin).into()),
            GrantCreation::Gone => {
                self.context.entities.forget_applications();
                self.context.entities.forget_users();
                return Err(gone(decision.origin).into());
            }
        };
        self.context.entities.cache_sign_in(grant, &decision.details);
        let issued = self.first_tokens((grant, key), decision, first, client).await;
        let Ok(issued) = issued else {
            // If this fails too, the code stays used up, like that of a client that has lost the response.
            if let Err(error) = self.context.store.withdraw_grant(grant).await {
                Fault::from(error).note("a grant without tokens was not withdrawn");
            }
            return issued;
        };
        let limits = self.context.settings.refresh_limits();
        let refresh_expiry = decision.refreshable.then(|| limits.tell(ends_at, now)).flatten();
        Ok(TokenResponse { refresh_expiry, ..issued })
    }

    /// Refuses, before a code is used up, what a signer would have to sign that does not answer.
    async fn ready_to_sign(&self, application: &Application, decision: &GrantDecision) -> Result<(), Fault> {
        let (settings, keys) = (&application.settings, JwtKeys::of(&self.context));
        if settings.token_format == TokenFormat::Jwt {
            let registered = settings.client_metadata.access_token_signing_alg();
            keys.ready(settings.allowed_algorithm(registered)).await?;
        }
        if id_token::is_issued(&decision.scopes, decision.details.sign_in.as_ref()) {
            let registered = settings.client_metadata.openid.id_token_algorithm();
            keys.ready(settings.allowed_algorithm(registered)).await?;
        }
        Ok(())
    }

    async fn first_tokens(
        &self,
        (grant, key): (GrantId, u32),
        decision: &GrantDecision,
        first: FirstTokens<'_>,
        client: &AuthenticatedClient,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let refresh =
            decision.refreshable.then(|| self.seal_refresh(RefreshToken { grant, generation: 0 }, key));
        let access = NewAccessToken {
            grant: Some(grant),
            user: decision.user,
            user_epoch: decision.user_epoch,
            scopes: decision.scopes.clone(),
            lifetime_secs: decision.lifetime_secs,
            binding: client.binding(),
            details: first.details,
        };
        let issued = self.respond(client, access, refresh.transpose()?).await?;
        self.with_id_token(client, issued, first.user, &decision.details, first.nonce).await
    }

    /// Creates a grant, at most one for each code. A replay revokes the grant of the code; only the first few
    /// replays are recorded.
    pub(super) async fn create_grant_once(
        &self,
        new: NewGrant,
        origin: &RequestOrigin,
    ) -> Result<GrantCreation, Fault> {
        let (code, at) = (new.origin.code(), new.at);
        let mut audit = origin.audit(Action::ReplayCode, Outcome::Refused, at);
        audit.application = Some(new.application);
        if code.is_some() {
            Entities::of(&self.context).name_user(&mut audit, new.user).await;
        }
        if let Some(code) = code
            && ThrottledAudit::of(&self.context).is_known_replay(code, &audit)
        {
            return Ok(GrantCreation::Replayed(Vec::new()));
        }
        let created = self.context.store.create_grant(new, revocations_expire_at(at), audit).await?;
        if let (GrantCreation::Replayed(events), Some(code)) = (&created, code) {
            Revocations::of(&self.context).apply(events);
            ThrottledAudit::of(&self.context).note_replay(code, at);
        }
        Ok(created)
    }
}

/// The refusal if the preconditions of a grant no longer hold.
fn gone(origin: GrantOrigin) -> Refusal {
    match origin {
        GrantOrigin::Code(_) => Refusal::CodeOutlived,
        GrantOrigin::Device(_) => Refusal::DeviceAccessRevoked,
        GrantOrigin::Backchannel(_) => Refusal::BackchannelAccessRevoked,
        GrantOrigin::Password => Refusal::UserInactive,
        GrantOrigin::Assertion => Refusal::GrantAssertionOutlived,
    }
}

/// The refusal if the code has created a grant before. Password and assertion have no code.
fn replayed(origin: GrantOrigin) -> Refusal {
    match origin {
        GrantOrigin::Device(_) => Refusal::DeviceCodeReplayed,
        GrantOrigin::Backchannel(_) => Refusal::AuthReqIdReplayed,
        GrantOrigin::Code(_) | GrantOrigin::Password | GrantOrigin::Assertion => Refusal::CodeReplayed,
    }
}
