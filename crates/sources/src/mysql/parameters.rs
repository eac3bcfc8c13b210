//! Parameters of statements, in binary form.

use odata::cell::Value;

use super::fields::put_counted;

const LONG_LONG: u8 = 8;
const DOUBLE: u8 = 5;
const NULL: u8 = 6;
const TEXT: u8 = 0xfd;
const BYTES: u8 = 0xfc;

/// Writes which parameters are null, then their types, then their values
/// ([`COM_STMT_EXECUTE`](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html)).
pub(super) fn write(out: &mut Vec<u8>, parameters: &[Value]) {
    if parameters.is_empty() {
        return;
    }
    let nulls = out.len();
    out.resize(nulls + parameters.len().div_ceil(8), 0);
    for (index, value) in parameters.iter().enumerate() {
        if *value == Value::Null {
            out[nulls + index / 8] |= 1 << (index % 8);
        }
    }
    // The types follow.
    out.push(1);
    for value in parameters {
        // None is unsigned.
        out.extend_from_slice(&[type_of(value), 0]);
    }
    for value in parameters {
        put(out, value);
    }
}

fn type_of(value: &Value) -> u8 {
    match value {
        Value::Null => NULL,
        Value::Integer(_) => LONG_LONG,
        Value::Real(_) => DOUBLE,
        Value::Text(_) | Value::Untyped(_) | Value::RawText(_) => TEXT,
        Value::Blob(_) => BYTES,
    }
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => {}
        Value::Integer(integer) => out.extend_from_slice(&integer.to_le_bytes()),
        Value::Real(real) => out.extend_from_slice(&real.to_le_bytes()),
        Value::Text(text) | Value::Untyped(text) => put_counted(out, text.as_bytes()),
        Value::RawText(bytes) | Value::Blob(bytes) => put_counted(out, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_their_types() {
        let mut out = Vec::new();
        let text = Value::Text("a'\\".to_owned());
        write(&mut out, &[Value::Null, Value::Integer(-1), text, Value::Blob(vec![0])]);
        let expected =
            [&[0b0001, 1, NULL, 0, LONG_LONG, 0, TEXT, 0, BYTES, 0][..], &[255; 8], b"\x03a'\\", &[1, 0]];
        assert_eq!(out, expected.concat());
        out.clear();
        write(&mut out, &[]);
        assert!(out.is_empty());
    }
}
