//! Registered applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, Epoch, SecretId};
use domain::time::Timestamp;
use oauth::application::{Application, ClientType};
use oauth::registration::Warning;
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use store::columns::SettingsColumns;
use store::{
    Amendment, Answer, ApplicationFilter, ApplicationRefusal, Applications, Judged, NewApplication,
    NewSecret, fold_name,
};

use crate::error::Failure;
use crate::versions::{self, Kind};
use crate::{SqliteStore, audit, authority, micros, purge, revocations, sql, trusted_origins};

mod row;
mod secrets;

macro_rules! application_sql {
    ($tail:literal) => {
        concat!(
            "SELECT a.id, a.client_id, a.owner_id, o.name, a.epoch, a.name, a.description, a.redirect_urls, a.profile,
                a.client_type, a.grant_types, a.scopes, a.token_format, a.access_token_lifetime_secs, a.contacts,
                a.logo_url, a.created_at, a.updated_at, a.last_used_at, a.cors_origins, a.created_by,
                a.handed_over_at
            FROM applications a JOIN users o ON o.id = a.owner_id ",
            $tail
        )
    };
}

impl Applications for SqliteStore {
    fn find_application(&self, id: ApplicationId) -> Answer<'_, Option<Application>> {
        self.read(move |db| at_one_moment(db, |db| find(db, id)))
    }

    fn find_application_by_client_id<'a>(
        &'a self,
        client_id: &'a ClientId,
    ) -> Answer<'a, Option<Application>> {
        const FIND: &str = application_sql!("WHERE a.client_id = ?1");
        self.read(move |db| {
            at_one_moment(db, |db| {
                let found = sql::find(db, FIND, [client_id.as_str()], row::read)?;
                found.map(|application| with_secrets(db, application)).transpose()
            })
        })
    }

    fn list_applications(&self, filter: ApplicationFilter) -> Answer<'_, Vec<Application>> {
        self.read(move |db| at_one_moment(db, |db| list(db, &filter)))
    }

    fn insert_application(
        &self,
        new: NewApplication,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        self.write(move |db| insert(db, &new, &audit))
    }

    fn update_application(
        &self,
        id: ApplicationId,
        amendment: Amendment,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Warning>), ApplicationRefusal>> {
        self.write(move |db| update(db, id, &amendment, &audit))
    }

    fn delete_application(
        &self,
        id: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>> {
        self.write(move |db| delete(db, id, revocation_expires_at, &audit))
    }

    fn reset_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Revocation>), ApplicationRefusal>> {
        self.write(move |db| secrets::reset(db, id, &secret, revocation_expires_at, &audit))
    }

    fn add_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        older_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        self.write(move |db| secrets::add(db, id, &secret, older_expires_at, &audit))
    }

    fn end_secret(
        &self,
        id: ApplicationId,
        secret: SecretId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        self.write(move |db| secrets::end(db, id, secret, &audit))
    }
}

/// Runs several statements on the same snapshot of the database.
fn at_one_moment<T>(db: &Connection, work: impl FnOnce(&Connection) -> sql::Result<T>) -> sql::Result<T> {
    sql::run(db, "BEGIN")?;
    let outcome = work(db);
    sql::run(db, "COMMIT")?;
    outcome
}

pub(crate) fn find(db: &Connection, id: ApplicationId) -> sql::Result<Option<Application>> {
    let found = sql::find(db, application_sql!("WHERE a.id = ?1"), [id.get()], row::read)?;
    found.map(|application| with_secrets(db, application)).transpose()
}

/// Finds the application, if the caller still has the rights and may see it.
fn within_reach(
    db: &Connection,
    id: ApplicationId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    if !authority::holds(db, event)? {
        return Ok(Err(ApplicationRefusal::RightsChanged));
    }
    let found = find(db, id)?.filter(|application| event.reaches(application.owner));
    Ok(found.ok_or(ApplicationRefusal::Unknown))
}

/// Reads the application after a write.
fn stored(db: &Connection, id: ApplicationId) -> sql::Result<Application> {
    find(db, id)?.ok_or_else(|| Failure::Inconsistent(format!("application {id} has vanished")))
}

fn with_secrets(db: &Connection, application: Application) -> sql::Result<Application> {
    Ok(Application { secrets: secrets::list(db, application.id)?, ..application })
}

fn list(db: &Connection, filter: &ApplicationFilter) -> sql::Result<Vec<Application>> {
    let mut text = String::from(application_sql!("WHERE a.id > ?"));
    let mut values: Vec<Value> = vec![filter.after.map_or(0, ApplicationId::get).into()];
    if let Some(owner) = filter.owner {
        values.push(owner.get().into());
        text.push_str(" AND a.owner_id = ?");
    }
    if let Some(query) = &filter.query {
        let folded = fold_name(query);
        values.extend([folded.clone().into(), folded.into()]);
        text.push_str(" AND (instr(a.folded_name, ?) > 0 OR instr(a.folded_description, ?) > 0)");
    }
    values.push(filter.limit.map_or(-1, i64::from).into());
    text.push_str(" ORDER BY a.id LIMIT ?");
    let found = sql::list(db, &text, params_from_iter(values), row::read)?;
    found.into_iter().map(|application| with_secrets(db, application)).collect()
}

fn insert(
    db: &Connection,
    new: &NewApplication,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    const INSERT: &str =
        "INSERT INTO applications (epoch, client_id, owner_id, name, folded_name, description,
            folded_description, redirect_urls, profile, client_type, grant_types, scopes, token_format,
            access_token_lifetime_secs, contacts, logo_url, created_at, updated_at, cors_origins)
        VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, ?17)";
    if !authority::holds(db, event)? {
        return Ok(Err(ApplicationRefusal::RightsChanged));
    }
    let settings = SettingsColumns::new(&new.settings)?;
    let row = params![
        new.client_id.as_str(),
        new.owner.get(),
        settings.name,
        settings.folded_name(),
        settings.description,
        settings.folded_description(),
        settings.redirect_urls,
        settings.profile,
        settings.client_type,
        settings.grant_types,
        settings.scopes,
        settings.token_format,
        settings.access_token_lifetime_secs,
        settings.contacts,
        settings.logo_url,
        micros(new.at),
        settings.cors_origins,
    ];
    sql::execute(db, INSERT, row)?;
    let id = ApplicationId::new(db.last_insert_rowid());
    trusted_origins::note(db, id, &new.settings)?;
    if let Some(secret) = &new.secret {
        secrets::insert(db, id, secret, new.at)?;
    }
    versions::grow(db, Kind::Applications)?;
    // The id is only known now.
    audit::append(db, &NewAuditEvent { application: Some(id), ..event.clone() })?;
    stored(db, id).map(Ok)
}

fn update(
    db: &Connection,
    id: ApplicationId,
    amendment: &Amendment,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(Application, Vec<Warning>), ApplicationRefusal>> {
    const UPDATE: &str = "UPDATE applications SET name = ?2, folded_name = ?3, description = ?4,
            folded_description = ?5, redirect_urls = ?6, profile = ?7, client_type = ?8, grant_types = ?9, scopes = ?10,
            token_format = ?11, access_token_lifetime_secs = ?12, contacts = ?13, logo_url = ?14, updated_at = ?15,
            cors_origins = ?16
        WHERE id = ?1";
    let before = match within_reach(db, id, event)? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (settings, warnings) = match amendment.decide(&before.settings) {
        Ok(decided) => decided,
        Err(faults) => return Ok(Err(ApplicationRefusal::Faulty(faults))),
    };
    let row = SettingsColumns::new(&settings)?;
    let changed = params![
        id.get(),
        row.name,
        row.folded_name(),
        row.description,
        row.folded_description(),
        row.redirect_urls,
        row.profile,
        row.client_type,
        row.grant_types,
        row.scopes,
        row.token_format,
        row.access_token_lifetime_secs,
        row.contacts,
        row.logo_url,
        micros(event.at),
        row.cors_origins,
    ];
    sql::execute(db, UPDATE, changed)?;
    trusted_origins::note(db, id, &settings)?;
    if settings.client_type == ClientType::Public {
        secrets::delete_all(db, id)?;
    }
    versions::grow(db, Kind::Applications)?;
    audit::append(db, event)?;
    Ok(Ok((stored(db, id)?, warnings)))
}

fn delete(
    db: &Connection,
    id: ApplicationId,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Vec<Revocation>, ApplicationRefusal>> {
    if let Err(refusal) = within_reach(db, id, event)? {
        return Ok(Err(refusal));
    }
    sql::execute(db, "DELETE FROM applications WHERE id = ?1", [id.get()])?;
    let subject = RevokedSubject::Application { application: id, epoch: Epoch::GONE };
    let ended = revocations::append(db, subject, event.at, revocation_expires_at)?;
    purge::request_sweep(db)?;
    versions::grow(db, Kind::Applications)?;
    audit::append(db, event)?;
    Ok(Ok(vec![ended]))
}
