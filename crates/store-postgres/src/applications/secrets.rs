//! The secrets of applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, Epoch, SecretId};
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::revocation::{Revocation, RevokedSubject};
use store::rules;
use store::{ApplicationRefusal, Judged, NewSecret};
use tokio_postgres::Client;

use super::{stored, within_reach};
use crate::sql::{self, values};
use crate::versions::{self, Kind};
use crate::{audit, micros, purge, revocations};

pub(super) async fn insert(
    db: &Client,
    application: ApplicationId,
    secret: &NewSecret,
    at: Timestamp,
) -> sql::Result<()> {
    const INSERT: &str =
        "INSERT INTO secrets (application_id, digest, hint, created_at, sealed) VALUES ($1, $2, $3, $4, $5)";
    sql::execute(
        db,
        INSERT,
        values![
            application.get(),
            secret.digest.as_bytes().as_slice(),
            secret.hint.as_str(),
            micros(at),
            secret.sealed.as_deref()
        ],
    )
    .await
    .map(drop)
}

pub(super) async fn delete_all(db: &Client, application: ApplicationId) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM secrets WHERE application_id = $1", values![application.get()])
        .await
        .map(drop)
}

pub(super) async fn reset(
    db: &Client,
    id: ApplicationId,
    secret: &NewSecret,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(Application, Vec<Revocation>), ApplicationRefusal>> {
    let application = match confidential(db, id, event).await? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let epoch = Epoch::new(application.epoch.get() + 1);
    sql::execute(db, "UPDATE applications SET epoch = $2 WHERE id = $1", values![id.get(), epoch.get()])
        .await?;
    delete_all(db, id).await?;
    insert(db, id, secret, event.at).await?;
    let subject = RevokedSubject::Application { application: id, epoch };
    let ended = revocations::append_one(db, subject, event.at, revocation_expires_at).await?;
    purge::request_sweep(db).await?;
    finish(db, id, event).await.map(|application| Ok((application, ended)))
}

pub(super) async fn add(
    db: &Client,
    id: ApplicationId,
    secret: &NewSecret,
    older_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    const SUPERSEDE: &str =
        "UPDATE secrets SET expires_at = $2 WHERE application_id = $1 AND expires_at IS NULL";
    let application = match confidential(db, id, event).await? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = rules::a_secret_may_be_added(&application, event.at) {
        return Ok(Err(refusal));
    }
    sql::execute(db, SUPERSEDE, values![id.get(), micros(older_expires_at)]).await?;
    insert(db, id, secret, event.at).await?;
    finish(db, id, event).await.map(Ok)
}

pub(super) async fn end(
    db: &Client,
    id: ApplicationId,
    secret: SecretId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    const LIVE_ON: &str = "UPDATE secrets SET expires_at = NULL WHERE id = $1";
    let application = match confidential(db, id, event).await? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let other = match rules::remaining_secret(&application, secret, event.at) {
        Ok(other) => other,
        Err(refusal) => return Ok(Err(refusal)),
    };
    sql::execute(db, "DELETE FROM secrets WHERE id = $1", values![secret.get()]).await?;
    sql::execute(db, LIVE_ON, values![other.get()]).await?;
    finish(db, id, event).await.map(Ok)
}

async fn confidential(
    db: &Client,
    id: ApplicationId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    let judged = within_reach(db, id, event).await?;
    Ok(judged.and_then(|application| rules::is_confidential(&application).map(|()| application)))
}

async fn finish(db: &Client, id: ApplicationId, event: &NewAuditEvent) -> sql::Result<Application> {
    sql::execute(
        db,
        "UPDATE applications SET updated_at = $2 WHERE id = $1",
        values![id.get(), micros(event.at)],
    )
    .await?;
    versions::grow(db, Kind::Applications).await?;
    audit::append_one(db, event).await?;
    stored(db, id).await
}
