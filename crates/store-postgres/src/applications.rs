//! Applications and their secrets: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, SecretId};
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::registration::Warning;
use oauth::revocation::Revocation;
use store::relational::applications::{self, secrets};
use store::relational::judged;
use store::{
    Amendment, Answer, ApplicationFilter, ApplicationRefusal, Applications, Judged, NewApplication, NewSecret,
};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl Applications for PostgresStore {
    fn find_application(&self, id: ApplicationId) -> Answer<'_, Option<Application>> {
        read!(self, db => applications::find(&Tables(db), id))
    }

    fn find_application_by_client_id<'a>(
        &'a self,
        client_id: &'a ClientId,
    ) -> Answer<'a, Option<Application>> {
        read!(self, db => applications::find_by_client_id(&Tables(db), client_id))
    }

    fn list_applications(&self, filter: ApplicationFilter) -> Answer<'_, Vec<Application>> {
        read!(self, db => applications::list(&Tables(db), &filter))
    }

    fn insert_application(
        &self,
        new: NewApplication,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => judged(applications::insert(&Tables(db), &new, &audit)))
    }

    fn update_application(
        &self,
        id: ApplicationId,
        amendment: Amendment,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Warning>), ApplicationRefusal>> {
        serialized!(self, db => judged(applications::update(&Tables(db), id, &amendment, &audit)))
    }

    fn delete_application(
        &self,
        id: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>> {
        serialized!(self, db => judged(applications::delete(&Tables(db), id, revocation_expires_at, &audit)))
    }

    fn reset_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Revocation>), ApplicationRefusal>> {
        serialized!(self, db => judged(secrets::reset(&Tables(db), id, &secret, revocation_expires_at, &audit)))
    }

    fn add_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        older_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => judged(secrets::add(&Tables(db), id, &secret, older_expires_at, &audit)))
    }

    fn end_secret(
        &self,
        id: ApplicationId,
        secret: SecretId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => judged(secrets::end(&Tables(db), id, secret, &audit)))
    }
}
