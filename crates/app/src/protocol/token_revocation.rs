//! Revocation by a client: an access token is revoked alone, a refresh token with its whole grant.

use crate::Context;
use crate::identity::access_tokens::AccessTokens;
use crate::node::entity_cache::{Entities, StoredGrants};
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, UserId};
use oauth::client_authentication::AuthenticatedClient;
use oauth::revocation_request::{self, Effect, TokenToRevoke};
use std::sync::Arc;

use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::{NamedClient, Refusals};
use crate::node::access_note;
use crate::node::refusal_reason::RefusalReason;
use crate::protocol::client::{ClientAuthentication, ClientRequest};
use crate::protocol::refusal::ProtocolRefusal;

/// What a request revokes, and whose access that is.
struct Affected {
    effect: Effect,
    user: Option<UserId>,
    /// The application to which the token was issued, if it is one of ours.
    application: Option<ApplicationId>,
}

/// The revocation endpoint.
#[derive(Clone)]
pub struct RevocationService {
    context: Arc<Context>,
}

service!(RevocationService);

impl RevocationService {
    /// Revokes the token in the request, if it belongs to the client. It is invalid when this returns.
    ///
    /// # Errors
    /// If the client is not authenticated, if the token is missing, or if the revocation cannot be stored.
    pub async fn revoke(&self, request: ClientRequest<'_>) -> Result<(), ProtocolRefusal> {
        let client = ClientAuthentication::of(&self.context).authenticate(request).await?;
        let text = revocation_request::parse(request.parameters)?;
        let Affected { effect, user, application } = self.affected(&client, text.expose()).await?;
        if application.is_some_and(|application| application != client.application().id) {
            let reason = RefusalReason::TokenOfAnother;
            Refusals::of(&self.context).note_client(reason, NamedClient::of(&client), request.origin).await;
        }
        if effect != Effect::Nothing {
            access_note::application(client.application().id);
        }
        let events = match effect {
            Effect::Nothing => return Ok(()),
            Effect::RevokeToken { id, expires_at } => {
                let mut audit = self.revocation_event(
                    &client,
                    Action::RevokeToken,
                    format!("token {id}"),
                    request.origin,
                );
                if let Some(user) = user {
                    Entities::of(&self.context)
                        .name_user(&mut audit, user)
                        .await
                        .iter()
                        .for_each(access_note::user);
                }
                self.context.store.revoke_token(id, expires_at, audit).await?
            }
            Effect::RevokeGrant(id) => {
                let mut audit = self.revocation_event(
                    &client,
                    Action::RevokeGrant,
                    format!("grant {id}"),
                    request.origin,
                );
                if let Some(user) = user {
                    Entities::of(&self.context)
                        .name_user(&mut audit, user)
                        .await
                        .iter()
                        .for_each(access_note::user);
                }
                self.context.store.revoke_grant(id, revocations_expire_at(self.context.now()), audit).await?
            }
        };
        Revocations::of(&self.context).apply(&events);
        Ok(())
    }

    async fn affected(&self, client: &AuthenticatedClient, text: &str) -> Result<Affected, ProtocolRefusal> {
        let now = self.context.now();
        if let Ok(token) = AccessTokens::of(&self.context).open(text) {
            let effect = revocation_request::decide(client, TokenToRevoke::Access(&token), now);
            return Ok(Affected { effect, user: Some(token.user), application: Some(token.application) });
        }
        let grant = match self.context.vault.open_refresh_token(text) {
            Ok(token) => StoredGrants::of(&self.context).find(token.grant).await?,
            Err(_) => None,
        };
        let subject = grant.as_ref().map_or(TokenToRevoke::Unknown, TokenToRevoke::Refresh);
        Ok(Affected {
            effect: revocation_request::decide(client, subject, now),
            user: grant.as_ref().map(|grant| grant.user),
            application: grant.as_ref().map(|grant| grant.application),
        })
    }

    fn revocation_event(
        &self,
        client: &AuthenticatedClient,
        action: Action,
        subject: String,
        origin: &RequestOrigin,
    ) -> NewAuditEvent {
        let mut audit = origin.audit(action, Outcome::Success, self.context.now());
        audit.application = Some(client.application().id);
        audit.subject = Some(subject);
        audit
    }
}
