//! Trusted origins and the origins of applications.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, TrustedOriginId};
use oauth::application::ApplicationSettings;
use oauth::cors::{self, NewTrustedOrigin, TrustedOrigin};

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::Impossible;
use crate::{TrustedOriginRefusal, rules};

/// Lists all entries, by id.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<TrustedOrigin>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT id, domain, description, modified_by, modified_at FROM trusted_origins ORDER BY id",
    );
    db.list(&LIST, values! {}).await
}

/// Whether the origin is one of an application.
pub async fn is_of_an_application<S: SqlTransaction>(db: &S, origin: &str) -> Read<bool, S> {
    static IS: NamedStatement =
        NamedStatement::new("SELECT EXISTS (SELECT 1 FROM application_origins WHERE origin = :origin)");
    db.value(&IS, values! { origin }).await
}

/// Adds all of the entries or none. Everything is checked before anything is written, because a refusal must
/// change nothing.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &[NewTrustedOrigin],
    event: &NewAuditEvent,
) -> Change<Vec<TrustedOrigin>, S, TrustedOriginRefusal> {
    static LISTED: NamedStatement =
        NamedStatement::new("SELECT domain FROM trusted_origins WHERE domain IN {each :domains}");
    static COUNT: NamedStatement = NamedStatement::new("SELECT count(*) FROM trusted_origins");
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO trusted_origins (domain, description, modified_by, modified_at)
        VALUES (:domain, :description, :modified_by, :at) RETURNING id",
    );
    if !authority::holds(db, event).await? {
        return Err(TrustedOriginRefusal::RightsChanged.into());
    }
    let domains: Vec<String> = new.iter().map(|one| one.domain.clone()).collect();
    let listed: Vec<String> = db.list(&LISTED, values! { domains: domains.as_slice() }).await?;
    rules::entries_are_new(new, &listed)?;
    rules::list_has_room(db.value(&COUNT, values! {}).await?, new)?;
    let mut all = Vec::with_capacity(new.len());
    for one in new {
        let NewTrustedOrigin { domain, description, modified_by, at } = one;
        let id = db.value(&INSERT, values! { domain, description, modified_by, at: *at }).await?;
        all.push(rules::trusted_origin(id, one));
        db.append_audit(&NewAuditEvent { subject: Some(domain.clone()), ..event.clone() }).await?;
    }
    versions::grow(db, CachedKind::Limits).await?;
    Ok(all)
}

/// Replaces the content of an entry.
pub async fn update<S: SqlTransaction>(
    db: &S,
    id: TrustedOriginId,
    new: &NewTrustedOrigin,
    event: &NewAuditEvent,
) -> Change<TrustedOrigin, S, TrustedOriginRefusal> {
    static LISTED: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM trusted_origins WHERE domain = :domain AND id <> :id)",
    );
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE trusted_origins SET domain = :domain, description = :description, modified_by = :modified_by,
            modified_at = :at
        WHERE id = :id",
    );
    if !authority::holds(db, event).await? {
        return Err(TrustedOriginRefusal::RightsChanged.into());
    }
    let NewTrustedOrigin { domain, description, modified_by, at } = new;
    if db.value(&LISTED, values! { domain, id }).await? {
        return Err(TrustedOriginRefusal::Listed(0).into());
    }
    if db.execute(&UPDATE, values! { domain, description, modified_by, at: *at, id }).await? == 0 {
        return Err(TrustedOriginRefusal::Unknown.into());
    }
    versions::grow(db, CachedKind::Limits).await?;
    db.append_audit(event).await?;
    Ok(rules::trusted_origin(id, new))
}

/// Deletes an entry and returns its content.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: TrustedOriginId,
    event: &NewAuditEvent,
) -> Change<TrustedOrigin, S, TrustedOriginRefusal> {
    static DELETE: NamedStatement = NamedStatement::new(
        "DELETE FROM trusted_origins WHERE id = :id RETURNING id, domain, description, modified_by, modified_at",
    );
    if !authority::holds(db, event).await? {
        return Err(TrustedOriginRefusal::RightsChanged.into());
    }
    let gone: Option<TrustedOrigin> = db.find(&DELETE, values! { id }).await?;
    let gone = gone.ok_or(TrustedOriginRefusal::Unknown)?;
    versions::grow(db, CachedKind::Limits).await?;
    db.append_audit(&NewAuditEvent { subject: Some(gone.domain.clone()), ..event.clone() }).await?;
    Ok(gone)
}

impl Record for TrustedOrigin {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            domain: row.read()?,
            description: row.read()?,
            modified_by: row.read()?,
            modified_at: row.read()?,
        })
    }
}

/// Replaces the stored web origins of an application.
pub async fn note<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    settings: &ApplicationSettings,
) -> Read<(), S> {
    static FORGET: NamedStatement =
        NamedStatement::new("DELETE FROM application_origins WHERE application_id = :id");
    static NOTE: NamedStatement = NamedStatement::new(
        "INSERT INTO application_origins (application_id, origin)
        SELECT :id, noted.value FROM {each :origins} AS noted",
    );
    db.execute(&FORGET, values! { id }).await?;
    let origins: Vec<String> = cors::of_application(settings).into_iter().collect();
    if origins.is_empty() {
        return Ok(());
    }
    db.execute(&NOTE, values! { id, origins: origins.as_slice() }).await.map(drop)
}
