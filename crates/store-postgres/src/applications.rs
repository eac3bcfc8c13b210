//! Registered applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, Epoch, SecretId, UserId};
use domain::time::Timestamp;
use oauth::application::{Application, ClientType};
use oauth::registration::Warning;
use oauth::revocation::{Revocation, RevokedSubject};
use store::columns::SettingsColumns;
use store::{
    Amendment, Answer, ApplicationFilter, ApplicationRefusal, Applications, Judged, NewApplication,
    NewSecret, fold_name,
};
use tokio_postgres::Client;

use crate::error::Failure;
use crate::sql::{self, values};
use crate::unit::{read, serialized};
use crate::versions::{self, Kind};
use crate::{PostgresStore, audit, authority, micros, purge, revocations, trusted_origins};

mod row;
mod secrets;

/// One statement, so that an application and its secrets come from the same snapshot.
macro_rules! application_sql {
    ($chosen:literal) => {
        concat!(
            "SELECT ",
            row::columns!(),
            " FROM ",
            $chosen,
            " JOIN users o ON o.id = a.owner_id LEFT JOIN secrets s ON s.application_id = a.id ORDER BY a.id, s.id"
        )
    };
}

impl Applications for PostgresStore {
    fn find_application(&self, id: ApplicationId) -> Answer<'_, Option<Application>> {
        read!(self, db => find(db, id))
    }

    fn find_application_by_client_id<'a>(
        &'a self,
        client_id: &'a ClientId,
    ) -> Answer<'a, Option<Application>> {
        read!(self, db => find_by_client_id(db, client_id))
    }

    fn list_applications(&self, filter: ApplicationFilter) -> Answer<'_, Vec<Application>> {
        read!(self, db => list(db, &filter))
    }

    fn insert_application(
        &self,
        new: NewApplication,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => insert(db, &new, &audit))
    }

    fn update_application(
        &self,
        id: ApplicationId,
        amendment: Amendment,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Warning>), ApplicationRefusal>> {
        serialized!(self, db => update(db, id, &amendment, &audit))
    }

    fn delete_application(
        &self,
        id: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>> {
        serialized!(self, db => delete(db, id, revocation_expires_at, &audit))
    }

    fn reset_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Revocation>), ApplicationRefusal>> {
        serialized!(self, db => secrets::reset(db, id, &secret, revocation_expires_at, &audit))
    }

    fn add_secret(
        &self,
        id: ApplicationId,
        secret: NewSecret,
        older_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => secrets::add(db, id, &secret, older_expires_at, &audit))
    }

    fn end_secret(
        &self,
        id: ApplicationId,
        secret: SecretId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>> {
        serialized!(self, db => secrets::end(db, id, secret, &audit))
    }
}

pub(crate) async fn find(db: &Client, id: ApplicationId) -> sql::Result<Option<Application>> {
    const FIND: &str = application_sql!("(SELECT * FROM applications WHERE id = $1) a");
    Ok(row::read_all(&sql::rows(db, FIND, values![id.get()]).await?)?.pop())
}

async fn find_by_client_id(db: &Client, client_id: &ClientId) -> sql::Result<Option<Application>> {
    const FIND: &str = application_sql!("(SELECT * FROM applications WHERE client_id = $1) a");
    Ok(row::read_all(&sql::rows(db, FIND, values![client_id.as_str()]).await?)?.pop())
}

/// Finds the application, if the caller still has the rights and may see it.
async fn within_reach(
    db: &Client,
    id: ApplicationId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    if !authority::holds(db, event).await? {
        return Ok(Err(ApplicationRefusal::RightsChanged));
    }
    let found = find(db, id).await?.filter(|application| event.reaches(application.owner));
    Ok(found.ok_or(ApplicationRefusal::Unknown))
}

/// Reads the application after a write.
async fn stored(db: &Client, id: ApplicationId) -> sql::Result<Application> {
    find(db, id).await?.ok_or_else(|| Failure::Inconsistent(format!("application {id} has vanished")))
}

async fn list(db: &Client, filter: &ApplicationFilter) -> sql::Result<Vec<Application>> {
    const LIST: &str = application_sql!(
        "(SELECT * FROM applications WHERE id > $1 AND ($2::bigint IS NULL OR owner_id = $2)
            AND ($3::text IS NULL OR strpos(folded_name, $3) > 0 OR strpos(folded_description, $3) > 0)
            ORDER BY id LIMIT $4) a"
    );
    if filter.query.as_deref().is_some_and(|query| !sql::can_be_stored(query)) {
        return Ok(Vec::new());
    }
    let rows = sql::rows(
        db,
        LIST,
        values![
            filter.after.map_or(0, ApplicationId::get),
            filter.owner.map(UserId::get),
            filter.query.as_deref().map(fold_name),
            filter.limit.map(i64::from)
        ],
    )
    .await;
    row::read_all(&rows?)
}

async fn insert(
    db: &Client,
    new: &NewApplication,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Application, ApplicationRefusal>> {
    const INSERT: &str =
        "INSERT INTO applications (epoch, client_id, owner_id, name, folded_name, description,
            folded_description, redirect_urls, profile, client_type, grant_types, scopes, token_format,
            access_token_lifetime_secs, contacts, logo_url, created_at, updated_at, cors_origins)
        VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17) RETURNING id";
    if !authority::holds(db, event).await? {
        return Ok(Err(ApplicationRefusal::RightsChanged));
    }
    let settings = SettingsColumns::new(&new.settings)?;
    let id = sql::value(
        db,
        INSERT,
        values![
            new.client_id.as_str(),
            new.owner.get(),
            &*settings.name,
            settings.folded_name(),
            &*settings.description,
            settings.folded_description(),
            &*settings.redirect_urls,
            &*settings.profile,
            &*settings.client_type,
            &*settings.grant_types,
            i64::from(settings.scopes),
            &*settings.token_format,
            settings.access_token_lifetime_secs.map(i64::from),
            &*settings.contacts,
            settings.logo_url.as_deref(),
            micros(new.at),
            &*settings.cors_origins,
        ],
    )
    .await;
    let id = ApplicationId::new(id?);
    trusted_origins::note(db, id, &new.settings).await?;
    if let Some(secret) = &new.secret {
        secrets::insert(db, id, secret, new.at).await?;
    }
    versions::grow(db, Kind::Applications).await?;
    // The id is only known now.
    audit::append_one(db, &NewAuditEvent { application: Some(id), ..event.clone() }).await?;
    stored(db, id).await.map(Ok)
}

async fn update(
    db: &Client,
    id: ApplicationId,
    amendment: &Amendment,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(Application, Vec<Warning>), ApplicationRefusal>> {
    const UPDATE: &str = "UPDATE applications SET name = $2, folded_name = $3, description = $4,
            folded_description = $5, redirect_urls = $6, profile = $7, client_type = $8, grant_types = $9, scopes = $10,
            token_format = $11, access_token_lifetime_secs = $12, contacts = $13, logo_url = $14, updated_at = $15,
            cors_origins = $16
        WHERE id = $1";
    let before = match within_reach(db, id, event).await? {
        Ok(application) => application,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (settings, warnings) = match amendment.decide(&before.settings) {
        Ok(decided) => decided,
        Err(faults) => return Ok(Err(ApplicationRefusal::Faulty(faults))),
    };
    let columns = SettingsColumns::new(&settings)?;
    sql::execute(
        db,
        UPDATE,
        values![
            id.get(),
            &*columns.name,
            columns.folded_name(),
            &*columns.description,
            columns.folded_description(),
            &*columns.redirect_urls,
            &*columns.profile,
            &*columns.client_type,
            &*columns.grant_types,
            i64::from(columns.scopes),
            &*columns.token_format,
            columns.access_token_lifetime_secs.map(i64::from),
            &*columns.contacts,
            columns.logo_url.as_deref(),
            micros(event.at),
            &*columns.cors_origins,
        ],
    )
    .await?;
    trusted_origins::note(db, id, &settings).await?;
    if settings.client_type == ClientType::Public {
        secrets::delete_all(db, id).await?;
    }
    versions::grow(db, Kind::Applications).await?;
    audit::append_one(db, event).await?;
    Ok(Ok((stored(db, id).await?, warnings)))
}

async fn delete(
    db: &Client,
    id: ApplicationId,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Vec<Revocation>, ApplicationRefusal>> {
    if let Err(refusal) = within_reach(db, id, event).await? {
        return Ok(Err(refusal));
    }
    sql::execute(db, "DELETE FROM applications WHERE id = $1", values![id.get()]).await?;
    let subject = RevokedSubject::Application { application: id, epoch: Epoch::GONE };
    let ended = revocations::append_one(db, subject, event.at, revocation_expires_at).await?;
    purge::request_sweep(db).await?;
    versions::grow(db, Kind::Applications).await?;
    audit::append_one(db, event).await?;
    Ok(Ok(ended))
}
