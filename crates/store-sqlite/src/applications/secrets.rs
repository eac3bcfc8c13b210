//! The secrets of applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, Epoch, SecretId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::{Application, StoredSecret};
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::{Connection, Row, params};
use store::rules;
use store::{ApplicationRefusal, Judged, NewSecret};

use super::{stored, within_reach};
use crate::versions::{self, Kind};
use crate::{audit, micros, purge, revocations, sql};

/// Lists the secrets, oldest first.
pub(super) fn list(db: &Connection, application: ApplicationId) -> sql::Result<Vec<StoredSecret>> {
    const LIST: &str = "SELECT id, digest, hint, created_at, expires_at, last_used_at, sealed
        FROM secrets WHERE application_id = ?1 ORDER BY id";
    sql::list(db, LIST, [application.get()], read)
}

pub(super) fn insert(
    db: &Connection,
    application: ApplicationId,
    secret: &NewSecret,
    at: Timestamp,
) -> sql::Result<()> {
    const INSERT: &str =
        "INSERT INTO secrets (application_id, digest, hint, created_at, sealed) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![application.get(), secret.digest.as_bytes(), secret.hint, micros(at), secret.sealed];
    sql::execute(db, INSERT, row).map(drop)
}

pub(super) fn delete_all(db: &Connection, application: ApplicationId) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM secrets WHERE application_id = ?1", [application.get()]).map(drop)
}

pub(super) fn reset(
    db: &Connection,
    id: ApplicationId,
    secret: &NewSecret,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(Application, Vec<Revocation>), ApplicationRefusal>> {
    let application = match confidential(db, id, event)? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let epoch = Epoch::new(application.epoch.get() + 1);
    sql::execute(db, "UPDATE applications SET epoch = ?2 WHERE id = ?1", (id.get(), epoch.get()))?;
    delete_all(db, id)?;
    insert(db, id, secret, event.at)?;
    let subject = RevokedSubject::Application { application: id, epoch };
    let ended = revocations::append(db, subject, event.at, revocation_expires_at)?;
    purge::request_sweep(db)?;
    finish(db, id, event).map(|application| Ok((application, vec![ended])))
}

pub(super) fn add(
    db: &Connection,
    id: ApplicationId,
    secret: &NewSecret,
    older_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    const SUPERSEDE: &str =
        "UPDATE secrets SET expires_at = ?2 WHERE application_id = ?1 AND expires_at IS NULL";
    let application = match confidential(db, id, event)? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = rules::a_secret_may_be_added(&application, event.at) {
        return Ok(Err(refusal));
    }
    sql::execute(db, SUPERSEDE, (id.get(), micros(older_expires_at)))?;
    insert(db, id, secret, event.at)?;
    finish(db, id, event).map(Ok)
}

pub(super) fn end(
    db: &Connection,
    id: ApplicationId,
    secret: SecretId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    const LIVE_ON: &str = "UPDATE secrets SET expires_at = NULL WHERE id = ?1";
    let application = match confidential(db, id, event)? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let other = match rules::remaining_secret(&application, secret, event.at) {
        Ok(other) => other,
        Err(refusal) => return Ok(Err(refusal)),
    };
    sql::execute(db, "DELETE FROM secrets WHERE id = ?1", [secret.get()])?;
    sql::execute(db, LIVE_ON, [other.get()])?;
    finish(db, id, event).map(Ok)
}

fn confidential(
    db: &Connection,
    id: ApplicationId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    let judged = within_reach(db, id, event)?;
    Ok(judged.and_then(|application| rules::is_confidential(&application).map(|()| application)))
}

fn finish(db: &Connection, id: ApplicationId, event: &NewAuditEvent) -> sql::Result<Application> {
    sql::execute(db, "UPDATE applications SET updated_at = ?2 WHERE id = ?1", (id.get(), micros(event.at)))?;
    versions::grow(db, Kind::Applications)?;
    audit::append(db, event)?;
    stored(db, id)
}

fn read(row: &Row<'_>) -> sql::Result<StoredSecret> {
    Ok(StoredSecret {
        id: SecretId::new(row.get(0)?),
        digest: Digest::from_bytes(row.get(1)?),
        hint: row.get(2)?,
        created_at: Timestamp::from_micros(row.get(3)?),
        expires_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros),
        last_used_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_micros),
        sealed: row.get(6)?,
    })
}
