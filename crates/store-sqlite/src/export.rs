//! Reads an installation row by row, to copy it into another database.
//!
//! An export has exclusive access from [`Export::open`] until it is dropped, through two locks: the one that
//! prevents a restore from replacing the file, and SQLite's own lock, which also stops programs that do not
//! know the first. The file header records which copy was started last and, at the end, that the installation
//! was migrated; the tables are not changed.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params_from_iter};
use store::StoreError;
use store::columns::{Ids, Key, StoredCell, StoredColumn, StoredKind, StoredRow, StoredTable};

use crate::error::Failure;
use crate::{DatabaseLock, OpenError, Options, connection, migrations, sql};

/// An installation that is being copied.
pub struct Export {
    db: Connection,
    /// The last field, so that the lock is released after the connection is closed.
    _lock: DatabaseLock,
}

impl Export {
    /// Opens the database at `path` exclusively, and runs pending migrations.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`](crate::SqliteStore::open), and if another process has it open. An
    /// installation that was already migrated to another database can still be opened, because the last step
    /// of its copy may be missing.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        connection::check_file(path)?;
        let lock = DatabaseLock::alone(path)?;
        let mut db = connection::open_alone(path, options)?;
        migrations::run(&mut db)?;
        connection::keep_private(path)?;
        Ok(Self { db, _lock: lock })
    }

    /// Whether the installation was migrated to the target of the last copy.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn has_moved(&self) -> Result<bool, StoreError> {
        answer(|| Ok(connection::mark(&self.db)? == connection::MOVED_ID))
    }

    /// The number of the copy that was started last; 0 if there was none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn copy_number(&self) -> Result<i32, StoreError> {
        answer(|| Ok(self.db.pragma_query_value(None, "user_version", |row| row.get(0))?))
    }

    /// Records the number of a copy that starts. Earlier copies can then no longer be resumed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin_copy(&self, number: i32) -> Result<(), StoreError> {
        answer(|| Ok(self.db.pragma_update(None, "user_version", number)?))
    }

    /// Marks the installation as migrated; from now on only an export can open it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn mark_as_moved(&self) -> Result<(), StoreError> {
        answer(|| Ok(self.db.pragma_update(None, "application_id", connection::MOVED_ID)?))
    }

    /// The number of rows in a table.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn count(&self, table: &StoredTable) -> Result<u64, StoreError> {
        let query = format!("SELECT count(*) FROM {}", table.name);
        answer(|| sql::value(&self.db, &query, ()).map(i64::cast_unsigned))
    }

    /// The first rows of a table whose keys are above `after`, in key order, at most `limit`.
    ///
    /// # Errors
    /// If they cannot be read, or one contains an invalid value.
    pub fn window(
        &self,
        table: &StoredTable,
        after: &Key,
        limit: usize,
    ) -> Result<Vec<StoredRow>, StoreError> {
        let names = |columns: &[StoredColumn]| {
            columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
        };
        let key = names(table.key());
        let above = vec!["?"; table.key_columns].join(", ");
        let query = format!(
            "SELECT {} FROM {} WHERE ({key}) > ({above}) ORDER BY {key} LIMIT ?",
            names(table.columns),
            table.name
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = after.iter().copied().chain([limit]);
        answer(|| sql::list(&self.db, &query, params_from_iter(values), |row| read(table, row)))
    }

    /// The largest id that a table has ever assigned, including deleted rows; 0 if there was none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_id(&self, table: &StoredTable) -> Result<i64, StoreError> {
        const GIVEN: &str = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
        if table.ids == Ids::Chosen {
            return Ok(0);
        }
        answer(|| {
            let given: Option<i64> = self.db.query_row(GIVEN, [table.name], |row| row.get(0)).optional()?;
            let largest: i64 =
                sql::value(&self.db, &format!("SELECT coalesce(max(id), 0) FROM {}", table.name), ())?;
            Ok(given.unwrap_or(0).max(largest))
        })
    }
}

fn answer<T>(work: impl FnOnce() -> sql::Result<T>) -> Result<T, StoreError> {
    work().map_err(Failure::into_store_error)
}

fn read(table: &StoredTable, row: &SqlRow<'_>) -> sql::Result<StoredRow> {
    let cell = |(index, column): (usize, &StoredColumn)| {
        let impossible =
            || Failure::Inconsistent(format!("what {}.{} must not hold", table.name, column.name));
        match (column.kind, row.get_ref(index)?) {
            (_, ValueRef::Null) if column.nullable => Ok(StoredCell::Null),
            (StoredKind::Number, ValueRef::Integer(number)) => Ok(StoredCell::Number(number)),
            (StoredKind::Flag, ValueRef::Integer(number @ (0 | 1))) => Ok(StoredCell::Flag(number == 1)),
            (StoredKind::Text, ValueRef::Text(text)) => {
                String::from_utf8(text.to_vec()).map(StoredCell::Text).map_err(|_| impossible())
            }
            (StoredKind::Bytes, ValueRef::Blob(bytes)) => Ok(StoredCell::Bytes(bytes.to_vec())),
            _ => Err(impossible()),
        }
    };
    table.columns.iter().enumerate().map(cell).collect()
}
