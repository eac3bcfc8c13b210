//! Applications that the metadata documents of clients describe.

use domain::audit::NewAuditEvent;
use domain::id::ClientId;
use domain::time::Timestamp;
use oauth::application::Application;

use crate::{Answer, ApplicationRefusal, Judged, NewApplication};

/// How many applications of documents may be stored that no user has allowed and that never got a token.
#[derive(Debug, Clone)]
pub struct DocumentClientLimits {
    /// Those of one host.
    pub of_host: u32,
    /// All.
    pub total: u32,
    /// The name of the host, as its client ids spell it.
    pub host: String,
}

/// Applications whose client id is the URL of a metadata document.
pub trait DocumentClients {
    /// Stores an application that nobody has allowed yet. If a limit is reached, it replaces the oldest such
    /// application, of the same host first.
    fn insert_document_client(
        &self,
        new: NewApplication,
        limits: DocumentClientLimits,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// Whether an application has this client id and a user has allowed it.
    fn document_client_is_allowed(&self, id: ClientId) -> Answer<'_, bool>;
    /// Deletes at most `batch` applications that have no consent and no grant, and were neither changed nor used since a
    /// time; returns their number.
    fn purge_document_clients(&self, unused_since: Timestamp, batch: u32) -> Answer<'_, u64>;
}
