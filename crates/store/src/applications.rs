//! Registered applications and their secrets.

use std::fmt;
use std::sync::Arc;

use oauth::application::{Application, ApplicationSettings};
use oauth::audit::NewAuditEvent;
use oauth::id::{ApplicationId, ClientId, SecretId, UserId};
use oauth::registration::{self, Fault, Warning};
use oauth::revocation::Revocation;
use oauth::secret::Digest;
use oauth::time::Timestamp;

use crate::{Answer, Judged};

/// An application to be registered.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// Fresh.
    pub client_id: ClientId,
    /// Who will manage it.
    pub owner: UserId,
    /// What its owner decides.
    pub settings: ApplicationSettings,
    /// None for a public application.
    pub secret: Option<NewSecret>,
    /// When it happens.
    pub at: Timestamp,
}

/// A secret to be stored.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// What the secret is compared with.
    pub digest: Digest,
    /// The last four characters of the secret.
    pub hint: String,
    /// The secret under the master key, only where the configuration reveals secrets.
    pub sealed: Option<Vec<u8>>,
}

/// Which applications to list, by id.
#[derive(Debug, Clone, Default)]
pub struct ApplicationFilter {
    /// Only those of this owner.
    pub owner: Option<UserId>,
    /// Only those after this id.
    pub after: Option<ApplicationId>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Only those whose name or description contains it, compared without case.
    pub query: Option<String>,
}

/// What becomes of an application's settings, decided from those that are stored at the moment of the write: what was
/// taken away a moment before is not given back.
#[derive(Clone)]
pub struct Amendment(Arc<dyn Fn(&ApplicationSettings) -> registration::Judged + Send + Sync>);

impl Amendment {
    /// Decides by a rule. It may be asked several times, so it does nothing else.
    pub fn by(rule: impl Fn(&ApplicationSettings) -> registration::Judged + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// Replaces the settings whatever they are.
    pub fn to(settings: ApplicationSettings) -> Self {
        Self::by(move |_| Ok((settings.clone(), Vec::new())))
    }

    /// The settings that take the place of `current`, with what is odd about them.
    ///
    /// # Errors
    /// Every fault that they would have.
    pub fn decide(&self, current: &ApplicationSettings) -> registration::Judged {
        (self.0)(current)
    }
}

impl fmt::Debug for Amendment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amendment").finish_non_exhaustive()
    }
}

/// Why an act on an application was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationRefusal {
    /// There is none of that id within reach.
    Unknown,
    /// The rights by which the act was judged do not hold any more.
    RightsChanged,
    /// The settings would have these faults.
    Faulty(Vec<Fault>),
    /// Two secrets are live already.
    TwoLiveSecrets,
    /// There is no live secret of that id.
    UnknownSecret,
    /// The last live secret cannot be ended; reset it instead.
    LastSecret,
    /// A public application has no secrets.
    Public,
}

/// Registered applications and their secrets.
pub trait Applications {
    /// The application of that id.
    fn find_application(&self, id: ApplicationId) -> Answer<'_, Option<Application>>;
    /// The application of that client id.
    fn find_application_by_client_id<'a>(
        &'a self,
        client_id: &'a ClientId,
    ) -> Answer<'a, Option<Application>>;
    /// Applications by id.
    fn list_applications(&self, filter: ApplicationFilter) -> Answer<'_, Vec<Application>>;
    /// Registers an application. The event gets its id.
    fn insert_application(
        &self,
        new: NewApplication,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// Replaces the settings by what the amendment makes of those that are stored.
    fn update_application(
        &self,
        id: ApplicationId,
        amendment: Amendment,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Warning>), ApplicationRefusal>>;
    /// Deletes an application; its consents, grants, codes and tokens are dead at once.
    fn delete_application(
        &self,
        id: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>>;
    /// Replaces all secrets by a new one and ends all access: consents, grants, codes and tokens are dead at once.
    fn reset_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Revocation>), ApplicationRefusal>>;
    /// Adds a second live secret; the older one expires at `older_expires_at`. Ends no access.
    fn add_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        older_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// Ends one of two live secrets; the other lives on without expiry.
    fn end_secret(
        &self,
        id: ApplicationId,
        secret: SecretId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
}
