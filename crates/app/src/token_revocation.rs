//! Revocation by a client: an access token is revoked alone, a refresh token with its whole grant.

use oauth::audit::{Action, NewAuditEvent, Outcome};
use oauth::client_authentication::AuthenticatedClient;
use oauth::id::UserId;
use oauth::revocation_request::{self, Effect, Subject};

use crate::App;
use crate::caller::Origin;
use crate::client::{ClientRequest, ProtocolRefusal};

impl App {
    /// Revokes the token in the request, if it belongs to the client. It is invalid when this returns.
    ///
    /// # Errors
    /// If the client is not authenticated, if the token is missing, or if the revocation cannot be stored.
    pub async fn revoke_token(&self, request: ClientRequest<'_>) -> Result<(), ProtocolRefusal> {
        let client = self.authenticate_client(request).await?;
        let text = revocation_request::parse(request.parameters)?;
        let (effect, user) = self.effect_on(&client, text.expose()).await?;
        let events = match effect {
            Effect::Nothing => return Ok(()),
            Effect::EndToken { id, expires_at } => {
                let mut audit =
                    self.ended(&client, Action::RevokeToken, format!("token {id}"), request.origin);
                if let Some(user) = user {
                    self.name_user(&mut audit, user).await;
                }
                self.store.revoke_token(id, expires_at, audit).await?
            }
            Effect::EndGrant(id) => {
                let mut audit =
                    self.ended(&client, Action::RevokeGrant, format!("grant {id}"), request.origin);
                if let Some(user) = user {
                    self.name_user(&mut audit, user).await;
                }
                self.store.revoke_grant(id, self.revocations_expire_at(), audit).await?
            }
        };
        self.learn(&events);
        Ok(())
    }

    /// What the request revokes, and whose access that is.
    async fn effect_on(
        &self,
        client: &AuthenticatedClient,
        text: &str,
    ) -> Result<(Effect, Option<UserId>), ProtocolRefusal> {
        let now = self.now();
        if let Ok(token) = self.vault.open_access_token(text) {
            let effect = revocation_request::decide(client, Subject::Access(&token), now);
            return Ok((effect, Some(token.user)));
        }
        let grant = match self.vault.open_refresh_token(text) {
            Ok(token) => self.store.find_grant(token.grant).await?,
            Err(_) => None,
        };
        let subject = grant.as_ref().map_or(Subject::Unknown, Subject::Refresh);
        let user = grant.as_ref().map(|grant| grant.user);
        Ok((revocation_request::decide(client, subject, now), user))
    }

    fn ended(
        &self,
        client: &AuthenticatedClient,
        action: Action,
        subject: String,
        origin: &Origin,
    ) -> NewAuditEvent {
        let mut audit = origin.audit(action, Outcome::Success, self.now());
        audit.application = Some(client.application().id);
        audit.subject = Some(subject);
        audit
    }
}
