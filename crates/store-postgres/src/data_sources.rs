//! Data sources and the users with whom they are shared.

use domain::account::DataSource;
use domain::audit::NewAuditEvent;
use domain::id::{DataSourceId, UserId};
use domain::time::Timestamp;
use store::columns::{options_from_json, options_to_json};
use store::rules;
use store::{
    Answer, DataSourceChange, DataSourceRefusal, DataSources, Judged, NewDataSource, Sharing, fold_name,
};
use tokio_postgres::{Client, Row};

use crate::error::Failure;
use crate::sql::{self, values};
use crate::unit::{read, serialized};
use crate::versions::{self, Kind};
use crate::{PostgresStore, audit, authority, micros};

type Answered<'a> = Answer<'a, Judged<DataSource, DataSourceRefusal>>;

macro_rules! data_source_sql {
    ($tail:literal) => {
        concat!(
            "SELECT d.id, d.name, d.description, d.data_store, d.options, d.owner_id,
                ARRAY(SELECT user_id FROM data_source_shares WHERE data_source_id = d.id ORDER BY user_id),
                d.created_at, d.updated_at, d.created_by, d.handed_over_at
            FROM data_sources d ",
            $tail
        )
    };
}

impl DataSources for PostgresStore {
    fn find_data_source(&self, id: DataSourceId) -> Answer<'_, Option<DataSource>> {
        read!(self, db => find(db, id))
    }

    fn find_data_source_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<DataSource>> {
        read!(self, db => find_by_name(db, name))
    }

    fn list_data_sources(&self, visible_to: Option<UserId>) -> Answer<'_, Vec<DataSource>> {
        const LIST: &str = data_source_sql!(
            "WHERE $1::bigint IS NULL OR d.owner_id = $1
                OR d.id IN (SELECT data_source_id FROM data_source_shares WHERE user_id = $1)
            ORDER BY d.id"
        );
        let user = visible_to.map(UserId::get);
        read!(self, db => sql::list(db, LIST, values![user], read_source))
    }

    fn page_of_data_sources(
        &self,
        visible_to: Option<UserId>,
        after: Option<DataSourceId>,
        limit: u32,
    ) -> Answer<'_, Vec<DataSource>> {
        const PAGE: &str = data_source_sql!(
            "WHERE d.id > $2 AND ($1::bigint IS NULL OR d.owner_id = $1
                OR d.id IN (SELECT data_source_id FROM data_source_shares WHERE user_id = $1))
            ORDER BY d.id LIMIT $3"
        );
        let (user, after) = (visible_to.map(UserId::get), after.map_or(0, DataSourceId::get));
        read!(self, db => sql::list(db, PAGE, values![user, after, i64::from(limit)], read_source))
    }

    fn list_shares(
        &self,
        id: DataSourceId,
        after: Option<UserId>,
        limit: u32,
    ) -> Answer<'_, Vec<(UserId, String)>> {
        const PAGE: &str =
            "SELECT s.user_id, u.name FROM data_source_shares s JOIN users u ON u.id = s.user_id
            WHERE s.data_source_id = $1 AND s.user_id > $2 ORDER BY s.user_id LIMIT $3";
        let after = after.map_or(0, UserId::get);
        let read_share = |row: &Row| Ok((UserId::new(row.try_get(0)?), row.try_get(1)?));
        read!(self, db => sql::list(db, PAGE, values![id.get(), after, i64::from(limit)], read_share))
    }

    fn insert_data_source(&self, new: NewDataSource, audit: NewAuditEvent) -> Answered<'_> {
        serialized!(self, db => insert(db, &new, &audit))
    }

    fn update_data_source(
        &self,
        id: DataSourceId,
        change: DataSourceChange,
        audit: NewAuditEvent,
    ) -> Answered<'_> {
        serialized!(self, db => update(db, id, &change, &audit))
    }

    fn share_data_source(&self, id: DataSourceId, sharing: Sharing, audit: NewAuditEvent) -> Answered<'_> {
        serialized!(self, db => share(db, id, &sharing, &audit))
    }

    fn touch_data_source(&self, id: DataSourceId, at: Timestamp, audit: NewAuditEvent) -> Answered<'_> {
        serialized!(self, db => touch(db, id, at, &audit))
    }

    fn delete_data_source(
        &self,
        id: DataSourceId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>> {
        serialized!(self, db => delete(db, id, &audit))
    }
}

type Outcome = sql::Result<Judged<DataSource, DataSourceRefusal>>;

async fn find(db: &Client, id: DataSourceId) -> sql::Result<Option<DataSource>> {
    sql::find(db, data_source_sql!("WHERE d.id = $1"), values![id.get()], read_source).await
}

async fn find_by_name(db: &Client, name: &str) -> sql::Result<Option<DataSource>> {
    const FIND: &str = data_source_sql!("WHERE d.folded_name = $1");
    if !sql::can_be_stored(name) {
        return Ok(None);
    }
    sql::find(db, FIND, values![fold_name(name)], read_source).await
}

/// Finds the data source, if the caller still has the rights and may manage it.
async fn managed(db: &Client, id: DataSourceId, event: &NewAuditEvent) -> Outcome {
    if !authority::holds(db, event).await? {
        return Ok(Err(DataSourceRefusal::RightsChanged));
    }
    let found = find(db, id).await?.filter(|source| event.reaches(source.owner));
    Ok(found.ok_or(DataSourceRefusal::Unknown))
}

/// Advances the version, writes the event and returns the data source as it is now.
async fn finish(db: &Client, id: DataSourceId, event: &NewAuditEvent) -> Outcome {
    versions::grow(db, Kind::DataSources).await?;
    audit::append_one(db, event).await?;
    let found = find(db, id).await?;
    found.map(Ok).ok_or_else(|| Failure::Inconsistent(format!("data source {id} has vanished")))
}

async fn insert(db: &Client, new: &NewDataSource, event: &NewAuditEvent) -> Outcome {
    const INSERT: &str =
        "INSERT INTO data_sources (name, folded_name, description, data_store, options, owner_id,
            created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        ON CONFLICT (folded_name) DO NOTHING RETURNING id";
    if !authority::holds(db, event).await? {
        return Ok(Err(DataSourceRefusal::RightsChanged));
    }
    if !all_users_exist(db, &[new.owner]).await? {
        return Ok(Err(DataSourceRefusal::UnknownUser));
    }
    let row = sql::find(
        db,
        INSERT,
        values![
            new.name.as_str(),
            fold_name(&new.name),
            new.description.as_str(),
            new.data_store,
            options_to_json(&new.options)?,
            new.owner.get(),
            micros(new.at)
        ],
        |row| Ok(DataSourceId::new(row.try_get(0)?)),
    )
    .await;
    match row? {
        Some(id) => finish(db, id, event).await,
        None => Ok(Err(DataSourceRefusal::NameTaken)),
    }
}

async fn update(db: &Client, id: DataSourceId, change: &DataSourceChange, event: &NewAuditEvent) -> Outcome {
    const TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM data_sources WHERE folded_name = $1 AND id <> $2)";
    const UPDATE: &str = "UPDATE data_sources
        SET name = $2, folded_name = $3, description = $4, options = $5, updated_at = $6 WHERE id = $1";
    let before = match managed(db, id, event).await? {
        Ok(source) => source,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = rules::options_are_those_judged(change, &before.options) {
        return Ok(Err(refusal));
    }
    let name = change.name.as_ref().unwrap_or(&before.name).as_str();
    let folded = fold_name(name);
    if sql::value(db, TAKEN, values![folded, id.get()]).await? {
        return Ok(Err(DataSourceRefusal::NameTaken));
    }
    let options = options_to_json(change.options.as_ref().unwrap_or(&before.options))?;
    let description = change.description.as_str();
    sql::execute(db, UPDATE, values![id.get(), name, folded, description, options, micros(change.at)])
        .await?;
    finish(db, id, event).await
}

async fn share(db: &Client, id: DataSourceId, sharing: &Sharing, event: &NewAuditEvent) -> Outcome {
    const CLEAR: &str = "DELETE FROM data_source_shares WHERE data_source_id = $1";
    const REMOVE: &str = "DELETE FROM data_source_shares WHERE data_source_id = $1 AND user_id = $2";
    const ADD: &str = "INSERT INTO data_source_shares (data_source_id, user_id)
        SELECT DISTINCT $1::bigint, id FROM unnest($2::bigint[]) AS added (id) ON CONFLICT DO NOTHING";
    let source = match managed(db, id, event).await? {
        Ok(source) => source,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !all_users_exist(db, sharing.added()).await? {
        return Ok(Err(DataSourceRefusal::UnknownUser));
    }
    match sharing {
        Sharing::With(_) => drop(sql::execute(db, CLEAR, values![id.get()]).await?),
        Sharing::Without(user) => drop(sql::execute(db, REMOVE, values![id.get(), user.get()]).await?),
        Sharing::Also(_) => {}
    }
    let others: Vec<i64> = sharing.added_besides(source.owner).map(UserId::get).collect();
    if !others.is_empty() {
        sql::execute(db, ADD, values![id.get(), others]).await?;
    }
    touch(db, id, event.at, event).await
}

async fn touch(db: &Client, id: DataSourceId, at: Timestamp, event: &NewAuditEvent) -> Outcome {
    const TOUCH: &str = "UPDATE data_sources SET updated_at = $2 WHERE id = $1";
    if let Err(refusal) = managed(db, id, event).await? {
        return Ok(Err(refusal));
    }
    sql::execute(db, TOUCH, values![id.get(), micros(at)]).await?;
    finish(db, id, event).await
}

async fn delete(
    db: &Client,
    id: DataSourceId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(), DataSourceRefusal>> {
    if let Err(refusal) = managed(db, id, event).await? {
        return Ok(Err(refusal));
    }
    sql::execute(db, "DELETE FROM data_sources WHERE id = $1", values![id.get()]).await?;
    versions::grow(db, Kind::DataSources).await?;
    audit::append_one(db, event).await?;
    Ok(Ok(()))
}

async fn all_users_exist(db: &Client, users: &[UserId]) -> sql::Result<bool> {
    const MISSING: &str = "SELECT EXISTS (SELECT 1 FROM unnest($1::bigint[]) AS wanted (id)
        WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = wanted.id))";
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let missing: bool = sql::value(db, MISSING, values![ids]).await?;
    Ok(!missing)
}

fn read_source(row: &Row) -> sql::Result<DataSource> {
    let shared: Vec<i64> = row.try_get(6)?;
    Ok(DataSource {
        id: DataSourceId::new(row.try_get(0)?),
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        data_store: row.try_get(3)?,
        options: options_from_json(row.try_get(4)?)?,
        owner: UserId::new(row.try_get(5)?),
        handed_over: sql::handover(row, 9)?,
        shared_with: shared.into_iter().map(UserId::new).collect(),
        created_at: sql::moment(row, 7)?,
        updated_at: sql::moment(row, 8)?,
    })
}
