//! Applications that the metadata documents of clients describe.

use domain::audit::NewAuditEvent;
use domain::id::ClientId;
use domain::time::Timestamp;
use oauth::application::Application;
use store::relational::{document_clients, judged, run_ready};
use store::{Answer, ApplicationRefusal, DocumentClientLimits, DocumentClients, Judged, NewApplication};

use crate::SqliteStore;
use crate::tables::Tables;

impl DocumentClients for SqliteStore {
    fn insert_document_client(
        &self,
        new: NewApplication,
        limits: DocumentClientLimits,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        self.write(move |db| run_ready(judged(document_clients::insert(&Tables(db), &new, &limits, &audit))))
    }

    fn document_client_is_allowed(&self, id: ClientId) -> Answer<'_, bool> {
        self.read(move |db| run_ready(document_clients::is_allowed(&Tables(db), &id)))
    }

    /// Without such applications nothing is written.
    fn purge_document_clients(&self, unused_since: Timestamp, batch: u32) -> Answer<'_, u64> {
        Box::pin(async move {
            let find =
                self.read(move |db| run_ready(document_clients::unused(&Tables(db), unused_since, batch)));
            if find.await?.is_empty() {
                return Ok(0);
            }
            self.write(move |db| run_ready(document_clients::purge(&Tables(db), unused_since, batch))).await
        })
    }
}
