//! Parameters of statements, in binary form.

use bytes::{BufMut, BytesMut};
use odata::cell::Value;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend::{self, BindError};

use super::oid::{self, Oid};
use crate::SourceError;

/// Binary, for parameters and for columns.
const BINARY: i16 = 1;
/// Text, for parameters whose type only the server knows.
const TEXT: i16 = 0;

/// The most parameters that a statement can have.
const MOST: usize = u16::MAX as usize;

/// Writes the messages that run one statement: parse, bind, describe if `describes`, execute. Neither the statement nor
/// the portal has a name.
///
/// # Errors
/// [`SourceError::Failed`] for a text that contains a zero, and for too many parameters.
pub(super) fn write(
    out: &mut BytesMut,
    sql: &str,
    parameters: &[Value],
    describes: bool,
) -> Result<(), SourceError> {
    let failed = |error: std::io::Error| SourceError::Failed { detail: error.to_string() };
    if parameters.len() > MOST {
        return Err(SourceError::Unsupported { detail: "there are too many parameters".to_owned() });
    }
    frontend::parse("", sql, parameters.iter().map(type_of), out).map_err(failed)?;
    let formats =
        parameters.iter().map(|value| if matches!(value, Value::Untyped(_)) { TEXT } else { BINARY });
    let bound =
        frontend::bind("", "", formats, parameters, |value, out| Ok(put(value, out)), Some(BINARY), out);
    bound.map_err(|error| match error {
        BindError::Conversion(error) => SourceError::Failed { detail: error.to_string() },
        BindError::Serialization(error) => failed(error),
    })?;
    if describes {
        frontend::describe(b'P', "", out).map_err(failed)?;
    }
    frontend::execute("", 0, out).map_err(failed)
}

/// The type of a parameter, as the server must not guess it from its neighbours. Null has none, nor has a value that is
/// assigned to a column, which has that of the column.
fn type_of(value: &Value) -> Oid {
    match value {
        Value::Null | Value::Untyped(_) => 0,
        Value::Integer(_) => oid::INT8,
        Value::Real(_) => oid::FLOAT8,
        Value::Text(_) | Value::RawText(_) => oid::TEXT,
        Value::Blob(_) => oid::BYTEA,
    }
}

fn put(value: &Value, out: &mut BytesMut) -> IsNull {
    match value {
        Value::Null => return IsNull::Yes,
        Value::Integer(integer) => out.put_i64(*integer),
        Value::Real(real) => out.put_f64(*real),
        Value::Text(text) | Value::Untyped(text) => out.put_slice(text.as_bytes()),
        Value::RawText(bytes) | Value::Blob(bytes) => out.put_slice(bytes),
    }
    IsNull::No
}
