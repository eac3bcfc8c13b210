//! Functions of texts.

use std::borrow::Cow;

use super::Unanswerable;
use super::number::Number;
use crate::cell::{Cell, Value};

/// A cell as text: numbers as SQLite writes them, bytes that are no UTF-8 with replacement characters.
fn text(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    match cell {
        Cell::Null => None,
        Cell::Integer(integer) => Some(integer.to_string().into()),
        Cell::Real(real) => Some(format!("{real:?}").into()),
        Cell::Text(bytes) | Cell::Blob(bytes) => Some(String::from_utf8_lossy(bytes)),
    }
}

/// Unicode's case mapping: SQLite's own functions know ASCII only. What is no text comes back as it is.
pub(super) fn lower(cells: &[Cell<'_>]) -> Value {
    with_case(cells, str::to_lowercase)
}

/// As [`lower`].
pub(super) fn upper(cells: &[Cell<'_>]) -> Value {
    with_case(cells, str::to_uppercase)
}

fn with_case(cells: &[Cell<'_>], change: fn(&str) -> String) -> Value {
    match cells {
        [Cell::Text(bytes)] => Value::Text(change(&String::from_utf8_lossy(bytes))),
        [other] => other.to_value(),
        _ => Value::Null,
    }
}

/// How many characters a text has, past a NUL too.
pub(super) fn length(cells: &[Cell<'_>]) -> Value {
    let [cell] = cells else { return Value::Null };
    text(*cell)
        .map_or(Value::Null, |text| Value::Integer(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)))
}

pub(super) fn starts_with(cells: &[Cell<'_>]) -> Value {
    compare(cells, |text, prefix| text.starts_with(prefix))
}

pub(super) fn ends_with(cells: &[Cell<'_>]) -> Value {
    compare(cells, |text, suffix| text.ends_with(suffix))
}

fn compare(cells: &[Cell<'_>], holds: fn(&str, &str) -> bool) -> Value {
    let [whole, part] = cells else { return Value::Null };
    match (text(*whole), text(*part)) {
        (Some(whole), Some(part)) => Value::Integer(i64::from(holds(&whole, &part))),
        _ => Value::Null,
    }
}

/// Characters count from zero; a negative start counts from the end.
pub(super) fn substring(cells: &[Cell<'_>]) -> Result<Value, Unanswerable> {
    let (whole, start, length) = match cells {
        [whole, start] => (whole, start, None),
        [whole, start, length] => (whole, start, Some(length)),
        _ => return Ok(Value::Null),
    };
    let (Some(whole), Some(start)) = (text(*whole), place(*start)) else { return Ok(Value::Null) };
    let length = match length.map(|length| place(*length)) {
        Some(None) => return Ok(Value::Null),
        Some(Some(length)) if length < 0 => return Err(Unanswerable::NegativeLength),
        Some(Some(length)) => usize::try_from(length).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let skipped = if start < 0 {
        let from_end = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        whole.chars().count().saturating_sub(from_end)
    } else {
        usize::try_from(start).unwrap_or(usize::MAX)
    };
    let mut rest = whole.chars();
    // To advance by the text's own length is enough, and cheap.
    for _ in 0..skipped.min(whole.len()) {
        rest.next();
    }
    let rest = rest.as_str();
    let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
    Ok(Value::Text(rest[..end].to_owned()))
}

fn place(cell: Cell<'_>) -> Option<i64> {
    match Number::of(cell)? {
        Number::Whole(whole) => Some(whole),
        #[expect(clippy::cast_possible_truncation, reason = "a place beyond the range is beyond every text")]
        Number::Real(real) => Some(real as i64),
    }
}
