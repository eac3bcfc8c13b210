//! Registering and updating applications.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::ClientId;
use domain::secret::ClientSecret;
use oauth::application::{AcceptedCertificates, Application, ApplicationSettings, Profile, StoredSecret};
use oauth::reachable::Reachable;
use oauth::redirect::PrivateUseScheme;
use oauth::registration::{
    self, ApplicationPayload, InvalidField, JudgedRegistration, RegistrationContext, Warning,
};
use oauth::scope::ScopeRegistry;
use oauth::trusted_issuer::IssuerSettings;
use store::{Amendment, NewApplication};
use vault::jose::KeySet;

use super::{ApplicationError, ApplicationService};
use crate::Fault;
use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::{Account, CachedIssuers, Entities};
use crate::node::refusal_reason::RefusalReason;
use crate::node::sectors::{self, ReadSector, SectorOf};
use crate::protocol::client::NewCredentials;

/// Settings that fulfil every rule of registration. Only [`RegistrationRules`] creates them.
#[derive(Debug, Clone)]
pub struct Accepted {
    settings: ApplicationSettings,
    warnings: Vec<Warning>,
}

impl Accepted {
    /// The warnings about the accepted settings.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// A newly registered application.
#[derive(Debug, Clone)]
pub struct RegisteredApplication {
    /// The stored record.
    pub application: Application,
    /// The secret, which is shown only now; a public application has none, and neither has one that signs
    /// assertions.
    pub secret: Option<ClientSecret>,
}

/// An application with its new settings.
#[derive(Debug, Clone)]
pub struct UpdatedApplication {
    /// The stored record.
    pub application: Application,
    /// Warnings about the settings.
    pub warnings: Vec<Warning>,
    /// The secret that replaces the others, because the server could not read them and the new method of authentication
    /// needs that. It is shown only now.
    pub secret: Option<ClientSecret>,
}

/// The rules of registration for one sender, with the scopes that exist when they are asked.
#[derive(Debug, Clone)]
pub struct RegistrationRules {
    account: Arc<Account>,
    scopes: Arc<ScopeRegistry>,
    default_profile: Profile,
    minimum_profile: Profile,
    reachable: Reachable,
    private_use_schemes: Vec<PrivateUseScheme>,
    certificates: AcceptedCertificates,
    issuers: CachedIssuers,
}

impl RegistrationRules {
    /// Checks a payload.
    ///
    /// # Errors
    /// All faults.
    pub fn accept_registration(&self, payload: &ApplicationPayload) -> Result<Accepted, Vec<InvalidField>> {
        let (settings, warnings) = self.decide(payload, None)?;
        Ok(Accepted { settings, warnings })
    }

    /// Checks a payload for an existing application.
    ///
    /// # Errors
    /// All faults.
    pub fn accept_update(
        &self,
        current: &Application,
        payload: &ApplicationPayload,
    ) -> Result<Accepted, Vec<InvalidField>> {
        let (settings, warnings) = self.decide(payload, Some((&current.client_id, &current.settings)))?;
        Ok(Accepted { settings, warnings })
    }

    fn decide(
        &self,
        payload: &ApplicationPayload,
        existing: Option<(&ClientId, &ApplicationSettings)>,
    ) -> JudgedRegistration {
        let attests = |settings: &IssuerSettings| match existing {
            Some((client_id, _)) => settings.attests(client_id.as_str()),
            None => settings.attests_every_client(),
        };
        let context = RegistrationContext {
            permissions: &self.account.permissions,
            scopes: &self.scopes,
            default_profile: self.default_profile,
            minimum_profile: self.minimum_profile,
            reachable: self.reachable,
            private_use_schemes: &self.private_use_schemes,
            certificates: self.certificates,
            attestable: self.issuers.iter().any(|issuer| attests(&issuer.settings)),
            existing: existing.map(|(_, settings)| settings),
        };
        let decided = registration::decide(payload, context);
        match key_fault(payload) {
            None => decided,
            Some(fault) => Err(decided.err().into_iter().flatten().chain([fault]).collect()),
        }
    }
}

/// The fault of a key set that has no usable keys, or private ones.
fn key_fault(payload: &ApplicationPayload) -> Option<InvalidField> {
    let message = KeySet::of(payload.new_keys()?).err()?.to_string();
    Some(InvalidField { field: "jwks".to_owned(), message, lacks_right: false })
}

impl ApplicationService {
    /// The rules of registration for the actor.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn rules(&self, actor: &Actor) -> Result<RegistrationRules, Fault> {
        Ok(RegistrationRules {
            // Acting on behalf of another user gives nobody more rights than the caller has.
            account: Arc::clone(actor.caller().shared_account()),
            scopes: Entities::of(&self.context).scope_registry().await?,
            default_profile: self.context.settings.default_profile,
            minimum_profile: self.context.settings.minimum_profile,
            reachable: self.context.settings.reachable(),
            private_use_schemes: self.context.settings.private_use_schemes.clone(),
            certificates: self.context.settings.client_certificates.kinds(),
            issuers: Entities::of(&self.context).trusted_issuers().await?,
        })
    }

    /// Records the attempt to assign scopes that the caller may not assign, if the faults name such.
    pub async fn note_forbidden_scopes(
        &self,
        actor: &Actor,
        faults: &[InvalidField],
        origin: &RequestOrigin,
    ) {
        if faults.iter().any(|fault| fault.lacks_right) {
            Refusals::of(&self.context)
                .note_request(RefusalReason::ScopeForbidden, Some(actor.caller()), origin)
                .await;
        }
    }

    /// Registers an application for the user on whose behalf the caller acts.
    ///
    /// # Errors
    /// [`ApplicationError`]; no application was created then.
    pub async fn register(
        &self,
        actor: &Actor,
        accepted: Accepted,
        origin: &RequestOrigin,
    ) -> Result<RegisteredApplication, ApplicationError> {
        let settings = accepted.settings;
        let read = self.context.outbound.read_sector(SectorOf::Owned, &settings, None).await;
        read.map_err(|fault| ApplicationError::Invalid(vec![fault]))?;
        let (client_id, credentials) = NewCredentials::of(&self.context).new_client(&settings)?;
        let (secret, new_secret) = credentials.unzip();
        let mut audit = actor.audit(&self.context, Action::RegisterApplication, origin);
        audit.subject = Some(settings.name.clone());
        let owner = actor.subject().user.id;
        let new = NewApplication { client_id, owner, settings, secret: new_secret, at: self.context.now() };
        let application = Refusals::of(&self.context)
            .judged(actor.caller(), self.context.store.insert_application(new, audit).await?, origin)
            .await?;
        self.context.entities.forget_origins();
        Ok(RegisteredApplication { application, secret })
    }

    /// Replaces the settings of an application. The payload is checked
    /// against the settings at the time of the write, so that a concurrent withdrawal by an administrator is
    /// not undone. Existing tokens stay valid; their rights are narrowed where they are used.
    ///
    /// # Errors
    /// [`ApplicationError::Unknown`] if it was deleted meanwhile, [`ApplicationError::Invalid`] for a payload that breaks
    /// rules.
    pub async fn update(
        &self,
        actor: &Actor,
        current: &Application,
        payload: ApplicationPayload,
        origin: &RequestOrigin,
    ) -> Result<UpdatedApplication, ApplicationError> {
        let mut audit = self.audit_about(actor, Action::UpdateApplication, current, origin);
        audit.note_new_name(&current.settings.name, payload.name.as_deref().map(str::trim));
        let rules = self.rules(actor).await?;
        let read = match rules.decide(&payload, Some((&current.client_id, &current.settings))) {
            Ok((settings, _)) => {
                self.context.outbound.read_sector(SectorOf::Owned, &settings, Some(&current.settings)).await
            }
            // The faults are those of the payload, which the store returns.
            Err(_) => Ok(ReadSector::of(&current.settings)),
        };
        let read = read.map_err(|fault| ApplicationError::Invalid(vec![fault]))?;
        let client_id = current.client_id.clone();
        let amendment = Amendment::by(move |existing| {
            let (settings, warnings) = rules.decide(&payload, Some((&client_id, existing)))?;
            let is_read = read.covers(&settings) || ReadSector::of(existing).covers(&settings);
            if is_read { Ok((settings, warnings)) } else { Err(vec![sectors::changed_meanwhile()]) }
        });
        let (secret, new) = NewCredentials::of(&self.context).new_secret(&current.client_id);
        let digest = new.digest;
        let amendment = amendment.with_secret(new);
        let (application, warnings) = Refusals::of(&self.context)
            .judged(
                actor.caller(),
                self.context.store.update_application(current.id, amendment, audit).await?,
                origin,
            )
            .await?;
        self.context.entities.forget_applications();
        let is_new = |stored: &StoredSecret| self.context.vault.same_digest(&stored.digest, &digest);
        let is_stored = application.secrets.iter().any(is_new);
        Ok(UpdatedApplication { application, warnings, secret: is_stored.then_some(secret) })
    }
}
