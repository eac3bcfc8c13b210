//! Creating a grant with its first tokens.

use domain::audit::{Action, Outcome};
use oauth::client_authentication::AuthenticatedClient;
use oauth::grant::{AccessTokenDetails, GrantOrigin};
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
use crate::protocol::refusal::ProtocolRefusal;

impl TokenService {
    /// Creates a grant and issues its first tokens. The store checks whether the code was used before, and
    /// whether the preconditions still hold.
    pub(super) async fn create_grant(
        &self,
        decision: &GrantDecision,
        client: &AuthenticatedClient,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        self.create_grant_for(decision, decision.details.for_access_tokens(), client, origin).await
    }

    /// Creates a grant whose first access token has other details, such as fewer resources.
    pub(super) async fn create_grant_for(
        &self,
        decision: &GrantDecision,
        details: AccessTokenDetails,
        client: &AuthenticatedClient,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let now = self.context.now();
        let application = client.application();
        let key = self.context.vault.active_key(now).ok_or_else(no_key)?;
        let limits = self.context.settings.refresh_limits();
        let ends_at = if decision.refreshable {
            limits.end_of_new_grant(now)
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
        let refresh =
            decision.refreshable.then(|| self.seal_refresh(RefreshToken { grant, generation: 0 }, key));
        let access = NewAccessToken {
            grant: Some(grant),
            user: decision.user,
            user_epoch: decision.user_epoch,
            scopes: decision.scopes.clone(),
            lifetime_secs: decision.lifetime_secs,
            binding: client.binding(),
            details,
        };
        let issued = self.respond(client, access, refresh.transpose()?).await?;
        let refresh_expiry = decision.refreshable.then(|| limits.tell(ends_at, now)).flatten();
        Ok(TokenResponse { refresh_expiry, ..issued })
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
        let created =
            self.context.store.create_grant(new, revocations_expire_at(self.context.now()), audit).await?;
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
