//! One row of a running statement, for any database.

use odata::cell::{Cell, Row};
use rusqlite::types::ValueRef;

/// A row that borrows its cells from the driver. One concrete type serves all drivers, so that an encoder is
/// compiled once and a cell costs a predictable branch instead of a virtual call.
#[derive(Debug)]
pub struct SourceRow<'row>(Backend<'row>);

#[derive(Debug)]
enum Backend<'row> {
    Sqlite(&'row rusqlite::Row<'row>),
}

impl<'row> SourceRow<'row> {
    pub(crate) fn sqlite(row: &'row rusqlite::Row<'row>) -> Self {
        Self(Backend::Sqlite(row))
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
        }
    }
}
