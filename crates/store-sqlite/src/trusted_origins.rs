//! Trusted origins and the origins of applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, TrustedOriginId};
use domain::time::Timestamp;
use oauth::application::ApplicationSettings;
use oauth::cors::{self, NewTrustedOrigin, TrustedOrigin};
use rusqlite::{Connection, Row, params};
use store::rules;
use store::{Answer, Judged, TrustedOriginRefusal, TrustedOrigins};

use crate::versions::{self, Kind};
use crate::{SqliteStore, audit, authority, micros, sql};

impl TrustedOrigins for SqliteStore {
    fn list_trusted_origins(&self) -> Answer<'_, Vec<TrustedOrigin>> {
        const LIST: &str =
            "SELECT id, domain, description, modified_by, modified_at FROM trusted_origins ORDER BY id";
        self.read(|db| sql::list(db, LIST, (), read))
    }

    fn insert_trusted_origins(
        &self,
        new: Vec<NewTrustedOrigin>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<TrustedOrigin>, TrustedOriginRefusal>> {
        self.write(move |db| insert(db, &new, &audit))
    }

    fn update_trusted_origin(
        &self,
        id: TrustedOriginId,
        new: NewTrustedOrigin,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>> {
        self.write(move |db| update(db, id, &new, &audit))
    }

    fn delete_trusted_origin(
        &self,
        id: TrustedOriginId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>> {
        self.write(move |db| delete(db, id, &audit))
    }

    fn is_origin_of_an_application<'a>(&'a self, origin: &'a str) -> Answer<'a, bool> {
        const IS: &str = "SELECT EXISTS (SELECT 1 FROM application_origins WHERE origin = ?1)";
        self.read(move |db| sql::value(db, IS, [origin]))
    }
}

/// Everything is checked before anything is written, because a refusal must change nothing.
fn insert(
    db: &Connection,
    new: &[NewTrustedOrigin],
    event: &NewAuditEvent,
) -> sql::Result<Judged<Vec<TrustedOrigin>, TrustedOriginRefusal>> {
    const INSERT: &str =
        "INSERT INTO trusted_origins (domain, description, modified_by, modified_at) VALUES (?1, ?2, ?3, ?4)";
    if !authority::holds(db, event)? {
        return Ok(Err(TrustedOriginRefusal::RightsChanged));
    }
    let mut listed = Vec::new();
    for one in new {
        if is_listed(db, &one.domain, TrustedOriginId::new(0))? {
            listed.push(one.domain.clone());
        }
    }
    let count: i64 = sql::value(db, "SELECT count(*) FROM trusted_origins", ())?;
    let room = rules::list_has_room(u32::try_from(count).unwrap_or(u32::MAX), new);
    if let Err(refusal) = rules::entries_are_new(new, &listed).and(room) {
        return Ok(Err(refusal));
    }
    let mut all = Vec::with_capacity(new.len());
    for one in new {
        let row = params![one.domain, one.description, one.modified_by, micros(one.at)];
        sql::execute(db, INSERT, row)?;
        all.push(rules::trusted_origin(TrustedOriginId::new(db.last_insert_rowid()), one));
        audit::append(db, &NewAuditEvent { subject: Some(one.domain.clone()), ..event.clone() })?;
    }
    versions::grow(db, Kind::Limits)?;
    Ok(Ok(all))
}

fn update(
    db: &Connection,
    id: TrustedOriginId,
    new: &NewTrustedOrigin,
    event: &NewAuditEvent,
) -> sql::Result<Judged<TrustedOrigin, TrustedOriginRefusal>> {
    const UPDATE: &str =
        "UPDATE trusted_origins SET domain = ?2, description = ?3, modified_by = ?4, modified_at = ?5
        WHERE id = ?1";
    if !authority::holds(db, event)? {
        return Ok(Err(TrustedOriginRefusal::RightsChanged));
    }
    if is_listed(db, &new.domain, id)? {
        return Ok(Err(TrustedOriginRefusal::Listed(0)));
    }
    let row = params![id.get(), new.domain, new.description, new.modified_by, micros(new.at)];
    if sql::execute(db, UPDATE, row)? == 0 {
        return Ok(Err(TrustedOriginRefusal::Unknown));
    }
    versions::grow(db, Kind::Limits)?;
    audit::append(db, event)?;
    Ok(Ok(rules::trusted_origin(id, new)))
}

fn delete(
    db: &Connection,
    id: TrustedOriginId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<TrustedOrigin, TrustedOriginRefusal>> {
    const DELETE: &str = "DELETE FROM trusted_origins WHERE id = ?1
        RETURNING id, domain, description, modified_by, modified_at";
    if !authority::holds(db, event)? {
        return Ok(Err(TrustedOriginRefusal::RightsChanged));
    }
    let Some(gone) = sql::find(db, DELETE, [id.get()], read)? else {
        return Ok(Err(TrustedOriginRefusal::Unknown));
    };
    versions::grow(db, Kind::Limits)?;
    audit::append(db, &NewAuditEvent { subject: Some(gone.domain.clone()), ..event.clone() })?;
    Ok(Ok(gone))
}

/// Whether an entry other than this one names the domain.
fn is_listed(db: &Connection, domain: &str, other_than: TrustedOriginId) -> sql::Result<bool> {
    const LISTED: &str = "SELECT EXISTS (SELECT 1 FROM trusted_origins WHERE domain = ?1 AND id <> ?2)";
    sql::value(db, LISTED, (domain, other_than.get()))
}

fn read(row: &Row<'_>) -> sql::Result<TrustedOrigin> {
    Ok(TrustedOrigin {
        id: TrustedOriginId::new(row.get(0)?),
        domain: row.get(1)?,
        description: row.get(2)?,
        modified_by: row.get(3)?,
        modified_at: Timestamp::from_micros(row.get(4)?),
    })
}

/// Replaces the stored web origins of an application.
pub(crate) fn note(db: &Connection, id: ApplicationId, settings: &ApplicationSettings) -> sql::Result<()> {
    const FORGET: &str = "DELETE FROM application_origins WHERE application_id = ?1";
    const NOTE: &str = "INSERT INTO application_origins (application_id, origin) VALUES (?1, ?2)";
    sql::execute(db, FORGET, [id.get()])?;
    for origin in cors::of_application(settings) {
        sql::execute(db, NOTE, (id.get(), origin))?;
    }
    Ok(())
}
