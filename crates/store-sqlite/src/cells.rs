//! Reads the records of [`store::relational`] from rows.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use store::columns::Impossible;
use store::relational::{Record, ResultRow, read_row};

use crate::sql;

/// Reads a record of the common ones.
pub(crate) fn read<T: Record>(row: &Row<'_>) -> sql::Result<T> {
    Ok(read_row(&Cells(row))?)
}

/// A row as the common records read it.
struct Cells<'a>(&'a Row<'a>);

impl Cells<'_> {
    fn cell(&self, column: usize) -> Result<ValueRef<'_>, Impossible> {
        self.0.get_ref(column).map_err(|_| wrong(column))
    }
}

fn wrong(column: usize) -> Impossible {
    Impossible(format!("an unexpected type in column {column}"))
}

impl ResultRow for Cells<'_> {
    fn integer(&self, column: usize) -> Result<Option<i64>, Impossible> {
        self.cell(column)?.as_i64_or_null().map_err(|_| wrong(column))
    }

    fn boolean(&self, column: usize) -> Result<bool, Impossible> {
        self.integer(column)?.map(|number| number != 0).ok_or_else(|| wrong(column))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Impossible> {
        self.cell(column)?.as_str_or_null().map_err(|_| wrong(column))
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Impossible> {
        self.cell(column)?.as_blob_or_null().map_err(|_| wrong(column))
    }
}
