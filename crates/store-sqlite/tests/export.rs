//! Tests of exclusive reading, row by row.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::account::Role;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::RoleId;
use domain::time::Timestamp;
use rusqlite::Connection;
use store::Users;
use store::columns::{Ids, StoredCell, StoredKind, StoredTable, TABLES};
use store_sqlite::{Export, OpenError, Options, SqliteStore, migrate, pending};
use tempfile::TempDir;

const HASTY: Options = Options { queue: 16, busy_timeout: Duration::ZERO, readers: 2 };

fn installation() -> (PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("system.db");
    drop(SqliteStore::create(&path, HASTY).unwrap());
    (path, folder)
}

fn table(name: &str) -> &'static StoredTable {
    TABLES.iter().find(|table| table.name == name).unwrap()
}

/// SQLite's description of a column: name, type, whether it is NOT NULL, position in the primary key.
type Column = (String, String, bool, usize);

fn columns_of(db: &Connection, table: &str) -> Vec<Column> {
    let mut statement = db.prepare(&format!("PRAGMA table_info({table})")).unwrap();
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get(1)?, row.get(2)?, row.get(3)?, usize::try_from(row.get::<_, i64>(5)?).unwrap()))
    };
    statement.query_map((), read).unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_list_of_tables_is_the_schema() {
    let (path, _folder) = installation();
    let db = Connection::open(path).unwrap();
    let mut statement = db
        .prepare("SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_schema WHERE type = 'table'")
        .unwrap();
    let tables = statement.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)));
    let mut there: Vec<(String, bool)> = tables.unwrap().map(Result::unwrap).collect();
    there.retain(|(name, _)| name != "migrations" && !name.starts_with("sqlite_"));
    let mut listed: Vec<(String, bool)> =
        TABLES.iter().map(|table| (table.name.to_owned(), table.ids == Ids::GivenOnce)).collect();
    there.sort();
    listed.sort();
    assert_eq!(there, listed, "a migration has changed the tables: list them in store::columns::TABLES");
    for table in TABLES {
        let columns = table.columns.iter().enumerate().map(|(index, column)| {
            let kind = match column.kind {
                StoredKind::Number | StoredKind::Flag => "INTEGER",
                StoredKind::Text => "TEXT",
                StoredKind::Bytes => "BLOB",
            };
            let place = if index < table.key_columns { index + 1 } else { 0 };
            (column.name.to_owned(), kind.to_owned(), !column.nullable, place)
        });
        let mut there = columns_of(&db, table.name);
        // The column of an integer primary key is NOT NULL even if it is not declared so.
        there.iter_mut().filter(|column| column.3 > 0).for_each(|column| column.2 = true);
        assert_eq!(there, columns.collect::<Vec<_>>(), "{}", table.name);
    }
}

#[test]
fn nobody_else_has_the_database_while_it_is_exported() {
    let (path, _folder) = installation();
    let server = SqliteStore::open(&path, HASTY).unwrap();
    assert!(matches!(Export::open(&path, HASTY).map(drop), Err(OpenError::InUse(_))));
    drop(server);
    let export = Export::open(&path, HASTY).unwrap();
    assert!(matches!(SqliteStore::open(&path, HASTY).map(drop), Err(OpenError::Restoring(_))));
    assert!(matches!(Export::open(&path, HASTY).map(drop), Err(OpenError::InUse(_))));
    drop(export);
    drop(SqliteStore::open(&path, HASTY).unwrap());
}

#[test]
fn a_program_that_knows_sqlites_lock_alone_is_noticed_and_kept_out_too() {
    let (path, _folder) = installation();
    let read = |db: &Connection| db.query_row("SELECT count(*) FROM users", (), |row| row.get::<_, i64>(0));
    let other = Connection::open(&path).unwrap();
    read(&other).unwrap();
    assert!(matches!(Export::open(&path, HASTY).map(drop), Err(OpenError::InUse(_))));
    drop(other);
    let export = Export::open(&path, HASTY).unwrap();
    let other = Connection::open(&path).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    assert_eq!(read(&other).unwrap_err().sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    drop(export);
    read(&other).unwrap();
}

#[test]
fn an_installation_that_has_moved_is_opened_by_nothing_but_an_export() {
    let (path, _folder) = installation();
    let export = Export::open(&path, HASTY).unwrap();
    export.begin_copy(7).unwrap();
    assert!(!export.has_moved().unwrap());
    export.mark_as_moved().unwrap();
    drop(export);
    let moved = |outcome: Result<(), OpenError>| matches!(outcome, Err(OpenError::Moved(_)));
    assert!(moved(SqliteStore::open(&path, HASTY).map(drop)));
    assert!(moved(migrate(&path).map(drop)));
    assert!(moved(pending(&path).map(drop)));
    let export = Export::open(&path, HASTY).unwrap();
    assert!(export.has_moved().unwrap());
    assert_eq!(export.copy_number().unwrap(), 7);
}

fn run(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

#[tokio::test]
async fn rows_come_in_the_order_of_their_keys_with_the_largest_id_ever_given() {
    let (path, _folder) = installation();
    let store = SqliteStore::open(&path, HASTY).unwrap();
    let event = || NewAuditEvent::new(Action::CreateRole, Outcome::Success, Timestamp::from_secs(1));
    let mut ids = Vec::new();
    for name in ["third", "fourth"] {
        let role = Role {
            id: RoleId::new(0),
            name: name.to_owned(),
            description: String::new(),
            permissions: Vec::new(),
            requires_second_factor: false,
        };
        ids.push(store.insert_role(role, event()).await.unwrap().unwrap().id);
    }
    store.delete_role(ids[1], event()).await.unwrap().unwrap();
    drop(store);
    run(
        &path,
        "INSERT INTO users (id, epoch, active, name, folded_name, password, created_at, updated_at)
        VALUES (5, 1, 1, 'a', 'a', 'p', -3, 9); INSERT INTO user_roles VALUES (5, 2), (5, 1), (5, 3)",
    );
    let export = Export::open(&path, HASTY).unwrap();
    assert_eq!(export.last_id(table("roles")).unwrap(), 4);
    assert_eq!(export.last_id(table("users")).unwrap(), 5);
    assert_eq!(export.last_id(table("grants")).unwrap(), 0);
    assert_eq!(export.last_id(table("versions")).unwrap(), 0);
    assert_eq!(export.count(table("user_roles")).unwrap(), 3);
    let roles = table("user_roles");
    let first = export.window(roles, &roles.before_all(), 2).unwrap();
    assert!(
        first
            == [
                [StoredCell::Number(5), StoredCell::Number(1)],
                [StoredCell::Number(5), StoredCell::Number(2)]
            ]
    );
    let rest = export.window(roles, &vec![5, 2], 2).unwrap();
    assert!(rest == [[StoredCell::Number(5), StoredCell::Number(3)]]);
    let users = export.window(table("users"), &vec![0], 9).unwrap();
    assert!(
        users[0][2] == StoredCell::Flag(true)
            && users[0][6] == StoredCell::Null
            && users[0][10] == StoredCell::Number(-3)
    );
}
