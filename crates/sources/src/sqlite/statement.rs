//! Runs a statement on a connection.

use odata::cell::Value;
use odata::statement::Statement;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::connection::OpenConnection;
use super::quicker;
use crate::driver::{Flow, RowConsumer};
use crate::{SourceError, SourceRow};

/// Runs a statement, or the faster one with the same result, and passes its rows on.
///
/// # Errors
/// As for [`Statements::run`](crate::driver::Statements::run).
#[inline]
pub(super) fn run<R: RowConsumer>(
    connection: &OpenConnection,
    statement: &Statement,
    rows: &mut R,
) -> Result<(), SourceError> {
    let fail = |error: rusqlite::Error| connection.failure(&error);
    let statement = quicker::choose(connection, statement)?;
    let mut prepared = connection.prepare(statement)?;
    for (index, value) in statement.parameters.iter().enumerate() {
        prepared.raw_bind_parameter(index + 1, Parameter(value)).map_err(fail)?;
    }
    let mut found = prepared.raw_query();
    while let Some(row) = found.next().map_err(fail)? {
        let flow = match rows.row(&SourceRow::sqlite(row)) {
            Flow::Wait => rows.wait_for_room(),
            flow => flow,
        };
        if flow == Flow::Stop {
            break;
        }
    }
    Ok(())
}

/// A parameter, bound without a copy.
struct Parameter<'value>(&'value Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) | Value::Untyped(text) => ValueRef::Text(text.as_bytes()),
            Value::RawText(text) => ValueRef::Text(text),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}
