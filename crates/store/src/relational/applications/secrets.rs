//! The secrets of applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, SecretId};
use domain::time::Timestamp;
use oauth::application::{Application, ApplicationSettings, StoredSecret};
use oauth::revocation::Revocation;

use super::{Managed, stored, within_reach, write};
use crate::columns::Impossible;
use crate::relational::versions::{self, CachedKind};
use crate::relational::{
    Change, Columns, NamedStatement, Read, ResultRow, SqlTransaction, application_access, values,
};
use crate::rules::{SecretsAfter, deputies};
use crate::{ApplicationRefusal, NewSecret, rules};

/// Reads the secret in the columns, if there is one.
pub(super) fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Option<StoredSecret>, Impossible> {
    let Some(id) = row.read::<Option<SecretId>>()? else {
        return Ok(None);
    };
    Ok(Some(StoredSecret {
        id,
        digest: row.read()?,
        hint: row.read()?,
        created_at: row.read()?,
        expires_at: row.read()?,
        last_used_at: row.read()?,
        sealed: row.read()?,
    }))
}

pub(super) async fn insert<S: SqlTransaction>(
    db: &S,
    (application, settings): (ApplicationId, &ApplicationSettings),
    secret: &NewSecret,
    at: Timestamp,
) -> Read<(), S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO secrets (application_id, digest, hint, created_at, sealed)
        VALUES (:application, :digest, :hint, :at, :sealed)",
    );
    let NewSecret { digest, hint, sealed } = secret;
    let row = values! { application, digest, hint, at, sealed: sealed.stored_for(settings) };
    db.execute(&INSERT, row).await.map(drop)
}

/// Makes the secrets fit the settings that replace those of the application.
pub(super) async fn follow<S: SqlTransaction>(
    db: &S,
    (id, settings): (ApplicationId, &ApplicationSettings),
    secrets: SecretsAfter<'_>,
    at: Timestamp,
) -> Read<(), S> {
    static UNSEAL: NamedStatement =
        NamedStatement::new("UPDATE secrets SET sealed = NULL WHERE application_id = :id");
    match secrets {
        SecretsAfter::Same => Ok(()),
        SecretsAfter::Deleted => delete_all(db, id).await,
        SecretsAfter::Unreadable => db.execute(&UNSEAL, values! { id }).await.map(drop),
        SecretsAfter::ReplacedBy(secret) => {
            delete_all(db, id).await?;
            insert(db, (id, settings), secret, at).await
        }
    }
}

async fn delete_all<S: SqlTransaction>(db: &S, application: ApplicationId) -> Read<(), S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM secrets WHERE application_id = :application");
    db.execute(&DELETE, values! { application }).await.map(drop)
}

/// Replaces all secrets by a new one and revokes all access.
pub async fn reset<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    secret: &NewSecret,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Change<(Application, Vec<Revocation>), S, ApplicationRefusal> {
    let application = confidential(db, id, event).await?;
    rules::credentials_may_be_provided(event, &application.settings)?;
    delete_all(db, id).await?;
    insert(db, (id, &application.settings), secret, event.at).await?;
    note_secret(db, application, event, true).await?;
    let ended = application_access::revoke(db, id, event.at, revocation_expires_at).await?;
    let ended = ended.ok_or(ApplicationRefusal::Unknown)?;
    Ok((finish(db, id, event).await?, ended))
}

/// Adds a second live secret; the older one expires at `older_expires_at`.
pub async fn add<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    secret: &NewSecret,
    older_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Managed<S> {
    static SUPERSEDE: NamedStatement = NamedStatement::new(
        "UPDATE secrets SET expires_at = :expires_at WHERE application_id = :id AND expires_at IS NULL",
    );
    let application = confidential(db, id, event).await?;
    rules::credentials_may_be_provided(event, &application.settings)?;
    rules::a_secret_may_be_added(&application, event.at)?;
    db.execute(&SUPERSEDE, values! { expires_at: older_expires_at, id }).await?;
    insert(db, (id, &application.settings), secret, event.at).await?;
    note_secret(db, application, event, false).await?;
    Ok(finish(db, id, event).await?)
}

/// Stores whether somebody who acted on behalf of the owner knows a secret, if that has changed.
async fn note_secret<S: SqlTransaction>(
    db: &S,
    application: Application,
    event: &NewAuditEvent,
    replaces_all: bool,
) -> Read<(), S> {
    let mut settings = application.settings;
    let before = settings.client_metadata.deputies.secret;
    deputies::note_new_secret(event, &mut settings, replaces_all);
    if settings.client_metadata.deputies.secret == before {
        return Ok(());
    }
    write(db, application.id, &settings, event.at).await
}

/// Revokes one of two live secrets; the other one no longer expires.
pub async fn end<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    secret: SecretId,
    event: &NewAuditEvent,
) -> Managed<S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM secrets WHERE id = :secret");
    static LIVE_ON: NamedStatement =
        NamedStatement::new("UPDATE secrets SET expires_at = NULL WHERE id = :other");
    let other = rules::remaining_secret(&confidential(db, id, event).await?, secret, event.at)?;
    db.execute(&DELETE, values! { secret }).await?;
    db.execute(&LIVE_ON, values! { other }).await?;
    Ok(finish(db, id, event).await?)
}

async fn confidential<S: SqlTransaction>(db: &S, id: ApplicationId, event: &NewAuditEvent) -> Managed<S> {
    let application = within_reach(db, id, event).await?;
    rules::is_confidential(&application)?;
    Ok(application)
}

async fn finish<S: SqlTransaction>(db: &S, id: ApplicationId, event: &NewAuditEvent) -> Read<Application, S> {
    static TOUCH: NamedStatement =
        NamedStatement::new("UPDATE applications SET updated_at = :at WHERE id = :id");
    db.execute(&TOUCH, values! { at: event.at, id }).await?;
    versions::grow(db, CachedKind::Applications).await?;
    db.append_audit(event).await?;
    stored(db, id).await
}
