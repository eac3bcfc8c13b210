//! Client secrets: created, shown once, superseded, revoked.

use super::ApplicationService;
use crate::identity::refusals::Refusals;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use crate::protocol::client::NewCredentials;
use domain::audit::Action;
use domain::id::{ApplicationId, SecretId};
use domain::secret::ClientSecret;
use oauth::application::{Application, StoredSecret};

use super::ApplicationError;
use crate::Fault;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;

/// A second secret that was added.
#[derive(Debug, Clone)]
pub struct Added {
    /// The stored record.
    pub stored: StoredSecret,
    /// The secret, which is shown only now.
    pub secret: ClientSecret,
}

impl ApplicationService {
    /// Replaces all secrets of an application by a new one and revokes all its access: consents, grants, codes, tokens
    /// and pushed requests are invalid when this returns, and the application learns that its sessions have ended.
    ///
    /// # Errors
    /// [`ApplicationError`]; nothing was revoked then.
    pub async fn reset_secret(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &RequestOrigin,
    ) -> Result<(Application, ClientSecret), ApplicationError> {
        let application = self.find(actor, id, origin).await?;
        let audit = self.audit_about(actor, Action::ResetSecret, &application, origin);
        let (secret, new) = NewCredentials::of(&self.context).new_secret(&application.client_id);
        let (application, events) = Refusals::of(&self.context)
            .judged(
                actor.caller(),
                self.context
                    .store
                    .reset_secret(id, new, revocations_expire_at(self.context.now()), audit)
                    .await?,
                origin,
            )
            .await?;
        Revocations::of(&self.context).apply(&events);
        self.context.logouts_stored.announce();
        self.context.entities.forget_applications();
        Ok((application, secret))
    }

    /// Adds a second live secret; the older one expires after the configured overlap.
    ///
    /// # Errors
    /// [`ApplicationError::TwoLiveSecrets`] and others.
    pub async fn add_secret(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &RequestOrigin,
    ) -> Result<Added, ApplicationError> {
        let application = self.find(actor, id, origin).await?;
        let audit = self.audit_about(actor, Action::AddSecret, &application, origin);
        let (secret, new) = NewCredentials::of(&self.context).new_secret(&application.client_id);
        let older_expires_at =
            self.context.now().plus_secs(i64::from(self.context.settings.secret_overlap_secs));
        let application = Refusals::of(&self.context)
            .judged(
                actor.caller(),
                self.context.store.add_secret(id, new, older_expires_at, audit).await?,
                origin,
            )
            .await?;
        self.context.entities.forget_applications();
        let stored = application.secrets.last().cloned();
        let stored =
            stored.ok_or_else(|| Fault::Broken("the secret that was just added is not there".into()))?;
        Ok(Added { stored, secret })
    }

    /// Revokes one of two live secrets; the other one remains and no longer expires.
    ///
    /// # Errors
    /// [`ApplicationError::LastSecret`] and others.
    pub async fn end_secret(
        &self,
        actor: &Actor,
        id: ApplicationId,
        secret: SecretId,
        origin: &RequestOrigin,
    ) -> Result<(), ApplicationError> {
        let application = self.find(actor, id, origin).await?;
        let mut audit = self.audit_about(actor, Action::EndSecret, &application, origin);
        audit.detail = Some(match audit.detail {
            Some(detail) => format!("secret {secret}, {detail}"),
            None => format!("secret {secret}"),
        });
        Refusals::of(&self.context)
            .judged(actor.caller(), self.context.store.end_secret(id, secret, audit).await?, origin)
            .await?;
        self.context.entities.forget_applications();
        Ok(())
    }

    /// The secret of an application, if the configuration allows secrets to be revealed.
    ///
    /// # Errors
    /// If it was sealed under another master key.
    pub fn revealed_secret(&self, application: &Application) -> Result<Option<ClientSecret>, Fault> {
        if !self.context.settings.reveal_client_secret {
            return Ok(None);
        }
        let live = application.live_secrets(self.context.now()).next_back();
        let Some(sealed) = live.and_then(|secret| secret.sealed.as_deref()) else { return Ok(None) };
        let opened = self.context.vault.open_client_secret(&application.client_id, sealed);
        opened.map(Some).map_err(|error| Fault::Broken(Box::new(error)))
    }
}
