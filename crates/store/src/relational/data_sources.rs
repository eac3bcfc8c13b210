//! Data sources and the users with whom they are shared.

mod credentials;
mod members;

use domain::account::DataSource;
use domain::account::data_source::MOST_SHARED_USERS;
use domain::audit::NewAuditEvent;
use domain::id::{DataSourceId, UserId};
use domain::time::Timestamp;

pub use credentials::{change as change_credentials, find as find_credentials, list as list_credentials};
pub use members::change as change_members;

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::{
    Impossible, options_from_json, options_to_json, sealed_options_from_json, sealed_options_to_json,
};
use crate::{
    DataSourceChange, DataSourceRefusal, MaxAuthenticationAge, ModelChange, ModelPrecondition, NewDataSource,
    Sharing, fold_name, rules,
};

macro_rules! select {
    ($tail:literal) => {
        NamedStatement::new(concat!(
            "SELECT d.id, d.name, d.description, d.data_store, d.options, d.owner_id, d.created_by, d.handed_over_at,
                (SELECT string_agg(CAST(user_id AS text), ' ' ORDER BY user_id) FROM data_source_shares
                    WHERE data_source_id = d.id),
                d.created_at, d.updated_at, d.sealed_options, d.max_authentication_age, d.model_version, d.writable,
                (SELECT string_agg(CAST(member_id AS text) || ' ' || prefix, ' ' ORDER BY member_id)
                    FROM data_source_members WHERE group_id = d.id), d.requires_second_factor
            FROM data_sources d ",
            $tail
        ))
    };
}

impl Record for DataSource {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            name: row.read()?,
            description: row.read()?,
            data_store: row.read()?,
            options: options_from_json(row.read::<Option<&str>>()?.unwrap_or_default())?,
            owner: row.read()?,
            handed_over: row.handover()?,
            shared_with: row.numbers(UserId::new)?,
            created_at: row.read()?,
            updated_at: row.read()?,
            sealed_options: sealed_options_from_json(row.read::<Option<&str>>()?)?,
            max_authentication_age: row.read()?,
            model_version: row.read()?,
            writable: row.read()?,
            members: members::from_column(row.read()?)?,
            requires_second_factor: row.read()?,
        })
    }
}

type Managed<S> = Change<DataSource, S, DataSourceRefusal>;

/// Finds a data source by id.
pub async fn find<S: SqlTransaction>(db: &S, id: DataSourceId) -> Read<Option<DataSource>, S> {
    static FIND: NamedStatement = select!("WHERE d.id = :id");
    db.find(&FIND, values! { id }).await
}

/// Finds a data source by name, ignoring case.
pub async fn find_by_name<S: SqlTransaction>(db: &S, name: &str) -> Read<Option<DataSource>, S> {
    static FIND: NamedStatement = select!("WHERE d.folded_name = :folded");
    db.find(&FIND, values! { folded: super::sought(&fold_name(name)) }).await
}

/// Finds the data sources with these names, ignoring case, by id.
pub async fn find_by_names<S: SqlTransaction>(db: &S, names: &[String]) -> Read<Vec<DataSource>, S> {
    static FIND: NamedStatement = select!("WHERE d.folded_name IN {each :folded} ORDER BY d.id");
    let folded: Vec<String> = names.iter().map(|name| super::sought(&fold_name(name)).into_owned()).collect();
    db.list(&FIND, values! { folded: folded.as_slice() }).await
}

/// Lists data sources by id, after `after`, at most `limit`: all, or those that the user owns or that are shared
/// with the user.
pub async fn page<S: SqlTransaction>(
    db: &S,
    visible_to: Option<UserId>,
    after: Option<DataSourceId>,
    limit: u32,
) -> Read<Vec<DataSource>, S> {
    static ALL: NamedStatement = select!("WHERE d.id > :after ORDER BY d.id LIMIT :limit");
    static VISIBLE: NamedStatement = select!(
        "WHERE d.id > :after AND (d.owner_id = :user
            OR d.id IN (SELECT data_source_id FROM data_source_shares WHERE user_id = :user))
        ORDER BY d.id LIMIT :limit"
    );
    let after = after.map_or(0, DataSourceId::get);
    match visible_to {
        None => db.list(&ALL, values! { after, limit }).await,
        Some(user) => db.list(&VISIBLE, values! { after, user, limit }).await,
    }
}

/// Lists the users with whom the data source is shared, with their names, by id.
pub async fn list_shares<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    after: Option<UserId>,
    limit: u32,
) -> Read<Vec<(UserId, String)>, S> {
    static PAGE: NamedStatement = NamedStatement::new(
        "SELECT s.user_id, u.name FROM data_source_shares s {in order} JOIN users u ON u.id = s.user_id
        WHERE s.data_source_id = :id AND s.user_id > :after ORDER BY s.user_id LIMIT :limit",
    );
    let after = after.map_or(0, UserId::get);
    db.list(&PAGE, values! { id, after, limit }).await
}

/// Finds the data source, if the caller still has the rights and may manage it.
async fn managed<S: SqlTransaction>(db: &S, id: DataSourceId, event: &NewAuditEvent) -> Managed<S> {
    rights_hold(db, event).await?;
    let found = find(db, id).await?.filter(|source| event.reaches(source.owner));
    Ok(found.ok_or(DataSourceRefusal::Unknown)?)
}

async fn rights_hold<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Change<(), S, DataSourceRefusal> {
    if authority::holds(db, event).await? { Ok(()) } else { Err(DataSourceRefusal::RightsChanged.into()) }
}

/// Advances the version, writes the event and returns the data source as it is now.
async fn finish<S: SqlTransaction>(db: &S, id: DataSourceId, event: &NewAuditEvent) -> Managed<S> {
    versions::grow(db, CachedKind::DataSources).await?;
    db.append_audit(event).await?;
    let found = find(db, id).await?;
    Ok(found.ok_or_else(|| Impossible(format!("data source {id} has vanished")))?)
}

/// Creates a data source.
pub async fn insert<S: SqlTransaction>(db: &S, new: &NewDataSource, event: &NewAuditEvent) -> Managed<S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO data_sources (name, folded_name, description, data_store, options, max_authentication_age,
            requires_second_factor, writable, owner_id, created_at, updated_at)
        VALUES (:name, :folded, :description, :data_store, :options, :max_age, :second_factor, :writable, :owner, :at, :at)
        ON CONFLICT (folded_name) DO NOTHING RETURNING id",
    );
    static SEAL: NamedStatement =
        NamedStatement::new("UPDATE data_sources SET sealed_options = :sealed WHERE id = :id");
    rights_hold(db, event).await?;
    users_exist(db, &[new.owner]).await?;
    let NewDataSource { name, description, data_store, options, sealing, max_authentication_age, .. } = new;
    let (data_store, max_age, writable, owner, at) =
        (*data_store, *max_authentication_age, new.writable, new.owner, new.at);
    let second_factor = new.requires_second_factor;
    let (folded, options) = (fold_name(name), options_to_json(options)?);
    let row = values! { name, folded, description, data_store, options, max_age, second_factor, writable, owner, at };
    let id: Option<DataSourceId> = db.find(&INSERT, row).await?;
    let id = id.ok_or(DataSourceRefusal::NameTaken)?;
    if let Some(sealed) = sealed_options_to_json(&sealing.seal(id))? {
        db.execute(&SEAL, values! { sealed, id }).await?;
    }
    finish(db, id, event).await
}

/// Changes a data source.
pub async fn update<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    change: &DataSourceChange,
    event: &NewAuditEvent,
) -> Managed<S> {
    static TAKEN: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM data_sources WHERE folded_name = :folded AND id <> :id)",
    );
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE data_sources SET name = :name, folded_name = :folded, description = :description,
            options = :options, updated_at = :at, sealed_options = :sealed, max_authentication_age = :max_age,
            requires_second_factor = :second_factor, writable = :writable
        WHERE id = :id",
    );
    let before = managed(db, id, event).await?;
    let stored = before.stored_options();
    rules::options_are_those_judged(change, &stored)?;
    let name = change.name.as_ref().unwrap_or(&before.name);
    let folded = fold_name(name);
    if db.value(&TAKEN, values! { folded: &folded, id }).await? {
        return Err(DataSourceRefusal::NameTaken.into());
    }
    let options = change.options.as_ref().unwrap_or(&stored);
    let (options, sealed) = (options_to_json(&options.plain)?, sealed_options_to_json(&options.sealed)?);
    let (description, at) = (&change.description, change.at);
    let new_age = change.max_authentication_age.map(MaxAuthenticationAge::secs);
    let max_age = new_age.unwrap_or(before.max_authentication_age);
    let second_factor = change.requires_second_factor.unwrap_or(before.requires_second_factor);
    let writable = change.writable.unwrap_or(before.writable);
    let row =
        values! { name, folded, description, options, at, sealed, max_age, second_factor, writable, id };
    db.execute(&UPDATE, row).await?;
    finish(db, id, event).await
}

/// Changes the users with whom it is shared.
pub async fn share<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    sharing: &Sharing,
    event: &NewAuditEvent,
) -> Managed<S> {
    static CLEAR: NamedStatement =
        NamedStatement::new("DELETE FROM data_source_shares WHERE data_source_id = :id");
    static REMOVE: NamedStatement =
        NamedStatement::new("DELETE FROM data_source_shares WHERE data_source_id = :id AND user_id = :user");
    static ADD: NamedStatement = NamedStatement::new(
        "INSERT INTO data_source_shares (data_source_id, user_id)
        SELECT DISTINCT :id, added.value FROM {each :users} AS added WHERE true
        ON CONFLICT DO NOTHING",
    );
    let source = managed(db, id, event).await?;
    let users: Vec<UserId> = sharing.added_besides(source.owner).collect();
    few_enough(db, id, sharing, &users).await?;
    users_exist(db, sharing.added()).await?;
    match sharing {
        Sharing::With(_) => drop(db.execute(&CLEAR, values! { id }).await?),
        Sharing::Without(user) => drop(db.execute(&REMOVE, values! { id, user: *user }).await?),
        Sharing::Also(_) => {}
    }
    if !users.is_empty() {
        db.execute(&ADD, values! { id, users: users.as_slice() }).await?;
    }
    credentials::delete_of_strangers(db, id).await?;
    touch(db, id, event.at, event).await
}

/// The data source is not shared with more users than the limit after `users` were added.
async fn few_enough<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    sharing: &Sharing,
    users: &[UserId],
) -> Change<(), S, DataSourceRefusal> {
    static AFTERWARDS: NamedStatement = NamedStatement::new(
        "SELECT count(*) FROM (
            SELECT user_id FROM data_source_shares WHERE data_source_id = :kept
            UNION SELECT added.value FROM {each :users} AS added) AS all_users",
    );
    if users.is_empty() {
        return Ok(());
    }
    // No data source has the number 0.
    let kept = if matches!(sharing, Sharing::Also(_)) { id } else { DataSourceId::new(0) };
    let afterwards: i64 = db.value(&AFTERWARDS, values! { kept, users }).await?;
    if usize::try_from(afterwards).is_ok_and(|count| count <= MOST_SHARED_USERS) {
        Ok(())
    } else {
        Err(DataSourceRefusal::TooManyUsers.into())
    }
}

/// Makes every node read the model again.
pub async fn touch<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    at: Timestamp,
    event: &NewAuditEvent,
) -> Managed<S> {
    static TOUCH: NamedStatement =
        NamedStatement::new("UPDATE data_sources SET updated_at = :at WHERE id = :id");
    managed(db, id, event).await?;
    db.execute(&TOUCH, values! { at, id }).await?;
    finish(db, id, event).await
}

/// Finds the model document of a data source.
pub async fn find_model<S: SqlTransaction>(db: &S, id: DataSourceId) -> Read<Option<String>, S> {
    static FIND: NamedStatement =
        NamedStatement::new("SELECT document FROM data_source_models WHERE data_source_id = :id");
    db.find(&FIND, values! { id }).await
}

/// Stores or deletes the model document of a data source, if it is in the state that the change demands.
pub async fn change_model<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    change: &ModelChange,
    event: &NewAuditEvent,
) -> Managed<S> {
    static ADVANCE: NamedStatement = NamedStatement::new(
        "UPDATE data_sources SET model_version = model_version + 1, updated_at = :at
        WHERE id = :id AND (:any OR model_version = :version)
            AND (NOT :new OR NOT EXISTS (SELECT 1 FROM data_source_models WHERE data_source_id = :id))",
    );
    static STORE: NamedStatement = NamedStatement::new(
        "INSERT INTO data_source_models (data_source_id, document) VALUES (:id, :document)
        ON CONFLICT (data_source_id) DO UPDATE SET document = excluded.document",
    );
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM data_source_models WHERE data_source_id = :id");
    managed(db, id, event).await?;
    let (any, new, version) = match change.precondition {
        ModelPrecondition::None => (true, false, 0),
        ModelPrecondition::NoDocument => (true, true, 0),
        ModelPrecondition::Version(version) => (false, false, version),
    };
    let at = change.at;
    if db.execute(&ADVANCE, values! { at, id, any, version, new }).await? == 0 {
        return Err(DataSourceRefusal::ModelChanged.into());
    }
    match &change.document {
        Some(document) => db.execute(&STORE, values! { id, document }).await?,
        None => db.execute(&DELETE, values! { id }).await?,
    };
    finish(db, id, event).await
}

/// Deletes a data source.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    event: &NewAuditEvent,
) -> Change<(), S, DataSourceRefusal> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM data_sources WHERE id = :id");
    managed(db, id, event).await?;
    db.execute(&DELETE, values! { id }).await?;
    versions::grow(db, CachedKind::DataSources).await?;
    Ok(db.append_audit(event).await?)
}

async fn users_exist<S: SqlTransaction>(db: &S, users: &[UserId]) -> Change<(), S, DataSourceRefusal> {
    static ALL: NamedStatement = NamedStatement::new(
        "SELECT NOT EXISTS (SELECT 1 FROM {each :users} AS wanted
            WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = wanted.value))",
    );
    if db.value(&ALL, values! { users }).await? { Ok(()) } else { Err(DataSourceRefusal::UnknownUser.into()) }
}
