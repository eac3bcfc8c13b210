//! Rows as comma-separated values ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)).
//!
//! Values have the text that they have in JSON, without its quotes and escapes. Null is nothing at all, and an empty text a pair of
//! quotes, as most databases write and read them. Texts that a spreadsheet takes for a formula are written as they are.

use super::value::Writing;
use super::{Field, InvalidValues, Written};
use crate::cell::{Cell, Row};

/// The line with the names.
pub(super) fn header<'n>(names: impl Iterator<Item = &'n str>) -> Vec<u8> {
    let mut line = Vec::new();
    for (at, name) in names.enumerate() {
        separate(&mut line, at);
        let start = line.len();
        line.extend_from_slice(name.as_bytes());
        quote(&mut line, start);
    }
    line.extend_from_slice(b"\r\n");
    line
}

/// Writes the line of a row.
pub(super) fn row(out: &mut Vec<u8>, fields: &[Field], row: &impl Row) -> InvalidValues {
    let mut invalid_values = InvalidValues::default();
    for (at, field) in fields.iter().enumerate() {
        separate(out, at);
        match value(out, field.writing, row.cell(field.column)) {
            Written::Value => {}
            Written::Null => invalid_values.promised += u64::from(field.promised),
            Written::Invalid => {
                invalid_values.values += 1;
                invalid_values.promised += u64::from(field.promised);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    invalid_values
}

fn separate(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}

fn value(out: &mut Vec<u8>, writing: Writing, cell: Cell<'_>) -> Written {
    let start = out.len();
    let written = writing.plain_text(out, cell);
    if written == Written::Value {
        quote(out, start);
    }
    written
}

/// Puts what was written from a place on into quotes, if it could be read differently without.
fn quote(out: &mut Vec<u8>, start: usize) {
    let field = &out[start..];
    let is_special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    let is_space = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    let is_plain = !field.is_empty()
        && !is_space(field.first())
        && !is_space(field.last())
        && !field.iter().any(is_special);
    if is_plain {
        return;
    }
    let field = out.split_off(start);
    out.push(b'"');
    for byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::TypedCell;
    use crate::edm_type::EdmType;
    use crate::form::{Form, Reading};
    use crate::format::Format;

    fn written(ty: EdmType, cell: Cell<'_>) -> Option<String> {
        let mut out = b"x,".to_vec();
        let writing = Writing::of(Reading { ty, form: Form::Canonical }, Format::default());
        let written = value(&mut out, writing, cell);
        assert_eq!(&out[..2], b"x,");
        let text = String::from_utf8(out.split_off(2)).unwrap();
        assert!(written == Written::Value || text.is_empty(), "{text}");
        (written == Written::Value).then_some(text)
    }

    #[test]
    fn a_text_is_quoted_if_it_could_be_read_differently() {
        for (text, field) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("null", "null"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("\"", "\"\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("one\nother", "\"one\nother\""),
            (" led", "\" led\""),
            ("trailed\t", "\"trailed\t\""),
            ("Ålesund; ü\\n", "Ålesund; ü\\n"),
            ("=1+1", "=1+1"),
            ("@sum(a1)", "@sum(a1)"),
        ] {
            let ty = EdmType::String { max_length: None };
            assert_eq!(written(ty, Cell::Text(text.as_bytes())).as_deref(), Some(field));
        }
        assert_eq!(written(EdmType::String { max_length: None }, Cell::Text(b"a\xff")).unwrap(), "a\u{fffd}");
    }

    #[test]
    fn values_have_the_text_of_json_without_quotes() {
        for (ty, cell, field) in [
            (EdmType::Int32, Cell::Integer(-7), Some("-7")),
            (EdmType::Int32, Cell::Integer(i64::MAX), None),
            (EdmType::Boolean, Cell::Integer(1), Some("true")),
            (EdmType::Double, Cell::Real(f64::NEG_INFINITY), Some("-INF")),
            (EdmType::Double, Cell::Real(0.5), Some("0.5")),
            (EdmType::Date, Cell::Text(b"2024-02-29"), Some("2024-02-29")),
            (EdmType::Binary, Cell::Blob(&[0xff, 0xd8]), Some("_9g")),
            (EdmType::Binary, Cell::Blob(&[]), Some("\"\"")),
            (EdmType::String { max_length: None }, Cell::Null, None),
            (EdmType::String { max_length: None }, Cell::Integer(5), Some("5")),
            (
                EdmType::String { max_length: None },
                Cell::Typed(TypedCell::Json(b"{\"a\": [1]}")),
                Some("\"{\"\"a\"\": [1]}\""),
            ),
        ] {
            assert_eq!(written(ty, cell).as_deref(), field, "{ty:?} {cell:?}");
        }
    }

    #[test]
    fn the_header_has_the_names() {
        assert_eq!(header(["Id", "Ships/Flag", "Größe"].into_iter()), "Id,Ships/Flag,Größe\r\n".as_bytes());
    }
}
