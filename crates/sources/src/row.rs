//! One row of a running statement, for any kind of database.

use odata::cell::{Cell, Row};
use rusqlite::types::ValueRef;

/// A row that borrows its cells from the driver. One concrete type serves all drivers, so that an encoder is
/// compiled once, and a cell of SQLite costs a predictable branch instead of a virtual call.
#[derive(Debug)]
pub struct SourceRow<'row>(Backend<'row>);

#[derive(Clone, Copy)]
enum Backend<'row> {
    Sqlite(&'row rusqlite::Row<'row>),
    Any(&'row dyn Row),
}

impl std::fmt::Debug for Backend<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a row")
    }
}

impl<'row> SourceRow<'row> {
    pub(crate) fn sqlite(row: &'row rusqlite::Row<'row>) -> Self {
        Self(Backend::Sqlite(row))
    }

    /// A row of any driver. A cell costs a virtual call.
    pub fn of(row: &'row dyn Row) -> Self {
        Self(Backend::Any(row))
    }
}

impl Row for SourceRow<'_> {
    #[inline]
    fn cell(&self, index: usize) -> Cell<'_> {
        match self.0 {
            Backend::Sqlite(row) => match row.get_ref(index) {
                Ok(ValueRef::Integer(integer)) => Cell::Integer(integer),
                Ok(ValueRef::Real(real)) => Cell::Real(real),
                Ok(ValueRef::Text(text)) => Cell::Text(text),
                Ok(ValueRef::Blob(blob)) => Cell::Blob(blob),
                // An index past the last column is excluded before the statement runs.
                Ok(ValueRef::Null) | Err(_) => Cell::Null,
            },
            Backend::Any(row) => row.cell(index),
        }
    }
}
