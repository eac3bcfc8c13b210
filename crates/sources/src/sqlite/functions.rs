//! Registers the functions of `odata`'s statements with a connection.

use odata::cell::{Cell, Value};
use odata::sql::functions::{FUNCTIONS, SqlFunction};
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
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
    Ok(())
}

fn call(function: &SqlFunction, context: &Context<'_>) -> rusqlite::Result<types::Value> {
    let mut cells = [Cell::Null; 3];
    let given = cells.get_mut(..context.len()).unwrap_or_default();
    for (index, cell) in given.iter_mut().enumerate() {
        *cell = super::cell::cell(context.get_raw(index));
    }
    // SQLite passes on only the message; `failure` uses it to find the reason again.
    let value =
        (function.run)(given).map_err(|reason| rusqlite::Error::UserFunctionError(Box::new(reason)))?;
    Ok(match value {
        // No function returns text that is not UTF-8.
        Value::Null | Value::RawText(_) => types::Value::Null,
        Value::Integer(integer) => types::Value::Integer(integer),
        Value::Real(real) => types::Value::Real(real),
        Value::Text(text) => types::Value::Text(text),
        Value::Blob(blob) => types::Value::Blob(blob),
    })
}
