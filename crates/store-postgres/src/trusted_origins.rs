//! Trusted origins and the origins of applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, TrustedOriginId};
use oauth::application::ApplicationSettings;
use oauth::cors::{self, NewTrustedOrigin, TrustedOrigin};
use store::rules;
use store::{Answer, Judged, TrustedOriginRefusal, TrustedOrigins};
use tokio_postgres::{Client, Row};

use crate::sql::{self, values};
use crate::unit::{read, serialized};
use crate::versions::{self, Kind};
use crate::{PostgresStore, audit, authority, micros};

impl TrustedOrigins for PostgresStore {
    fn list_trusted_origins(&self) -> Answer<'_, Vec<TrustedOrigin>> {
        const LIST: &str =
            "SELECT id, domain, description, modified_by, modified_at FROM trusted_origins ORDER BY id";
        read!(self, db => sql::list(db, LIST, &[], read_row))
    }

    fn insert_trusted_origins(
        &self,
        new: Vec<NewTrustedOrigin>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<TrustedOrigin>, TrustedOriginRefusal>> {
        serialized!(self, db => insert(db, &new, &audit))
    }

    fn update_trusted_origin(
        &self,
        id: TrustedOriginId,
        new: NewTrustedOrigin,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>> {
        serialized!(self, db => update(db, id, &new, &audit))
    }

    fn delete_trusted_origin(
        &self,
        id: TrustedOriginId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<TrustedOrigin, TrustedOriginRefusal>> {
        serialized!(self, db => delete(db, id, &audit))
    }

    fn is_origin_of_an_application<'a>(&'a self, origin: &'a str) -> Answer<'a, bool> {
        read!(self, db => is_origin(db, origin))
    }
}

async fn is_origin(db: &Client, origin: &str) -> sql::Result<bool> {
    const IS: &str = "SELECT EXISTS (SELECT 1 FROM application_origins WHERE origin = $1)";
    sql::value(db, IS, values![origin]).await
}

/// Everything is checked before anything is written, because a refusal must change nothing. Changes to the
/// list run in serialized transactions.
async fn insert(
    db: &Client,
    new: &[NewTrustedOrigin],
    event: &NewAuditEvent,
) -> sql::Result<Judged<Vec<TrustedOrigin>, TrustedOriginRefusal>> {
    const INSERT: &str = "INSERT INTO trusted_origins (domain, description, modified_by, modified_at)
        VALUES ($1, $2, $3, $4) RETURNING id";
    if !authority::holds(db, event).await? {
        return Ok(Err(TrustedOriginRefusal::RightsChanged));
    }
    let mut listed = Vec::new();
    for one in new {
        if is_listed(db, &one.domain, TrustedOriginId::new(0)).await? {
            listed.push(one.domain.clone());
        }
    }
    let count: i64 = sql::value(db, "SELECT count(*) FROM trusted_origins", &[]).await?;
    let room = rules::list_has_room(u32::try_from(count).unwrap_or(u32::MAX), new);
    if let Err(refusal) = rules::entries_are_new(new, &listed).and(room) {
        return Ok(Err(refusal));
    }
    let mut all = Vec::with_capacity(new.len());
    for one in new {
        let (domain, description) = (one.domain.as_str(), one.description.as_str());
        let by = one.modified_by.as_str();
        let id = sql::value(db, INSERT, values![domain, description, by, micros(one.at)]).await?;
        all.push(rules::trusted_origin(TrustedOriginId::new(id), one));
        audit::append_one(db, &NewAuditEvent { subject: Some(one.domain.clone()), ..event.clone() }).await?;
    }
    versions::grow(db, Kind::Limits).await?;
    Ok(Ok(all))
}

async fn update(
    db: &Client,
    id: TrustedOriginId,
    new: &NewTrustedOrigin,
    event: &NewAuditEvent,
) -> sql::Result<Judged<TrustedOrigin, TrustedOriginRefusal>> {
    const UPDATE: &str =
        "UPDATE trusted_origins SET domain = $2, description = $3, modified_by = $4, modified_at = $5
        WHERE id = $1";
    if !authority::holds(db, event).await? {
        return Ok(Err(TrustedOriginRefusal::RightsChanged));
    }
    if is_listed(db, &new.domain, id).await? {
        return Ok(Err(TrustedOriginRefusal::Listed(0)));
    }
    let (domain, description) = (new.domain.as_str(), new.description.as_str());
    let by = new.modified_by.as_str();
    if sql::execute(db, UPDATE, values![id.get(), domain, description, by, micros(new.at)]).await? == 0 {
        return Ok(Err(TrustedOriginRefusal::Unknown));
    }
    versions::grow(db, Kind::Limits).await?;
    audit::append_one(db, event).await?;
    Ok(Ok(rules::trusted_origin(id, new)))
}

async fn delete(
    db: &Client,
    id: TrustedOriginId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<TrustedOrigin, TrustedOriginRefusal>> {
    const DELETE: &str = "DELETE FROM trusted_origins WHERE id = $1
        RETURNING id, domain, description, modified_by, modified_at";
    if !authority::holds(db, event).await? {
        return Ok(Err(TrustedOriginRefusal::RightsChanged));
    }
    let Some(gone) = sql::find(db, DELETE, values![id.get()], read_row).await? else {
        return Ok(Err(TrustedOriginRefusal::Unknown));
    };
    versions::grow(db, Kind::Limits).await?;
    audit::append_one(db, &NewAuditEvent { subject: Some(gone.domain.clone()), ..event.clone() }).await?;
    Ok(Ok(gone))
}

/// Whether an entry other than this one names the domain.
async fn is_listed(db: &Client, domain: &str, other_than: TrustedOriginId) -> sql::Result<bool> {
    const LISTED: &str = "SELECT EXISTS (SELECT 1 FROM trusted_origins WHERE domain = $1 AND id <> $2)";
    sql::value(db, LISTED, values![domain, other_than.get()]).await
}

fn read_row(row: &Row) -> sql::Result<TrustedOrigin> {
    Ok(TrustedOrigin {
        id: TrustedOriginId::new(row.try_get(0)?),
        domain: row.try_get(1)?,
        description: row.try_get(2)?,
        modified_by: row.try_get(3)?,
        modified_at: sql::moment(row, 4)?,
    })
}

/// Replaces the stored web origins of an application.
pub(crate) async fn note(db: &Client, id: ApplicationId, settings: &ApplicationSettings) -> sql::Result<()> {
    const FORGET: &str = "DELETE FROM application_origins WHERE application_id = $1";
    const NOTE: &str = "INSERT INTO application_origins (application_id, origin)
        SELECT $1, origin FROM unnest($2::text[]) AS noted (origin)";
    sql::execute(db, FORGET, values![id.get()]).await?;
    let origins = cors::of_application(settings);
    let origins: Vec<&str> = origins.iter().map(String::as_str).collect();
    if origins.is_empty() {
        return Ok(());
    }
    sql::execute(db, NOTE, values![id.get(), origins]).await.map(drop)
}
