//! Clients that identify themselves by the URL of their metadata document.
//!
//! The document is fetched and cached. Its application is stored under the URL when something must refer to it: a pushed
//! request, a device that waits for its user, or a consent. It belongs to the first active administrator, who can see and
//! delete it like any other.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ClientId, Epoch, UserId};
use domain::time::Timestamp;
use fetch::{CacheRules, DocumentError, Documents, FetchError, Fetched, Fetcher};
use oauth::application::{Application, ApplicationSettings};
use oauth::client_authentication::AuthenticatedClient;
use oauth::client_document::{self, ClientDocument};
use oauth::refusal::Refusal;
use store::{Amendment, ApplicationRefusal, DocumentClientLimits, NewApplication, Store, StoreError};
use vault::jose::KeySet;

use crate::identity::caller::RequestOrigin;
use crate::identity::operator;
use crate::node::entity_cache::Entities;
use crate::node::lifetimes::DAY_SECS;
use crate::node::outbound::FetchPurpose;
use crate::node::periodic::Periodic;
use crate::node::strangers::Left;
use crate::protocol::attesters::Attesters;
use crate::protocol::rate_limits::RateLimits;
use crate::protocol::refusal::ProtocolRefusal;
use crate::{Context, Fault};

/// How many applications may be stored that no user has allowed. Anybody can push a request, or start a device, for another
/// document, so a further one replaces the oldest.
const MOST_WAITING: u32 = 1_000;
/// The same for one host.
const MOST_WAITING_OF_HOST: u32 = 50;

/// The minimum age, in seconds, at which a document is fetched again because of an unknown key.
const RECENT_SECS: u32 = 60;

/// How often unused applications are looked for, because that reads all grants.
const PURGE_EVERY_SECS: i64 = 3_600;
/// How long an application may be unused before it is deleted.
const UNUSED_KEPT_SECS: i64 = DAY_SECS;
const PURGE_BATCH: u32 = 1_000;

/// Reads a document, and the keys in it.
fn read(url: &str, body: &[u8]) -> Result<ClientDocument, Refusal> {
    let document = client_document::read(url, body)?;
    let is_usable = document.key_set().is_none_or(|set| KeySet::of(set).is_ok());
    if is_usable { Ok(document) } else { Err(Refusal::ClientDocumentMethod) }
}

/// The documents of clients that this node has fetched.
pub(crate) struct ClientDocuments {
    documents: Documents<ClientDocument, Refusal>,
    of_strangers: Fetcher,
    /// For clients that a user has allowed. Strangers cannot use it up with documents of their own.
    of_allowed: Fetcher,
    purge: Periodic,
}

impl ClientDocuments {
    const RULES: CacheRules = CacheRules {
        largest_body: client_document::LARGEST,
        most_documents: 1_000,
        floor_secs: 60,
        ceiling_secs: 86_400,
        default_secs: 300,
        stale_secs: 3_600,
    };

    pub(crate) fn new(fetcher: &Fetcher) -> Self {
        let (of_strangers, of_allowed) = (
            FetchPurpose::ClientDocuments.share(fetcher),
            FetchPurpose::AllowedClientDocuments.share(fetcher),
        );
        let documents = Documents::new(Self::RULES, read);
        Self { documents, of_strangers, of_allowed, purge: Periodic::new(PURGE_EVERY_SECS) }
    }

    /// Deletes applications of documents that nobody uses, now and then.
    ///
    /// # Errors
    /// If the database fails; the next round tries again.
    pub(crate) async fn delete_unused(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        if !self.purge.is_due(now) {
            return Ok(());
        }
        let unused_since = now.minus_secs(UNUSED_KEPT_SECS);
        while store.purge_document_clients(unused_since, PURGE_BATCH).await? >= PURGE_BATCH.into() {}
        self.purge.note_done(now);
        Ok(())
    }
}

/// Clients that a document describes, and registered ones by the same ways.
#[derive(Clone, Copy)]
pub(crate) struct DescribedClients<'a> {
    context: &'a Context,
}

component!(DescribedClients);

impl DescribedClients<'_> {
    /// The client that an authorization request names: a registered application, or the one that a document at the
    /// URL describes.
    ///
    /// # Errors
    /// The refusal, if the document cannot be fetched or breaks a rule; `temporarily_unavailable` only if this server fetches
    /// too many.
    pub(crate) async fn named(
        self,
        id: &ClientId,
    ) -> Result<Result<Option<Arc<Application>>, Refusal>, Fault> {
        if !id.is_url() {
            return Ok(Ok(Entities::of(self.context).application_by_client_id(id).await?));
        }
        if !self.context.settings.client_documents {
            return Ok(Ok(None));
        }
        if let Err(refusal) = self.may_be_fetched(id) {
            return Ok(Err(refusal));
        }
        match self.fetched_document(id, None).await {
            Ok(document) => self.described(id, &document).await,
            Err(error) => Ok(Err(refusal_of(&error))),
        }
    }

    /// The client that a request names at an endpoint without a user: the stored application, as its document described
    /// it last, so that granted access does not depend on the host of the document; else the one that the document
    /// describes now.
    pub(crate) async fn presented(
        self,
        id: &ClientId,
    ) -> Result<Result<Option<Arc<Application>>, Refusal>, Fault> {
        match Entities::of(self.context).application_by_client_id(id).await? {
            // Boxed, so that registered clients do not pay for the state that only this path needs.
            None if id.is_url() => Box::pin(self.named(id)).await,
            found => Ok(Ok(found)),
        }
    }

    /// Follows the document of a stored client whose assertion its known keys do not verify, unless it was fetched a
    /// moment ago.
    ///
    /// # Errors
    /// If the document cannot be fetched now: its keys may be others.
    pub(crate) async fn find_new_keys(self, id: &ClientId) -> Result<Result<(), Refusal>, Fault> {
        let is_stored =
            id.is_url() && Entities::of(self.context).application_by_client_id(id).await?.is_some();
        if !is_stored || !self.context.settings.client_documents || self.may_be_fetched(id).is_err() {
            return Ok(Ok(()));
        }
        match self.fetched_document(id, Some(RECENT_SECS)).await {
            Ok(document) => {
                let _followed = self.described(id, &document).await?;
            }
            Err(error) if error.is_transient() => return Ok(Err(refusal_of(&error))),
            // Without a newer document the assertion is as wrong as before.
            Err(_) => {}
        }
        Ok(Ok(()))
    }

    async fn fetched_document(
        self,
        id: &ClientId,
        secs: Option<u32>,
    ) -> Result<Fetched<ClientDocument>, DocumentError<Refusal>> {
        let ClientDocuments { documents, of_strangers, of_allowed, .. } = &self.context.client_documents;
        let through = async {
            // If the database fails, nothing will come of the request anyway.
            let is_allowed = self.context.store.document_client_is_allowed(id.clone()).await.unwrap_or(false);
            Some(if is_allowed { of_allowed } else { of_strangers })
        };
        documents.get(id.as_str(), secs, self.context.now(), through).await
    }

    fn may_be_fetched(self, id: &ClientId) -> Result<(), Refusal> {
        client_document::url_identifies_a_client(id.as_str())?;
        self.context.settings.reachable().check(id.as_str()).map_err(|_| Refusal::ClientDocumentInside)?;
        let host = client_document::host(id);
        let is_accepted = host.is_some_and(|host| self.context.settings.document_hosts.accept(&host));
        if is_accepted { Ok(()) } else { Err(Refusal::ClientDocumentHost) }
    }

    async fn described(
        self,
        id: &ClientId,
        fetched: &Fetched<ClientDocument>,
    ) -> Result<Result<Option<Arc<Application>>, Refusal>, Fault> {
        let stored = Entities::of(self.context).application_by_client_id(id).await?;
        let existing = stored.as_ref().map(|application| &application.settings);
        let scopes = Entities::of(self.context).scope_registry().await?;
        let minimum = self.context.settings.minimum_profile;
        let (reachable, schemes) =
            (self.context.settings.reachable(), &self.context.settings.private_use_schemes);
        let attestable = Attesters::of(self.context).may_attest(Some(id)).await?;
        let described = fetched.document.settings(&scopes, minimum, reachable, schemes, attestable, existing);
        let mut settings = match described {
            Ok(settings) => settings,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match stored {
            None => {
                settings.client_metadata.described_at = Some(fetched.at);
                Ok(Ok(Some(Arc::new(self.not_stored(id, settings)))))
            }
            Some(stored) if stored.settings.same_apart_from_fetch(&settings) => Ok(Ok(Some(stored))),
            Some(stored) => {
                settings.client_metadata.described_at = Some(fetched.at);
                Ok(Ok(self.follow_document(&stored, settings, fetched.at).await?))
            }
        }
    }

    fn not_stored(self, id: &ClientId, settings: ApplicationSettings) -> Application {
        Application {
            id: Application::NOT_STORED,
            client_id: id.clone(),
            owner: UserId::new(0),
            owner_name: String::new(),
            handed_over: None,
            epoch: Epoch::new(1),
            settings,
            secrets: Vec::new(),
            created_at: self.context.now(),
            updated_at: self.context.now(),
            last_used_at: None,
        }
    }

    /// Stores what the document says now, unless another node has stored what a newer one says: a node keeps a document for
    /// as long as its headers allow. Consents stay: a user is asked every time, with the address of the request in sight.
    async fn follow_document(
        self,
        stored: &Application,
        settings: ApplicationSettings,
        fetched_at: Timestamp,
    ) -> Result<Option<Arc<Application>>, Fault> {
        let now = self.context.now();
        let amendment = Amendment::by(move |current| {
            let is_outdated =
                client_document::is_outdated(fetched_at, current.client_metadata.described_at, now);
            if is_outdated { Err(Vec::new()) } else { Ok((settings.clone(), Vec::new())) }
        });
        let mut audit = NewAuditEvent::new(Action::UpdateApplication, Outcome::Success, self.context.now());
        audit.application = Some(stored.id);
        audit.subject = Some(stored.settings.name.clone());
        audit.detail = Some("its metadata document has changed".to_owned());
        let updated = self.context.store.update_application(stored.id, amendment, audit).await?;
        self.context.entities.forget_applications();
        match updated {
            Ok(_) | Err(ApplicationRefusal::Faulty(_)) => {
                Ok(Entities::of(self.context).application_by_client_id(&stored.client_id).await?)
            }
            Err(_) => Ok(None),
        }
    }

    /// Stores the application that a document describes, and says whether the request must be checked again because
    /// there is one now.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub(crate) async fn store(
        self,
        application: &Application,
        origin: &RequestOrigin,
    ) -> Result<bool, Fault> {
        if application.is_stored() {
            return Ok(false);
        }
        let (new, audit) = self.new_application(application, origin).await?;
        let inserted = self.context.store.insert_application(new, audit).await?;
        self.context.entities.forget_applications();
        match inserted {
            Ok(_) | Err(ApplicationRefusal::ClientIdTaken | ApplicationRefusal::ScopeDeleted) => Ok(true),
            Err(refusal) => Err(not_stored(&refusal)),
        }
    }

    /// The same client, whose application is stored, so that something can refer to it before a user has allowed it.
    ///
    /// # Errors
    /// If the network of the request has stored too many, or the database cannot be written.
    pub(crate) async fn with_stored_application(
        self,
        client: AuthenticatedClient,
        origin: &RequestOrigin,
    ) -> Result<AuthenticatedClient, ProtocolRefusal> {
        if client.application().is_stored() {
            return Ok(client);
        }
        RateLimits::of(self.context).leave_as(&client, Left::DocumentClient, origin)?;
        let (new, audit) = self.new_application(client.application(), origin).await?;
        let client_id = new.client_id.clone();
        let host = client_document::host(&client_id).ok_or(Refusal::ClientUrlUnusable)?;
        let limits = DocumentClientLimits { of_host: MOST_WAITING_OF_HOST, total: MOST_WAITING, host };
        let inserted = self.context.store.insert_document_client(new, limits, audit).await?;
        self.context.entities.forget_applications();
        match inserted {
            Ok(_) | Err(ApplicationRefusal::ClientIdTaken) => {}
            Err(refusal) => return Err(not_stored(&refusal).into()),
        }
        let stored = Entities::of(self.context).application_by_client_id(&client_id).await?;
        Ok(client.stored(stored.ok_or(Refusal::UnknownClient)?)?)
    }

    async fn new_application(
        self,
        described: &Application,
        origin: &RequestOrigin,
    ) -> Result<(NewApplication, NewAuditEvent), Fault> {
        let Some(operator) = operator::caller(self.context).await? else {
            return Err(Fault::Broken("there is no active administrator".into()));
        };
        let mut audit = origin.audit(Action::RegisterApplication, Outcome::Success, self.context.now());
        audit.subject = Some(described.settings.name.clone());
        audit.detail = Some(format!("described by {}", described.client_id));
        let new = NewApplication {
            client_id: described.client_id.clone(),
            owner: operator.account().user.id,
            settings: described.settings.clone(),
            secret: None,
            at: self.context.now(),
        };
        Ok((new, audit))
    }
}

fn not_stored(refusal: &ApplicationRefusal) -> Fault {
    Fault::Broken(format!("a client is not stored: {refusal:?}").into())
}

/// Whatever is wrong with a host that a stranger names is a fault of the request; a failure of this server is only that it
/// fetches too many.
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
            FetchError::Busy => Refusal::ClientDocumentLater,
            FetchError::Malformed | FetchError::TooOften => Refusal::ClientDocumentNotNow,
            FetchError::Status(_) if error.is_transient() => Refusal::ClientDocumentNotNow,
            FetchError::Status(_) | FetchError::MediaType | FetchError::ContentCoding => {
                Refusal::ClientDocumentAnswer
            }
            FetchError::TooLarge => Refusal::ClientDocumentTooLarge,
        },
    }
}

#[cfg(test)]
mod tests {
    use oauth::error::ErrorCode;

    use super::*;

    #[test]
    fn a_host_that_is_out_of_order_is_a_fault_of_the_request_and_only_the_load_is_one_of_the_server() {
        for (error, code, may_pass) in [
            (FetchError::NotResolved, ErrorCode::InvalidClient, true),
            (FetchError::SpecialUse("private"), ErrorCode::InvalidClient, true),
            (FetchError::Unreachable, ErrorCode::InvalidClient, true),
            (FetchError::Untrusted, ErrorCode::InvalidClient, true),
            (FetchError::TimedOut, ErrorCode::InvalidClient, true),
            (FetchError::Malformed, ErrorCode::InvalidClient, true),
            (FetchError::TooOften, ErrorCode::InvalidClient, true),
            (FetchError::Status(500), ErrorCode::InvalidClient, true),
            (FetchError::Status(404), ErrorCode::InvalidClient, false),
            (FetchError::TooLarge, ErrorCode::InvalidClient, false),
            (FetchError::Busy, ErrorCode::TemporarilyUnavailable, true),
        ] {
            let refusal = refusal_of(&DocumentError::Fetch(error));
            assert_eq!((refusal.code(), refusal.may_pass()), (code, may_pass), "{error:?}");
        }
    }
}
