//! Running statements. Each is compiled once for each connection.

use rusqlite::{Connection, Params, Row};

use crate::error::Failure;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Runs a statement without parameters or rows.
pub(crate) fn run(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute(()).map(drop)
}

/// Runs a statement that changes rows, and returns how many.
pub(crate) fn execute(db: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(db.prepare_cached(sql)?.execute(params)?)
}

/// The first row, if any.
pub(crate) fn find<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// The only row of a statement that always returns one.
pub(crate) fn value<T: rusqlite::types::FromSql>(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<T> {
    find(db, sql, params, |row| Ok(row.get(0)?))?
        .ok_or_else(|| Failure::Inconsistent(format!("no row: {sql}")))
}

/// Every row.
pub(crate) fn list<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
