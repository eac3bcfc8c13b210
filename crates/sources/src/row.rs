//! One row of a running statement, for any kind of database.

use std::fmt;

use odata::cell::{Cell, Row};
use rusqlite::types::ValueRef;

/// A row that borrows its cells from the driver. One concrete type serves all drivers, so that statements are run by
/// code that exists once.
#[derive(Debug)]
pub struct SourceRow<'row>(DriverRow<'row>);

#[derive(Debug, Clone, Copy)]
enum DriverRow<'row> {
    Sqlite(SqliteRow<'row>),
    Any(AnyRow<'row>),
}

/// Reads many cells of a row. The driver of the row is asked for once and not at each cell.
pub trait RowReader {
    /// Reads the cells.
    fn read(self, row: &impl Row);
}

/// A row of SQLite. None of its cells is [`Cell::Typed`].
#[derive(Clone, Copy)]
struct SqliteRow<'row>(&'row rusqlite::Row<'row>);

/// A row of any other driver. A cell costs a virtual call.
#[derive(Clone, Copy)]
struct AnyRow<'row>(&'row dyn Row);

impl fmt::Debug for SqliteRow<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row of SQLite")
    }
}

impl fmt::Debug for AnyRow<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row")
    }
}

impl<'row> SourceRow<'row> {
    pub(crate) fn sqlite(row: &'row rusqlite::Row<'row>) -> Self {
        Self(DriverRow::Sqlite(SqliteRow(row)))
    }

    /// A row of any driver. A cell costs a virtual call.
    pub fn of(row: &'row dyn Row) -> Self {
        Self(DriverRow::Any(AnyRow(row)))
    }

    /// Passes the row to `reader`, as a row of its driver.
    #[inline]
    pub fn read_by(&self, reader: impl RowReader) {
        match &self.0 {
            DriverRow::Sqlite(row) => reader.read(row),
            DriverRow::Any(row) => reader.read(row),
        }
    }
}

impl Row for SourceRow<'_> {
    #[inline]
    fn cell(&self, index: usize) -> Cell<'_> {
        match &self.0 {
            DriverRow::Sqlite(row) => row.cell(index),
            DriverRow::Any(row) => row.cell(index),
        }
    }
}

impl Row for SqliteRow<'_> {
    #[inline]
    fn cell(&self, index: usize) -> Cell<'_> {
        match self.0.get_ref(index) {
            Ok(ValueRef::Integer(integer)) => Cell::Integer(integer),
            Ok(ValueRef::Real(real)) => Cell::Real(real),
            Ok(ValueRef::Text(text)) => Cell::Text(text),
            Ok(ValueRef::Blob(blob)) => Cell::Blob(blob),
            // An index past the last column is excluded before the statement runs.
            Ok(ValueRef::Null) | Err(_) => Cell::Null,
        }
    }
}

impl Row for AnyRow<'_> {
    #[inline]
    fn cell(&self, index: usize) -> Cell<'_> {
        self.0.cell(index)
    }
}
