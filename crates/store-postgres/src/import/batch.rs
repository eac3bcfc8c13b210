//! Writing and reading many rows of any table with one statement.

use store::columns::{Key, StoredCell, StoredColumn, StoredKind, StoredRow, StoredTable};
use tokio_postgres::Client;

use crate::error::Failure;
use crate::sql::{self, SqlParameter, parameter};

/// One column of many rows, as a statement parameter.
enum Array<'a> {
    Numbers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    Texts(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> Array<'a> {
    fn gather(table: &StoredTable, rows: &'a [StoredRow], index: usize) -> sql::Result<Self> {
        let column = &table.columns[index];
        let stray = || Failure::Inconsistent(format!("a cell of {}.{}", table.name, column.name));
        let cells = rows.iter().map(|row| row.get(index));
        Ok(match column.kind {
            StoredKind::Number => Self::Numbers(gather(cells, stray, |cell| match cell {
                StoredCell::Number(number) => Some(*number),
                _ => None,
            })?),
            StoredKind::Flag => Self::Flags(gather(cells, stray, |cell| match cell {
                StoredCell::Flag(flag) => Some(*flag),
                _ => None,
            })?),
            StoredKind::Text => Self::Texts(gather(cells, stray, |cell| match cell {
                StoredCell::Text(text) => Some(text.as_str()),
                _ => None,
            })?),
            StoredKind::Bytes => Self::Bytes(gather(cells, stray, |cell| match cell {
                StoredCell::Bytes(bytes) => Some(bytes.as_slice()),
                _ => None,
            })?),
        })
    }

    fn parameter(&self) -> SqlParameter<'_> {
        match self {
            Self::Numbers(numbers) => parameter(numbers),
            Self::Flags(flags) => parameter(flags),
            Self::Texts(texts) => parameter(texts),
            Self::Bytes(bytes) => parameter(bytes),
        }
    }
}

/// Collects the values that `of` finds in the cells; a cell that is neither NULL nor known to `of` is an
/// error.
fn gather<'a, T>(
    cells: impl Iterator<Item = Option<&'a StoredCell>>,
    stray: impl Fn() -> Failure,
    of: impl Fn(&'a StoredCell) -> Option<T>,
) -> sql::Result<Vec<Option<T>>> {
    let read = |cell: Option<&'a StoredCell>| match cell {
        Some(StoredCell::Null) => Ok(None),
        Some(cell) => of(cell).map(Some).ok_or_else(&stray),
        None => Err(stray()),
    };
    cells.map(read).collect()
}

fn names(columns: &[StoredColumn]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

fn array_type(column: &StoredColumn) -> &'static str {
    match column.kind {
        StoredKind::Number => "bigint[]",
        StoredKind::Flag => "bool[]",
        StoredKind::Text => "text[]",
        StoredKind::Bytes => "bytea[]",
    }
}

pub(super) async fn insert(db: &Client, table: &StoredTable, rows: &[StoredRow]) -> sql::Result<()> {
    let arrays: Vec<Array<'_>> =
        (0..table.columns.len()).map(|index| Array::gather(table, rows, index)).collect::<Result<_, _>>()?;
    let bound: Vec<SqlParameter<'_>> = arrays.iter().map(Array::parameter).collect();
    let places = table.columns.iter().zip(1..).map(|(column, n)| format!("${n}::{}", array_type(column)));
    let statement = format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({})",
        table.name,
        names(table.columns),
        places.collect::<Vec<_>>().join(", ")
    );
    sql::execute(db, &statement, &bound).await.map(drop)
}

pub(super) async fn window(
    db: &Client,
    table: &StoredTable,
    after: &Key,
    limit: usize,
) -> sql::Result<Vec<StoredRow>> {
    let key = names(table.key());
    let above: Vec<String> = (1..=table.key_columns).map(|n| format!("${n}")).collect();
    let query = format!(
        "SELECT {} FROM {} WHERE ({key}) > ({}) ORDER BY {key} LIMIT ${}",
        names(table.columns),
        table.name,
        above.join(", "),
        table.key_columns + 1
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let bound: Vec<SqlParameter<'_>> = after.iter().chain([&limit]).map(parameter).collect();
    sql::list(db, &query, &bound, |row| read(table, row)).await
}

fn read(table: &StoredTable, row: &tokio_postgres::Row) -> sql::Result<StoredRow> {
    let cell = |(index, column): (usize, &StoredColumn)| {
        Ok(match column.kind {
            StoredKind::Number => row.try_get::<_, Option<i64>>(index)?.map(StoredCell::Number),
            StoredKind::Flag => row.try_get::<_, Option<bool>>(index)?.map(StoredCell::Flag),
            StoredKind::Text => row.try_get::<_, Option<String>>(index)?.map(StoredCell::Text),
            StoredKind::Bytes => row.try_get::<_, Option<Vec<u8>>>(index)?.map(StoredCell::Bytes),
        }
        .unwrap_or(StoredCell::Null))
    };
    table.columns.iter().enumerate().map(cell).collect()
}
