//! SQL functions that the SQL of `odata`'s SQLite dialect calls and SQLite itself lacks. This is their only list.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};

/// Makes the functions known to a connection.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    // Callable from our own statements only, never from a view or index of the user's database.
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("sluicegate_lower", 1, flags, |context| {
        Ok(with_case(context, Case::Lower))
    })?;
    connection
        .create_scalar_function("sluicegate_upper", 1, flags, |context| Ok(with_case(context, Case::Upper)))
}

#[derive(Clone, Copy)]
enum Case {
    Lower,
    Upper,
}

/// Unicode case mapping: SQLite's own `lower` and `upper` know ASCII only. What is no text comes back as it is.
fn with_case(context: &Context<'_>, case: Case) -> Value {
    let text = match context.get_raw(0) {
        ValueRef::Text(text) => String::from_utf8_lossy(text),
        ValueRef::Null => return Value::Null,
        ValueRef::Integer(integer) => return Value::Integer(integer),
        ValueRef::Real(real) => return Value::Real(real),
        ValueRef::Blob(blob) => return Value::Blob(blob.to_vec()),
    };
    Value::Text(match case {
        Case::Lower => text.to_lowercase(),
        Case::Upper => text.to_uppercase(),
    })
}
