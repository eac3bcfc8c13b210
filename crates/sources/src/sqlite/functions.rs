//! Registers the functions of `odata`'s statements with a connection.

use odata::cell::{Cell, Value};
use odata::sql::functions::{AGGREGATES, FUNCTIONS, SqlAggregate, SqlFunction, Total};
use odata::statement::Unanswerable;
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types;

pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    // Callable only from our own statements, never from a view or index of the user's database.
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    for function in FUNCTIONS {
        let arguments = i32::try_from(function.arguments).unwrap_or(-1);
        connection
            .create_scalar_function(function.name, arguments, flags, |context| call(function, context))?;
    }
    for aggregate in AGGREGATES {
        connection.create_window_function(aggregate.name, 1, flags, Numbers(aggregate))?;
    }
    Ok(())
}

/// An aggregate function of numbers.
struct Numbers(&'static SqlAggregate);

impl Aggregate<Total, types::Value> for Numbers {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        total.add(super::cell::cell(context.get_raw(0)));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> rusqlite::Result<types::Value> {
        result((self.0.result)(total.unwrap_or_default()))
    }
}

impl WindowAggregate<Total, types::Value> for Numbers {
    fn value(&self, total: Option<&mut Total>) -> rusqlite::Result<types::Value> {
        result((self.0.result)(total.copied().unwrap_or_default()))
    }

    fn inverse(&self, _: &mut Context<'_>, _: &mut Total) -> rusqlite::Result<()> {
        // All windows of our statements begin with the first row.
        Err(rusqlite::Error::InvalidQuery)
    }
}

fn call(function: &SqlFunction, context: &Context<'_>) -> rusqlite::Result<types::Value> {
    let mut cells = [Cell::Null; 3];
    let given = cells.get_mut(..context.len()).unwrap_or_default();
    for (index, cell) in given.iter_mut().enumerate() {
        *cell = super::cell::cell(context.get_raw(index));
    }
    result((function.run)(given))
}

fn result(value: Result<Value, Unanswerable>) -> rusqlite::Result<types::Value> {
    // SQLite passes on only the message; `failure` uses it to find the reason again.
    let value = value.map_err(|reason| rusqlite::Error::UserFunctionError(Box::new(reason)))?;
    Ok(match value {
        // No function returns text that is not UTF-8.
        Value::Null | Value::RawText(_) => types::Value::Null,
        Value::Integer(integer) => types::Value::Integer(integer),
        Value::Real(real) => types::Value::Real(real),
        Value::Text(text) | Value::Untyped(text) => types::Value::Text(text),
        Value::Blob(blob) => types::Value::Blob(blob),
    })
}
