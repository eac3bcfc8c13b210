//! Reads the records of [`store::relational`] from rows.

use store::columns::Impossible;
use store::relational::{Record, ResultRow, read_row};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::sql;

/// Reads a record of the common ones.
pub(crate) fn read<T: Record>(row: &Row) -> sql::Result<T> {
    Ok(read_row(&Cells(row))?)
}

/// A row as the common records read it.
struct Cells<'a>(&'a Row);

impl Cells<'_> {
    fn cell<'r, T: FromSql<'r>>(&'r self, column: usize) -> Result<T, Impossible> {
        self.0.try_get(column).map_err(|_| Impossible(format!("an unexpected type in column {column}")))
    }
}

impl ResultRow for Cells<'_> {
    fn integer(&self, column: usize) -> Result<Option<i64>, Impossible> {
        self.cell(column)
    }

    fn boolean(&self, column: usize) -> Result<bool, Impossible> {
        self.cell(column)
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Impossible> {
        self.cell(column)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Impossible> {
        self.cell(column)
    }
}
