//! Casts between texts and other values, in the form in which these are compared.

use crate::cell::{Cell, Value};
use crate::form::read::text;
use crate::tree::cast::MOST_DIGITS;

pub(super) fn boolean_text(cells: &[Cell<'_>]) -> Value {
    match cells {
        [Cell::Integer(0)] => Value::Text("false".to_owned()),
        [Cell::Integer(_)] => Value::Text("true".to_owned()),
        _ => Value::Null,
    }
}

/// An instant is compared without its time zone, which is always UTC.
pub(super) fn instant_text(cells: &[Cell<'_>]) -> Value {
    match plain_text(cells) {
        Value::Text(text) => Value::Text(format!("{text}Z")),
        _ => Value::Null,
    }
}

/// An integer beyond 64 bits is a floating-point number here, and null for OData.
pub(super) fn plain_text(cells: &[Cell<'_>]) -> Value {
    match cells {
        [Cell::Integer(value)] => Value::Text(value.to_string()),
        [Cell::Text(text)] => {
            std::str::from_utf8(text).map_or(Value::Null, |text| Value::Text(text.to_owned()))
        }
        _ => Value::Null,
    }
}

/// A text that is an optional sign and digits.
pub(super) fn whole(cells: &[Cell<'_>]) -> Value {
    of_text(cells, |text| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_whole =
            (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse().ok().filter(|_| is_whole);
        value.map_or(Value::Null, Value::Integer)
    })
}

pub(super) fn boolean(cells: &[Cell<'_>]) -> Value {
    of_text(cells, |text| {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("true") || is("false") { Value::Integer(is("true").into()) } else { Value::Null }
    })
}

fn of_text(cells: &[Cell<'_>], read: fn(&str) -> Value) -> Value {
    let [cell] = cells else { return Value::Null };
    text(*cell).map_or(Value::Null, |text| read(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_only_if_it_is_a_whole_number() {
        for (text, expected) in [
            ("0", Some(0)),
            ("+7", Some(7)),
            ("-12", Some(-12)),
            ("007", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("00000000000000000001", None),
            ("", None),
            ("-", None),
            ("--1", None),
            ("1.0", None),
            ("1e3", None),
            (" 1", None),
            ("1\n", None),
            ("\u{664}", None),
        ] {
            assert_eq!(
                whole(&[Cell::Text(text.as_bytes())]),
                expected.map_or(Value::Null, Value::Integer),
                "{text}"
            );
        }
        assert_eq!(
            whole(&[Cell::Integer(5)]),
            Value::Integer(5),
            "a number that is stored in a column of texts"
        );
    }

    #[test]
    fn a_text_is_a_truth_value_in_any_case() {
        for (text, expected) in [("true", 1), ("FALSE", 0), ("True", 1)] {
            assert_eq!(boolean(&[Cell::Text(text.as_bytes())]), Value::Integer(expected));
        }
        for text in ["", "1", "yes", " true"] {
            assert_eq!(boolean(&[Cell::Text(text.as_bytes())]), Value::Null);
        }
    }
}
