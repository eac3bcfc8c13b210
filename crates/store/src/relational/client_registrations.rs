//! Clients that register themselves. Everything is checked before anything is written, because a refusal must change
//! nothing.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::registration::Warning;
use oauth::revocation::Revocation;

use super::applications::{self, credentials};
use super::{Change, NamedStatement, Read, SqlTransaction, initial_access_tokens, values};
use crate::{Amendment, ApplicationRefusal, NewApplication, NewRegistration, RegistrationTokens};

/// Registers an application for itself.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewApplication,
    registration: &NewRegistration,
    event: &NewAuditEvent,
) -> Change<Application, S, ApplicationRefusal> {
    static COUNT: NamedStatement = NamedStatement::new("SELECT count(*) FROM client_registrations");
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO client_registrations (application_id, token_digest, registered_at)
        VALUES (:application, :token, :at)",
    );
    let NewRegistration { token, initial_token, most_clients } = registration;
    if let Some(digest) = initial_token {
        let usable = initial_access_tokens::find_usable(db, digest, new.at).await?;
        if usable.is_none_or(|token| token.created_by != new.owner) {
            return Err(ApplicationRefusal::InitialTokenUnusable.into());
        }
    }
    let count: i64 = db.value(&COUNT, values! {}).await?;
    if count >= i64::from(*most_clients) {
        return Err(ApplicationRefusal::TooManyRegistrations.into());
    }
    let application = applications::insert(db, new, event).await?;
    db.execute(&INSERT, values! { application: application.id, token, at: new.at }).await?;
    if let Some(digest) = initial_token {
        initial_access_tokens::count_use(db, digest).await?;
    }
    Ok(application)
}

/// The application with that client id, if the token is its own.
pub async fn find<S: SqlTransaction>(
    db: &S,
    client_id: &ClientId,
    token: &Digest,
) -> Read<Option<Application>, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT a.id FROM applications a JOIN client_registrations r ON r.application_id = a.id
        WHERE a.client_id = :client_id AND r.token_digest = :token",
    );
    let id: Option<ApplicationId> = db.find(&FIND, values! { client_id: client_id.as_str(), token }).await?;
    match id {
        Some(id) => applications::find(db, id).await,
        None => Ok(None),
    }
}

async fn token_is_its_own<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    token: &Digest,
) -> Change<(), S, ApplicationRefusal> {
    static IS: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM client_registrations WHERE application_id = :id AND token_digest = :token)",
    );
    if db.value(&IS, values! { id, token }).await? { Ok(()) } else { Err(ApplicationRefusal::Unknown.into()) }
}

/// Replaces the settings, and the token.
pub async fn update<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    tokens: &RegistrationTokens,
    amendment: &Amendment,
    event: &NewAuditEvent,
) -> Change<(Application, Vec<Warning>), S, ApplicationRefusal> {
    static REPLACE: NamedStatement = NamedStatement::new(
        "UPDATE client_registrations SET token_digest = :next WHERE application_id = :id",
    );
    token_is_its_own(db, id, &tokens.held).await?;
    let updated = applications::update(db, id, amendment, event).await?;
    db.execute(&REPLACE, values! { next: &tokens.next, id }).await?;
    Ok(updated)
}

/// Deletes an application by its own token.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    token: &Digest,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Change<Vec<Revocation>, S, ApplicationRefusal> {
    token_is_its_own(db, id, token).await?;
    applications::delete(db, id, revocation_expires_at, event).await
}

/// Ends the tokens of all clients, after a restore. It is not known which of them were used since the backup, so each
/// counts as registered at that time.
pub async fn end_all_tokens<S: SqlTransaction>(db: &S, at: Timestamp) -> Read<(), S> {
    static END: NamedStatement =
        NamedStatement::new("UPDATE client_registrations SET token_digest = :none, registered_at = :at");
    db.execute(&END, values! { none: credentials::NO_TOKEN, at }).await.map(drop)
}

/// The first applications that registered themselves before the time and have never obtained a token.
pub async fn unused<S: SqlTransaction>(db: &S, before: Timestamp, limit: u32) -> Read<Vec<ApplicationId>, S> {
    static UNUSED: NamedStatement = NamedStatement::new(
        "SELECT a.id FROM client_registrations r JOIN applications a ON a.id = r.application_id
        WHERE r.registered_at < :before AND a.last_used_at IS NULL ORDER BY r.registered_at LIMIT :limit",
    );
    db.list(&UNUSED, values! { before, limit: i64::from(limit) }).await
}

/// Deletes such an application, if it is still unused.
pub async fn delete_unused<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    before: Timestamp,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Change<Vec<Revocation>, S, ApplicationRefusal> {
    static IS_UNUSED: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM client_registrations r JOIN applications a ON a.id = r.application_id
            WHERE a.id = :id AND r.registered_at < :before AND a.last_used_at IS NULL)",
    );
    if !db.value(&IS_UNUSED, values! { id, before }).await? {
        return Err(ApplicationRefusal::Unknown.into());
    }
    applications::delete(db, id, revocation_expires_at, event).await
}
