//! Registered applications.

use std::borrow::Cow;

use domain::allow_list::AllowListOwner;
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, Epoch};
use domain::time::Timestamp;
use oauth::application::{Application, ApplicationSettings, StoredSecret};
use oauth::registration::Warning;
use oauth::revocation::{Revocation, RevokedSubject};
use oauth::scope::ScopeSet;

use super::versions::{self, CachedKind};
use super::{
    Change, Columns, NamedStatement, ParameterValue, Read, Record, ResultRow, SqlTransaction, allow_lists,
    authority, resource_servers, sought, sweeps, trusted_origins, values,
};
use crate::columns::{Impossible, SettingsColumns};
use crate::rules::deputies;
use crate::{Amendment, ApplicationFilter, ApplicationRefusal, NewApplication, fold_name, rules};

pub(super) mod credentials;
pub mod secrets;

/// One statement, so that an application and its secrets come from the same snapshot.
macro_rules! select {
    ($chosen:literal) => {
        NamedStatement::new(concat!(
            "SELECT a.id, a.client_id, a.owner_id, o.name, a.created_by, a.handed_over_at, a.epoch,
                a.name, a.description, a.redirect_urls, a.profile, a.client_type, a.grant_types, a.scopes, a.further_scopes,
                a.token_format, a.access_token_lifetime_secs, a.contacts, a.logo_url, a.cors_origins,
                a.client_metadata, a.created_at, a.updated_at, a.last_used_at,
                s.id, s.digest, s.hint, s.created_at, s.expires_at, s.last_used_at, s.sealed
            FROM (SELECT * FROM applications ",
            $chosen,
            ") AS a JOIN users o ON o.id = a.owner_id LEFT JOIN secrets s ON s.application_id = a.id
            ORDER BY a.id, s.id"
        ))
    };
}

/// An application, or one of its secrets again: there is a row for each secret, or one if there is none.
struct ApplicationRow {
    application: Application,
    secret: Option<StoredSecret>,
}

impl Record for ApplicationRow {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let application = Application {
            id: row.read()?,
            client_id: client_id(&row.read::<Cow<'_, str>>()?)?,
            owner: row.read()?,
            owner_name: row.read()?,
            handed_over: row.handover()?,
            epoch: row.read()?,
            settings: settings(row)?.try_into()?,
            secrets: Vec::new(),
            created_at: row.read()?,
            updated_at: row.read()?,
            last_used_at: row.read()?,
        };
        Ok(Self { application, secret: secrets::read(row)? })
    }
}

fn client_id(stored: &str) -> Result<ClientId, Impossible> {
    stored.parse().map_err(|_| Impossible(format!("an application with the client id {stored}")))
}

fn settings<'r, R: ResultRow>(row: &mut Columns<'r, R>) -> Result<SettingsColumns<'r>, Impossible> {
    Ok(SettingsColumns {
        name: row.read()?,
        description: row.read()?,
        redirect_urls: row.read()?,
        profile: row.read()?,
        client_type: row.read()?,
        grant_types: row.read()?,
        scopes: row.read()?,
        further_scopes: row.read()?,
        token_format: row.read()?,
        access_token_lifetime_secs: row.read()?,
        contacts: row.read()?,
        logo_url: row.read()?,
        cors_origins: row.read()?,
        client_metadata: row.read()?,
    })
}

/// The applications in rows that are sorted by application.
fn together(rows: Vec<ApplicationRow>) -> Vec<Application> {
    let mut all: Vec<Application> = Vec::new();
    for ApplicationRow { application, secret } in rows {
        if all.last().is_none_or(|last| last.id != application.id) {
            all.push(application);
        }
        if let Some(application) = all.last_mut() {
            application.secrets.extend(secret);
        }
    }
    all
}

/// Finds an application by id.
pub async fn find<S: SqlTransaction>(db: &S, id: ApplicationId) -> Read<Option<Application>, S> {
    static FIND: NamedStatement = select!("WHERE id = :id");
    Ok(together(db.list(&FIND, values! { id }).await?).pop())
}

/// Finds an application by its client id.
pub async fn find_by_client_id<S: SqlTransaction>(db: &S, id: &ClientId) -> Read<Option<Application>, S> {
    static FIND: NamedStatement = select!("WHERE client_id = :id");
    Ok(together(db.list(&FIND, values! { id: id.as_str() }).await?).pop())
}

/// Lists applications by id.
pub async fn list<S: SqlTransaction>(db: &S, filter: &ApplicationFilter) -> Read<Vec<Application>, S> {
    static ALL: NamedStatement = select!(
        "WHERE id > :after AND (CAST(:text AS text) IS NULL OR {position}(folded_name, :text) > 0
            OR {position}(folded_description, :text) > 0)
        ORDER BY id LIMIT :limit"
    );
    static OF_OWNER: NamedStatement = select!(
        "WHERE owner_id = :owner AND id > :after AND (CAST(:text AS text) IS NULL
            OR {position}(folded_name, :text) > 0 OR {position}(folded_description, :text) > 0)
        ORDER BY id LIMIT :limit"
    );
    let after = filter.after.map_or(0, ApplicationId::get);
    let text = filter.query.as_deref().map(|query| fold_name(&sought(query)));
    let limit = filter.limit.map_or(i64::MAX, i64::from);
    let rows = match filter.owner {
        None => db.list(&ALL, values! { after, text, limit }).await?,
        Some(owner) => db.list(&OF_OWNER, values! { owner, after, text, limit }).await?,
    };
    Ok(together(rows))
}

type Managed<S> = Change<Application, S, ApplicationRefusal>;

async fn rights_hold<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Change<(), S, ApplicationRefusal> {
    if authority::holds(db, event).await? { Ok(()) } else { Err(ApplicationRefusal::RightsChanged.into()) }
}

/// Finds the application, if the caller still has the rights and may see it.
async fn within_reach<S: SqlTransaction>(db: &S, id: ApplicationId, event: &NewAuditEvent) -> Managed<S> {
    rights_hold(db, event).await?;
    let found = find(db, id).await?.filter(|application| event.reaches(application.owner));
    Ok(found.ok_or(ApplicationRefusal::Unknown)?)
}

/// Reads the application after a write.
async fn stored<S: SqlTransaction>(db: &S, id: ApplicationId) -> Read<Application, S> {
    let found = find(db, id).await?;
    Ok(found.ok_or_else(|| Impossible(format!("application {id} has vanished")))?)
}

/// Registers an application.
pub async fn insert<S: SqlTransaction>(db: &S, new: &NewApplication, event: &NewAuditEvent) -> Managed<S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO applications (epoch, client_id, owner_id, name, folded_name, description,
            folded_description, redirect_urls, profile, client_type, grant_types, scopes, further_scopes,
            token_format, access_token_lifetime_secs, contacts, logo_url, cors_origins, client_metadata, created_at,
            updated_at)
        VALUES (1, :client_id, :owner, :name, :folded_name, :description, :folded_description, :redirect_urls,
            :profile, :client_type, :grant_types, :scopes, :further_scopes, :token_format, :lifetime, :contacts,
            :logo_url, :cors_origins, :client_metadata, :at, :at)
        RETURNING id",
    );
    rights_hold(db, event).await?;
    rules::credentials_may_be_provided(event, &new.settings)?;
    // Generated ids never coincide, but the URL of a document may have been stored meanwhile.
    if new.client_id.is_url() && find_by_client_id(db, &new.client_id).await?.is_some() {
        return Err(ApplicationRefusal::ClientIdTaken.into());
    }
    resource_servers::gained_scopes_exist(db, &ScopeSet::EMPTY, &new.settings.scopes).await?;
    let mut settings = new.settings.clone();
    deputies::note_first_credentials(event, &mut settings, new.secret.is_some());
    let settings = SettingsColumns::new(&settings)?;
    let keys = values! { client_id: new.client_id.as_str(), owner: new.owner, at: new.at };
    let id = db.value(&INSERT, &[columns(&settings).as_slice(), keys].concat()).await?;
    trusted_origins::note(db, id, &new.settings).await?;
    if let Some(secret) = &new.secret {
        secrets::insert(db, (id, &new.settings), secret, new.at).await?;
    }
    versions::grow(db, CachedKind::Applications).await?;
    // The id is only known now.
    db.append_audit(&NewAuditEvent { application: Some(id), ..event.clone() }).await?;
    Ok(stored(db, id).await?)
}

fn columns<'a>(settings: &'a SettingsColumns<'_>) -> Vec<(&'static str, ParameterValue<'a>)> {
    let columns = values! {
        name: &settings.name,
        folded_name: settings.folded_name(),
        description: &settings.description,
        folded_description: settings.folded_description(),
        redirect_urls: &settings.redirect_urls,
        profile: &settings.profile,
        client_type: &settings.client_type,
        grant_types: &settings.grant_types,
        scopes: settings.scopes,
        further_scopes: settings.further_scopes.as_deref(),
        token_format: &settings.token_format,
        lifetime: settings.access_token_lifetime_secs,
        contacts: &settings.contacts,
        logo_url: settings.logo_url.as_deref(),
        cors_origins: &settings.cors_origins,
        client_metadata: settings.client_metadata.as_deref(),
    };
    columns.to_vec()
}

async fn write<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    settings: &ApplicationSettings,
    at: Timestamp,
) -> Read<(), S> {
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE applications SET name = :name, folded_name = :folded_name, description = :description,
            folded_description = :folded_description, redirect_urls = :redirect_urls, profile = :profile,
            client_type = :client_type, grant_types = :grant_types, scopes = :scopes,
            further_scopes = :further_scopes,
            token_format = :token_format, access_token_lifetime_secs = :lifetime, contacts = :contacts,
            logo_url = :logo_url, cors_origins = :cors_origins, client_metadata = :client_metadata, updated_at = :at
        WHERE id = :id",
    );
    let settings = SettingsColumns::new(settings)?;
    db.execute(&UPDATE, &[columns(&settings).as_slice(), values! { at, id }].concat()).await.map(drop)
}

/// Replaces the stored settings by the result of the amendment.
pub async fn update<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    amendment: &Amendment,
    event: &NewAuditEvent,
) -> Change<(Application, Vec<Warning>), S, ApplicationRefusal> {
    let before = within_reach(db, id, event).await?;
    let (mut settings, warnings) = amendment.decide(&before.settings).map_err(ApplicationRefusal::Faulty)?;
    rules::credentials_may_change(event, &before.settings, &settings)?;
    let secrets = rules::secrets_after(&before, &settings, amendment.secret(), event.at);
    deputies::note_credentials(event, &before.settings, &mut settings, &secrets);
    deputies::owner_alone_knows_the_credentials(&settings)?;
    resource_servers::gained_scopes_exist(db, &before.settings.scopes, &settings.scopes).await?;
    write(db, id, &settings, event.at).await?;
    trusted_origins::note(db, id, &settings).await?;
    secrets::follow(db, (id, &settings), secrets, event.at).await?;
    versions::grow(db, CachedKind::Applications).await?;
    db.append_audit(event).await?;
    Ok((stored(db, id).await?, warnings))
}

/// Deletes an application and revokes its access.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: ApplicationId,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Change<Vec<Revocation>, S, ApplicationRefusal> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM applications WHERE id = :id");
    within_reach(db, id, event).await?;
    db.execute(&DELETE, values! { id }).await?;
    allow_lists::delete(db, AllowListOwner::Application(id)).await?;
    let subject = RevokedSubject::Application { application: id, epoch: Epoch::GONE };
    let ended = db.append_revocations(&[subject], event.at, revocation_expires_at).await?;
    sweeps::request(db).await?;
    versions::grow(db, CachedKind::Applications).await?;
    db.append_audit(event).await?;
    Ok(ended)
}
