//! Reading an installation row by row, to copy it into another database.
//!
//! Whoever exports has the database alone, from [`Export::open`] until it is dropped, twice over: by the lock that keeps a
//! restore from taking the file's place meanwhile, and by SQLite's own, which also notices programs that do not know the
//! first. The header of the file remembers which copy was begun last, and at the end that the installation has moved; the
//! tables are not touched.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params_from_iter};
use store::StoreError;
use store::columns::{Cell, Column, Ids, Key, Kind, Row, Table};

use crate::error::Failure;
use crate::{OpenError, Options, Presence, connection, migrations, sql};

/// An installation that is being copied.
pub struct Export {
    db: Connection,
    /// The last field: it is let go when the connection is closed.
    _presence: Presence,
}

impl Export {
    /// Opens the database at `path` for nobody but this process, and runs the migrations that it lacks.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`](crate::SqliteStore::open), and when another process has it open. An installation that
    /// has moved is opened all the same: its copy may lack its last step.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        connection::check_file(path)?;
        let presence = Presence::alone(path)?;
        let mut db = connection::open_alone(path, options)?;
        migrations::run(&mut db)?;
        connection::keep_private(path)?;
        Ok(Self { db, _presence: presence })
    }

    /// Whether the installation has moved into the database of the last copy.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has_moved(&self) -> Result<bool, StoreError> {
        answer(|| Ok(connection::mark(&self.db)? == connection::MOVED_ID))
    }

    /// The number of the copy that was begun last; 0 where there was none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn copy_number(&self) -> Result<i32, StoreError> {
        answer(|| Ok(self.db.pragma_query_value(None, "user_version", |row| row.get(0))?))
    }

    /// Remembers the number of a copy that begins. An earlier one cannot be taken up again then.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin_copy(&self, number: i32) -> Result<(), StoreError> {
        answer(|| Ok(self.db.pragma_update(None, "user_version", number)?))
    }

    /// Marks the installation as moved: from now on nothing but an export opens it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mark_as_moved(&self) -> Result<(), StoreError> {
        answer(|| Ok(self.db.pragma_update(None, "application_id", connection::MOVED_ID)?))
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let query = format!("SELECT count(*) FROM {}", table.name);
        answer(|| sql::value(&self.db, &query, ()).map(i64::cast_unsigned))
    }

    /// The first rows of a table whose keys are above `after`, in the order of their keys, at most so many.
    ///
    /// # Errors
    /// When they cannot be read, or one holds what it must not hold.
    pub fn window(&self, table: &Table, after: &Key, limit: usize) -> Result<Vec<Row>, StoreError> {
        let names =
            |columns: &[Column]| columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
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

    /// The largest id that a table has ever given, also to rows that have gone; 0 where there was none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_id(&self, table: &Table) -> Result<i64, StoreError> {
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

fn read(table: &Table, row: &SqlRow<'_>) -> sql::Result<Row> {
    let cell = |(index, column): (usize, &Column)| {
        let impossible =
            || Failure::Inconsistent(format!("what {}.{} must not hold", table.name, column.name));
        match (column.kind, row.get_ref(index)?) {
            (_, ValueRef::Null) if column.nullable => Ok(Cell::Null),
            (Kind::Number, ValueRef::Integer(number)) => Ok(Cell::Number(number)),
            (Kind::Flag, ValueRef::Integer(number @ (0 | 1))) => Ok(Cell::Flag(number == 1)),
            (Kind::Text, ValueRef::Text(text)) => {
                String::from_utf8(text.to_vec()).map(Cell::Text).map_err(|_| impossible())
            }
            (Kind::Bytes, ValueRef::Blob(bytes)) => Ok(Cell::Bytes(bytes.to_vec())),
            _ => Err(impossible()),
        }
    };
    table.columns.iter().enumerate().map(cell).collect()
}
