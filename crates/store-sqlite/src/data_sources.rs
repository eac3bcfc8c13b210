//! Data sources and the users with whom they are shared.

use domain::account::DataSource;
use domain::audit::NewAuditEvent;
use domain::id::{DataSourceId, UserId};
use domain::time::Timestamp;
use rusqlite::{Connection, Row, params};
use store::columns::{options_from_json, options_to_json};
use store::rules;
use store::{
    Answer, DataSourceChange, DataSourceRefusal, DataSources, Judged, NewDataSource, Sharing, fold_name,
};

use crate::error::Failure;
use crate::versions::{self, Kind};
use crate::{SqliteStore, audit, authority, micros, sql};

type Answered<'a> = Answer<'a, Judged<DataSource, DataSourceRefusal>>;

macro_rules! data_source_sql {
    ($tail:literal) => {
        concat!(
            "SELECT d.id, d.name, d.description, d.data_store, d.options, d.owner_id,
                (SELECT group_concat(user_id, ' ' ORDER BY user_id) FROM data_source_shares WHERE data_source_id = d.id),
                d.created_at, d.updated_at, d.created_by, d.handed_over_at
            FROM data_sources d ",
            $tail
        )
    };
}

impl DataSources for SqliteStore {
    fn find_data_source(&self, id: DataSourceId) -> Answer<'_, Option<DataSource>> {
        self.read(move |db| find(db, id))
    }

    fn find_data_source_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<DataSource>> {
        const FIND: &str = data_source_sql!("WHERE d.folded_name = ?1");
        self.read(move |db| sql::find(db, FIND, [fold_name(name)], read))
    }

    fn list_data_sources(&self, visible_to: Option<UserId>) -> Answer<'_, Vec<DataSource>> {
        const ALL: &str = data_source_sql!("ORDER BY d.id");
        const VISIBLE: &str = data_source_sql!(
            "WHERE d.owner_id = ?1 OR d.id IN (SELECT data_source_id FROM data_source_shares WHERE user_id = ?1)
            ORDER BY d.id"
        );
        self.read(move |db| match visible_to {
            None => sql::list(db, ALL, (), read),
            Some(user) => sql::list(db, VISIBLE, [user.get()], read),
        })
    }

    fn page_of_data_sources(
        &self,
        visible_to: Option<UserId>,
        after: Option<DataSourceId>,
        limit: u32,
    ) -> Answer<'_, Vec<DataSource>> {
        const ALL: &str = data_source_sql!("WHERE d.id > ?1 ORDER BY d.id LIMIT ?2");
        const VISIBLE: &str = data_source_sql!(
            "WHERE d.id > ?1 AND (d.owner_id = ?3
                OR d.id IN (SELECT data_source_id FROM data_source_shares WHERE user_id = ?3))
            ORDER BY d.id LIMIT ?2"
        );
        let after = after.map_or(0, DataSourceId::get);
        self.read(move |db| match visible_to {
            None => sql::list(db, ALL, (after, limit), read),
            Some(user) => sql::list(db, VISIBLE, (after, limit, user.get()), read),
        })
    }

    fn list_shares(
        &self,
        id: DataSourceId,
        after: Option<UserId>,
        limit: u32,
    ) -> Answer<'_, Vec<(UserId, String)>> {
        const PAGE: &str = "SELECT s.user_id, u.name
            FROM data_source_shares s CROSS JOIN users u ON u.id = s.user_id
            WHERE s.data_source_id = ?1 AND s.user_id > ?2 ORDER BY s.user_id LIMIT ?3";
        let after = after.map_or(0, UserId::get);
        self.read(move |db| {
            sql::list(db, PAGE, (id.get(), after, limit), |row| Ok((UserId::new(row.get(0)?), row.get(1)?)))
        })
    }

    fn insert_data_source(&self, new: NewDataSource, audit: NewAuditEvent) -> Answered<'_> {
        self.write(move |db| insert(db, &new, &audit))
    }

    fn update_data_source(
        &self,
        id: DataSourceId,
        change: DataSourceChange,
        audit: NewAuditEvent,
    ) -> Answered<'_> {
        self.write(move |db| update(db, id, &change, &audit))
    }

    fn share_data_source(&self, id: DataSourceId, sharing: Sharing, audit: NewAuditEvent) -> Answered<'_> {
        self.write(move |db| share(db, id, &sharing, &audit))
    }

    fn touch_data_source(&self, id: DataSourceId, at: Timestamp, audit: NewAuditEvent) -> Answered<'_> {
        self.write(move |db| touch(db, id, at, &audit))
    }

    fn delete_data_source(
        &self,
        id: DataSourceId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), DataSourceRefusal>> {
        self.write(move |db| {
            if let Err(refusal) = managed(db, id, &audit)? {
                return Ok(Err(refusal));
            }
            sql::execute(db, "DELETE FROM data_sources WHERE id = ?1", [id.get()])?;
            versions::grow(db, Kind::DataSources)?;
            audit::append(db, &audit)?;
            Ok(Ok(()))
        })
    }
}

type Outcome = sql::Result<Judged<DataSource, DataSourceRefusal>>;

fn find(db: &Connection, id: DataSourceId) -> sql::Result<Option<DataSource>> {
    sql::find(db, data_source_sql!("WHERE d.id = ?1"), [id.get()], read)
}

/// Finds the data source, if the caller still has the rights and may manage it.
fn managed(db: &Connection, id: DataSourceId, event: &NewAuditEvent) -> Outcome {
    if !authority::holds(db, event)? {
        return Ok(Err(DataSourceRefusal::RightsChanged));
    }
    let found = find(db, id)?.filter(|source| event.reaches(source.owner));
    Ok(found.ok_or(DataSourceRefusal::Unknown))
}

/// Advances the version, writes the event and returns the data source as it is now.
fn finish(db: &Connection, id: DataSourceId, event: &NewAuditEvent) -> Outcome {
    versions::grow(db, Kind::DataSources)?;
    audit::append(db, event)?;
    let found = find(db, id)?;
    found.map(Ok).ok_or_else(|| Failure::Inconsistent(format!("data source {id} has vanished")))
}

fn insert(db: &Connection, new: &NewDataSource, event: &NewAuditEvent) -> Outcome {
    const INSERT: &str =
        "INSERT INTO data_sources (name, folded_name, description, data_store, options, owner_id,
            created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
        ON CONFLICT (folded_name) DO NOTHING";
    if !authority::holds(db, event)? {
        return Ok(Err(DataSourceRefusal::RightsChanged));
    }
    if !user_exists(db, new.owner)? {
        return Ok(Err(DataSourceRefusal::UnknownUser));
    }
    let row = params![
        new.name,
        fold_name(&new.name),
        new.description,
        new.data_store,
        options_to_json(&new.options)?,
        new.owner.get(),
        micros(new.at),
    ];
    if sql::execute(db, INSERT, row)? == 0 {
        return Ok(Err(DataSourceRefusal::NameTaken));
    }
    finish(db, DataSourceId::new(db.last_insert_rowid()), event)
}

fn update(db: &Connection, id: DataSourceId, change: &DataSourceChange, event: &NewAuditEvent) -> Outcome {
    const TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM data_sources WHERE folded_name = ?1 AND id <> ?2)";
    const UPDATE: &str = "UPDATE data_sources
        SET name = ?2, folded_name = ?3, description = ?4, options = ?5, updated_at = ?6 WHERE id = ?1";
    let before = match managed(db, id, event)? {
        Ok(source) => source,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = rules::options_are_those_judged(change, &before.options) {
        return Ok(Err(refusal));
    }
    let name = change.name.as_ref().unwrap_or(&before.name);
    let folded = fold_name(name);
    if sql::value(db, TAKEN, (&folded, id.get()))? {
        return Ok(Err(DataSourceRefusal::NameTaken));
    }
    let options = options_to_json(change.options.as_ref().unwrap_or(&before.options))?;
    let row = params![id.get(), name, folded, change.description, options, micros(change.at)];
    sql::execute(db, UPDATE, row)?;
    finish(db, id, event)
}

fn share(db: &Connection, id: DataSourceId, sharing: &Sharing, event: &NewAuditEvent) -> Outcome {
    const CLEAR: &str = "DELETE FROM data_source_shares WHERE data_source_id = ?1";
    const REMOVE: &str = "DELETE FROM data_source_shares WHERE data_source_id = ?1 AND user_id = ?2";
    const ADD: &str =
        "INSERT INTO data_source_shares (data_source_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let source = match managed(db, id, event)? {
        Ok(source) => source,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for user in sharing.added() {
        if !user_exists(db, *user)? {
            return Ok(Err(DataSourceRefusal::UnknownUser));
        }
    }
    match sharing {
        Sharing::With(_) => drop(sql::execute(db, CLEAR, [id.get()])?),
        Sharing::Without(user) => drop(sql::execute(db, REMOVE, (id.get(), user.get()))?),
        Sharing::Also(_) => {}
    }
    for user in sharing.added_besides(source.owner) {
        sql::execute(db, ADD, (id.get(), user.get()))?;
    }
    touch(db, id, event.at, event)
}

fn touch(db: &Connection, id: DataSourceId, at: Timestamp, event: &NewAuditEvent) -> Outcome {
    const TOUCH: &str = "UPDATE data_sources SET updated_at = ?2 WHERE id = ?1";
    if let Err(refusal) = managed(db, id, event)? {
        return Ok(Err(refusal));
    }
    sql::execute(db, TOUCH, (id.get(), micros(at)))?;
    finish(db, id, event)
}

fn user_exists(db: &Connection, id: UserId) -> sql::Result<bool> {
    sql::value(db, "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1)", [id.get()])
}

fn read(row: &Row<'_>) -> sql::Result<DataSource> {
    let (options, shared): (String, Option<String>) = (row.get(4)?, row.get(6)?);
    let impossible = |_| Failure::Inconsistent("a data source with impossible shares".to_owned());
    let users = shared.as_deref().unwrap_or_default().split_ascii_whitespace().map(str::parse);
    Ok(DataSource {
        id: DataSourceId::new(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        data_store: row.get(3)?,
        options: options_from_json(&options)?,
        owner: UserId::new(row.get(5)?),
        handed_over: sql::handover(row, 9)?,
        shared_with: users.collect::<Result<_, _>>().map_err(impossible)?,
        created_at: Timestamp::from_micros(row.get(7)?),
        updated_at: Timestamp::from_micros(row.get(8)?),
    })
}
