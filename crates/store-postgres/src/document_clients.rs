//! Applications that the metadata documents of clients describe.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId};
use domain::time::Timestamp;
use oauth::application::Application;
use store::relational::{document_clients, judged};
use store::{Answer, ApplicationRefusal, DocumentClientLimits, DocumentClients, Judged, NewApplication};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl DocumentClients for PostgresStore {
    fn insert_document_client(
        &self,
        new: NewApplication,
        limits: DocumentClientLimits,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => judged(document_clients::insert(&Tables(db), &new, &limits, &audit)))
    }

    fn document_client_is_allowed(&self, id: ClientId) -> Answer<'_, bool> {
        read!(self, db => document_clients::is_allowed(&Tables(db), &id))
    }

    /// Without such applications no transaction is serialized.
    fn purge_document_clients(&self, unused_since: Timestamp, batch: u32) -> Answer<'_, u64> {
        let find: Answer<'_, Vec<ApplicationId>> =
            read!(self, db => document_clients::unused(&Tables(db), unused_since, batch));
        Box::pin(async move {
            if find.await?.is_empty() {
                return Ok(0);
            }
            let purged: Answer<'_, u64> =
                serialized!(self, db => document_clients::purge(&Tables(db), unused_since, batch));
            purged.await
        })
    }
}
