//! Running statements.
//!
//! Every statement is sent with the types of its parameters, so that it is parsed, bound and run in one round
//! trip and leaves nothing prepared on the connection. A pooler may therefore hand the connection to another
//! client after each transaction.

use std::borrow::Cow;

use tokio_postgres::types::{FromSqlOwned, ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::error::Failure;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A parameter with its type.
pub(crate) type SqlParameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A value that statements can bind.
pub(crate) trait Bindable: ToSql + Sync {
    const TYPE: Type;
}

macro_rules! bound {
    ($($rust:ty => $sql:ident,)+) => {$(
        impl Bindable for $rust {
            const TYPE: Type = Type::$sql;
        }
    )+};
}

bound! {
    i64 => INT8,
    bool => BOOL,
    &str => TEXT,
    String => TEXT,
    Cow<'_, str> => TEXT,
    &[u8] => BYTEA,
    Vec<i64> => INT8_ARRAY,
    Vec<Option<i64>> => INT8_ARRAY,
    Vec<bool> => BOOL_ARRAY,
    Vec<Option<bool>> => BOOL_ARRAY,
    Vec<&str> => TEXT_ARRAY,
    Vec<String> => TEXT_ARRAY,
    Vec<Option<&str>> => TEXT_ARRAY,
    Vec<Option<String>> => TEXT_ARRAY,
    Vec<&[u8]> => BYTEA_ARRAY,
    Vec<Option<&[u8]>> => BYTEA_ARRAY,
}

impl<T: Bindable> Bindable for Option<T> {
    const TYPE: Type = T::TYPE;
}

/// A value as a parameter.
pub(crate) fn parameter<T: Bindable>(value: &T) -> SqlParameter<'_> {
    (value, T::TYPE)
}

/// The parameters of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::sql::parameter(&$value)),*]
    };
}
pub(crate) use values;

/// Runs a statement that changes rows, and returns how many.
pub(crate) async fn execute(db: &Client, sql: &str, values: &[SqlParameter<'_>]) -> Result<u64> {
    Ok(db.execute_typed(sql, values).await?)
}

/// Every row.
pub(crate) async fn rows(db: &Client, sql: &str, values: &[SqlParameter<'_>]) -> Result<Vec<Row>> {
    Ok(db.query_typed(sql, values).await?)
}

/// Every row, read.
pub(crate) async fn list<T>(
    db: &Client,
    sql: &str,
    values: &[SqlParameter<'_>],
    read: impl FnMut(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    rows(db, sql, values).await?.iter().map(read).collect()
}

/// The first row, if any.
pub(crate) async fn find<T>(
    db: &Client,
    sql: &str,
    values: &[SqlParameter<'_>],
    read: impl FnOnce(&Row) -> Result<T>,
) -> Result<Option<T>> {
    rows(db, sql, values).await?.first().map(read).transpose()
}

/// The first column of the only row of a statement that always returns one.
pub(crate) async fn value<T: FromSqlOwned>(db: &Client, sql: &str, values: &[SqlParameter<'_>]) -> Result<T> {
    find(db, sql, values, |row| Ok(row.try_get(0)?))
        .await?
        .ok_or_else(|| Failure::Inconsistent(format!("no row: {sql}")))
}

/// A column that contains exactly `N` bytes.
pub(crate) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N]> {
    let stored: &[u8] = row.try_get(column)?;
    stored.try_into().map_err(|_| Failure::Inconsistent(format!("{} bytes in column {column}", stored.len())))
}

/// Like [`bytes`], or NULL.
pub(crate) fn optional_bytes<const N: usize>(row: &Row, column: usize) -> Result<Option<[u8; N]>> {
    let stored: Option<&[u8]> = row.try_get(column)?;
    stored.map(|_| bytes(row, column)).transpose()
}

/// PostgreSQL cannot store NUL in a text, so no stored text equals one that contains NUL.
pub(crate) fn can_be_stored(text: &str) -> bool {
    !text.contains('\0')
}
