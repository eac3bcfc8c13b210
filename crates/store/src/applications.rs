//! Registered applications and their secrets.

use std::fmt;
use std::sync::Arc;

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, SecretId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::{Application, ApplicationSettings};
use oauth::registration::{self, InvalidField, Warning};
use oauth::revocation::Revocation;

use crate::{Answer, Judged};

/// An application to be registered.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// A fresh client id.
    pub client_id: ClientId,
    /// The user who manages the application.
    pub owner: UserId,
    /// The settings that the owner chooses.
    pub settings: ApplicationSettings,
    /// None for a public application.
    pub secret: Option<NewSecret>,
    /// The time of the operation.
    pub at: Timestamp,
}

/// A secret to be stored.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// The digest with which a presented secret is compared.
    pub digest: Digest,
    /// The last four characters of the secret.
    pub hint: String,
    /// The secret in a form that the server can read.
    pub sealed: SealedSecret,
}

/// A secret that is sealed under the master key. Which of them are stored is decided in the transaction that stores
/// them.
#[derive(Debug, Clone)]
pub enum SealedSecret {
    /// There is none.
    None,
    /// Stored if the secret verifies assertions of the application.
    IfNeeded(Vec<u8>),
    /// Stored in any case, because the configuration allows secrets to be revealed.
    Always(Vec<u8>),
}

impl SealedSecret {
    /// What is stored for an application with these settings.
    pub fn stored_for(&self, settings: &ApplicationSettings) -> Option<&[u8]> {
        match self {
            Self::Always(sealed) => Some(sealed),
            Self::IfNeeded(sealed) if settings.client_metadata.authentication.needs_readable_secret() => {
                Some(sealed)
            }
            Self::None | Self::IfNeeded(_) => None,
        }
    }
}

/// Which applications to list, by id.
#[derive(Debug, Clone, Default)]
pub struct ApplicationFilter {
    /// Only applications of this owner.
    pub owner: Option<UserId>,
    /// Only applications after this id.
    pub after: Option<ApplicationId>,
    /// The maximum number of results.
    pub limit: Option<u32>,
    /// Only applications whose name or description contains this text, ignoring case.
    pub query: Option<String>,
}

/// Computes the new settings of an application from the settings that are stored at the time of the write. A
/// concurrent withdrawal is therefore never undone.
#[derive(Clone)]
pub struct Amendment {
    rule: Arc<dyn Fn(&ApplicationSettings) -> registration::JudgedRegistration + Send + Sync>,
    secret: Option<NewSecret>,
}

impl Amendment {
    /// Computes the settings with `rule`. The rule may run several times, so it must have no side effects.
    pub fn by(
        rule: impl Fn(&ApplicationSettings) -> registration::JudgedRegistration + Send + Sync + 'static,
    ) -> Self {
        Self { rule: Arc::new(rule), secret: None }
    }

    /// The same amendment with a secret that replaces the others if the new settings need one that the server can read,
    /// and there is none.
    #[must_use]
    pub fn with_secret(self, secret: NewSecret) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// The secret of [`Self::with_secret`].
    pub fn secret(&self) -> Option<&NewSecret> {
        self.secret.as_ref()
    }

    /// Replaces the settings, whatever they are.
    pub fn to(settings: ApplicationSettings) -> Self {
        Self::by(move |_| Ok((settings.clone(), Vec::new())))
    }

    /// Returns the settings that replace `current`, with warnings about them.
    ///
    /// # Errors
    /// All faults of the new settings.
    pub fn decide(&self, current: &ApplicationSettings) -> registration::JudgedRegistration {
        (self.rule)(current)
    }
}

impl fmt::Debug for Amendment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amendment").finish_non_exhaustive()
    }
}

/// Why a change to an application was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationRefusal {
    /// No entry has that id, or the caller may not see it.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// Another application has the client id.
    ClientIdTaken,
    /// The new settings have these faults.
    Faulty(Vec<InvalidField>),
    /// The new settings name a scope that was deleted meanwhile.
    ScopeDeleted,
    /// Two secrets are already live.
    TwoLiveSecrets,
    /// No live secret has that id.
    UnknownSecret,
    /// The last live secret cannot be revoked; reset it instead.
    LastSecret,
    /// A public application has no secrets.
    Public,
    /// The application acts as its owner, and the caller may not provide its credentials.
    ActsAsOwner,
    /// As many clients have registered themselves as may.
    TooManyRegistrations,
    /// No initial access token with that digest may be used any more.
    InitialTokenUnusable,
}

/// Registered applications and their secrets.
pub trait Applications {
    /// Finds an application by its id.
    fn find_application(&self, id: ApplicationId) -> Answer<'_, Option<Application>>;
    /// Finds an application by its client id.
    fn find_application_by_client_id<'a>(
        &'a self,
        client_id: &'a ClientId,
    ) -> Answer<'a, Option<Application>>;
    /// Lists applications by id.
    fn list_applications(&self, filter: ApplicationFilter) -> Answer<'_, Vec<Application>>;
    /// Registers an application. The audit event receives its id.
    fn insert_application(
        &self,
        new: NewApplication,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// Replaces the stored settings by the result of the amendment.
    fn update_application(
        &self,
        id: ApplicationId,
        amendment: Amendment,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Warning>), ApplicationRefusal>>;
    /// Deletes an application and revokes its consents, grants, codes and tokens.
    fn delete_application(
        &self,
        id: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>>;
    /// Replaces all secrets by a new one and revokes all access: consents, grants, codes and tokens.
    fn reset_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Revocation>), ApplicationRefusal>>;
    /// Adds a second live secret; the older one expires at `older_expires_at`. Revokes no access.
    fn add_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        older_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// Revokes one of two live secrets; the other one remains and no longer expires.
    fn end_secret(
        &self,
        id: ApplicationId,
        secret: SecretId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
}
