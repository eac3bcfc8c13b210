//! Clients that register themselves, and initial access tokens: each operation, in its kind of transaction.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, InitialAccessTokenId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::client_registration::InitialAccessToken;
use oauth::registration::Warning;
use oauth::revocation::Revocation;
use store::relational::{client_registrations, initial_access_tokens, judged};
use store::{
    Amendment, Answer, ApplicationRefusal, ClientRegistrations, InitialAccessTokenRefusal, Judged,
    NewApplication, NewInitialAccessToken, NewRegistration, RegistrationTokens,
};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

impl ClientRegistrations for PostgresStore {
    fn register_client(
        &self,
        new: NewApplication,
        registration: NewRegistration,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => judged(client_registrations::insert(&Tables(db), &new, &registration, &audit)))
    }

    fn update_registered_client(
        &self,
        id: ApplicationId,
        tokens: RegistrationTokens,
        amendment: Amendment,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Warning>), ApplicationRefusal>> {
        serialized!(self, db => judged(client_registrations::update(&Tables(db), id, &tokens, &amendment, &audit)))
    }

    fn delete_registered_client(
        &self,
        id: ApplicationId,
        token: Digest,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>> {
        serialized!(self, db => judged(client_registrations::delete(&Tables(db), id, &token, revocation_expires_at, &audit)))
    }

    fn delete_unused_client(
        &self,
        id: ApplicationId,
        before: Timestamp,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>> {
        serialized!(self, db => judged(client_registrations::delete_unused(&Tables(db), id, before, revocation_expires_at, &audit)))
    }

    fn insert_initial_access_token(
        &self,
        new: NewInitialAccessToken,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<InitialAccessToken, InitialAccessTokenRefusal>> {
        serialized!(self, db => judged(initial_access_tokens::insert(&Tables(db), &new, &audit)))
    }

    fn delete_initial_access_token(
        &self,
        id: InitialAccessTokenId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), InitialAccessTokenRefusal>> {
        serialized!(self, db => judged(initial_access_tokens::delete(&Tables(db), id, &audit)))
    }

    fn purge_initial_access_tokens(&self, now: Timestamp) -> Answer<'_, u64> {
        serialized!(self, db => initial_access_tokens::purge(&Tables(db), now))
    }

    fn find_registered_client<'a>(
        &'a self,
        client_id: &'a ClientId,
        token: &'a Digest,
    ) -> Answer<'a, Option<Application>> {
        read!(self, db => client_registrations::find(&Tables(db), client_id, token))
    }

    fn unused_registered_clients(&self, before: Timestamp, limit: u32) -> Answer<'_, Vec<ApplicationId>> {
        read!(self, db => client_registrations::unused(&Tables(db), before, limit))
    }

    fn find_usable_initial_access_token<'a>(
        &'a self,
        digest: &'a Digest,
        now: Timestamp,
    ) -> Answer<'a, Option<InitialAccessToken>> {
        read!(self, db => initial_access_tokens::find_usable(&Tables(db), digest, now))
    }

    fn list_initial_access_tokens(&self) -> Answer<'_, Vec<InitialAccessToken>> {
        read!(self, db => initial_access_tokens::list(&Tables(db)))
    }
}
