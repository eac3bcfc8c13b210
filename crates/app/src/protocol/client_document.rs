//! Clients that identify themselves by the URL of their metadata document.
//!
//! Nothing is stored for a request: the document is fetched and cached. When a signed-in user allows the client, its
//! application is stored under the URL, so that consents and grants can refer to it. It belongs to the first active
//! administrator, who can see and delete it like any other.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, ClientId, Epoch, UserId};
use fetch::{CacheRules, DocumentError, Documents, FetchError, Fetcher};
use oauth::application::{Application, ApplicationSettings};
use oauth::client_document::{self, ClientDocument};
use oauth::refusal::Refusal;
use store::{Amendment, ApplicationRefusal, NewApplication};
use vault::jose::KeySet;

use crate::identity::caller::RequestOrigin;
use crate::identity::operator::OperatorService;
use crate::{Context, Fault};

/// The documents of clients that this node has fetched.
pub(crate) struct ClientDocuments(Documents<ClientDocument, Refusal>);

impl ClientDocuments {
    const RULES: CacheRules = CacheRules {
        largest_body: client_document::LARGEST,
        most_documents: 1_000,
        floor_secs: 60,
        ceiling_secs: 86_400,
        default_secs: 300,
    };

    pub(crate) fn new(fetcher: Fetcher) -> Self {
        Self(Documents::new(fetcher, Self::RULES, read))
    }
}

/// Reads a document, and the keys in it.
fn read(url: &str, body: &[u8]) -> Result<ClientDocument, Refusal> {
    let document = client_document::read(url, body)?;
    let is_usable = document.key_set().is_none_or(|set| KeySet::of(set).is_ok());
    if is_usable { Ok(document) } else { Err(Refusal::ClientDocumentMethod) }
}

/// The id of an application that is not stored. No row has it.
const NOT_STORED: ApplicationId = ApplicationId::new(0);

impl Context {
    /// The client that an authorization request names: a registered application, or the one that a document at the
    /// URL describes.
    ///
    /// # Errors
    /// The refusal, if the document cannot be fetched or breaks a rule.
    pub(crate) async fn client_named(
        self: &Arc<Self>,
        id: &ClientId,
    ) -> Result<Result<Option<Arc<Application>>, Refusal>, Fault> {
        if !id.is_url() {
            return Ok(Ok(self.application_by_client_id(id).await?));
        }
        if !self.settings.client_documents {
            return Ok(Ok(None));
        }
        if let Err(refusal) = client_document::url_identifies_a_client(id.as_str()) {
            return Ok(Err(refusal));
        }
        let document = match self.client_documents.0.get(id.as_str(), self.now()).await {
            Ok(document) => document,
            Err(error) => return Ok(Err(refusal_of(&error))),
        };
        let stored = self.application_by_client_id(id).await?;
        let existing = stored.as_ref().map(|application| &application.settings);
        let scopes = self.scope_registry().await?;
        let settings = match document.settings(&scopes, self.settings.minimum_profile, existing) {
            Ok(settings) => settings,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match stored {
            None => Ok(Ok(Some(Arc::new(self.not_stored(id, settings))))),
            Some(stored) if stored.settings == settings => Ok(Ok(Some(stored))),
            Some(stored) => Ok(Ok(self.follow_document(&stored, settings).await?)),
        }
    }

    fn not_stored(&self, id: &ClientId, settings: ApplicationSettings) -> Application {
        Application {
            id: NOT_STORED,
            client_id: id.clone(),
            owner: UserId::new(0),
            owner_name: String::new(),
            handed_over: None,
            epoch: Epoch::new(1),
            settings,
            secrets: Vec::new(),
            created_at: self.now(),
            updated_at: self.now(),
            last_used_at: None,
        }
    }

    /// Stores what the document says now. Consents stay: a user of a public client is asked every time, with the
    /// address of the request in sight.
    async fn follow_document(
        &self,
        stored: &Application,
        settings: ApplicationSettings,
    ) -> Result<Option<Arc<Application>>, Fault> {
        let mut audit = NewAuditEvent::new(Action::UpdateApplication, Outcome::Success, self.now());
        audit.application = Some(stored.id);
        audit.subject = Some(stored.settings.name.clone());
        audit.detail = Some("its metadata document has changed".to_owned());
        let updated = self.store.update_application(stored.id, Amendment::to(settings), audit).await?;
        self.entities.forget_applications();
        match updated {
            Ok(_) => Ok(self.application_by_client_id(&stored.client_id).await?),
            Err(_) => Ok(None),
        }
    }

    /// Stores the application that a document describes, and says whether the request must be checked again because
    /// there is one now.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub(crate) async fn store_client_of_document(
        self: &Arc<Self>,
        application: &Application,
        origin: &RequestOrigin,
    ) -> Result<bool, Fault> {
        if application.id != NOT_STORED {
            return Ok(false);
        }
        let operator = OperatorService::from(self).caller().await?;
        let Some(operator) = operator else {
            return Err(Fault::Broken("there is no active administrator".into()));
        };
        let mut audit = origin.audit(Action::RegisterApplication, Outcome::Success, self.now());
        audit.subject = Some(application.settings.name.clone());
        audit.detail = Some(format!("described by {}", application.client_id));
        let new = NewApplication {
            client_id: application.client_id.clone(),
            owner: operator.account().user.id,
            settings: application.settings.clone(),
            secret: None,
            at: self.now(),
        };
        let inserted = self.store.insert_application(new, audit).await?;
        self.entities.forget_applications();
        match inserted {
            Ok(_) | Err(ApplicationRefusal::ClientIdTaken | ApplicationRefusal::ScopeDeleted) => Ok(true),
            Err(refusal) => Err(Fault::Broken(format!("a client is not stored: {refusal:?}").into())),
        }
    }
}

fn refusal_of(error: &DocumentError<Refusal>) -> Refusal {
    match error {
        DocumentError::Invalid(refusal) => *refusal,
        DocumentError::Fetch(error) => match error {
            FetchError::NotHttps | FetchError::UnusableUrl => Refusal::ClientUrlUnusable,
            FetchError::NotResolved
            | FetchError::SpecialUse(_)
            | FetchError::Unreachable
            | FetchError::Untrusted
            | FetchError::TimedOut => Refusal::ClientDocumentUnreachable,
            FetchError::Malformed
            | FetchError::Status(_)
            | FetchError::MediaType
            | FetchError::ContentCoding => Refusal::ClientDocumentAnswer,
            FetchError::TooLarge => Refusal::ClientDocumentTooLarge,
            FetchError::Busy => Refusal::ClientDocumentLater,
        },
    }
}
