//! Applications that the metadata documents of clients describe.

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use oauth::application::Application;

use crate::{Answer, ApplicationRefusal, Judged, NewApplication};

/// Applications whose client id is the URL of a metadata document.
pub trait DocumentClients {
    /// Stores an application that nobody has allowed yet, unless `most` such applications are stored; `None` then.
    fn insert_document_client(
        &self,
        new: NewApplication,
        most: u32,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Option<Application>, ApplicationRefusal>>;
    /// Deletes at most `batch` applications that have no consent and no grant, and were neither changed nor used since a
    /// time; returns their number.
    fn purge_document_clients(&self, unused_since: Timestamp, batch: u32) -> Answer<'_, u64>;
}
