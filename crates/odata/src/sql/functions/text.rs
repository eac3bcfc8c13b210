//! Text functions. They take stored cells and work on the text that is shown.

use super::number::Number;
use crate::cell::{Cell, Value};
use crate::form::read::text;
use crate::statement::Unanswerable;

/// Unicode case mapping; SQLite's own functions only support ASCII.
pub(super) fn lower(cells: &[Cell<'_>]) -> Value {
    changed(cells, str::to_lowercase)
}

/// Like [`lower`].
pub(super) fn upper(cells: &[Cell<'_>]) -> Value {
    changed(cells, str::to_uppercase)
}

/// Removes Unicode white space at both ends.
pub(super) fn trim(cells: &[Cell<'_>]) -> Value {
    changed(cells, |text| text.trim().to_owned())
}

fn changed(cells: &[Cell<'_>], change: fn(&str) -> String) -> Value {
    let [cell] = cells else { return Value::Null };
    text(*cell).map_or(Value::Null, |text| Value::Text(change(&text)))
}

/// The number of characters in a text, including those after a NUL.
pub(super) fn length(cells: &[Cell<'_>]) -> Value {
    let [cell] = cells else { return Value::Null };
    text(*cell).map_or(Value::Null, |text| characters(&text))
}

fn characters(text: &str) -> Value {
    Value::Integer(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
}

pub(super) fn contains(cells: &[Cell<'_>]) -> Value {
    of_both(cells, |text, part| Value::Integer(text.contains(part).into()))
}

pub(super) fn starts_with(cells: &[Cell<'_>]) -> Value {
    of_both(cells, |text, prefix| Value::Integer(text.starts_with(prefix).into()))
}

pub(super) fn ends_with(cells: &[Cell<'_>]) -> Value {
    of_both(cells, |text, suffix| Value::Integer(text.ends_with(suffix).into()))
}

/// The position of the second text in the first, in characters from zero; -1 if it is not found.
pub(super) fn index_of(cells: &[Cell<'_>]) -> Value {
    of_both(cells, |text, part| text.find(part).map_or(Value::Integer(-1), |at| characters(&text[..at])))
}

pub(super) fn concat(cells: &[Cell<'_>]) -> Value {
    of_both(cells, |left, right| Value::Text(format!("{left}{right}")))
}

fn of_both(cells: &[Cell<'_>], compute: fn(&str, &str) -> Value) -> Value {
    let [left, right] = cells else { return Value::Null };
    match (text(*left), text(*right)) {
        (Some(left), Some(right)) => compute(&left, &right),
        _ => Value::Null,
    }
}

pub(super) fn bytes(cells: &[Cell<'_>]) -> Value {
    let [cell] = cells else { return Value::Null };
    text(*cell).map_or(Value::Null, |text| Value::Blob(text.into_owned().into_bytes()))
}

/// Whether a cell is UTF-8 text, so that the stored text is the one that is shown.
pub(super) fn is_utf8(cells: &[Cell<'_>]) -> Value {
    let is_utf8 = matches!(cells, [Cell::Text(bytes)] if std::str::from_utf8(bytes).is_ok());
    Value::Integer(is_utf8.into())
}

/// Characters are counted from zero; a negative start counts from the end.
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
    Ok(Value::Text(part(&whole, start, length).to_owned()))
}

fn part(whole: &str, start: i64, length: usize) -> &str {
    let skipped = if start < 0 {
        let from_end = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        whole.chars().count().saturating_sub(from_end)
    } else {
        usize::try_from(start).unwrap_or(usize::MAX)
    };
    let mut rest = whole.chars();
    // Advancing by the length of the text suffices, and is cheap.
    for _ in 0..skipped.min(whole.len()) {
        rest.next();
    }
    let rest = rest.as_str();
    let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
    &rest[..end]
}

fn place(cell: Cell<'_>) -> Option<i64> {
    match Number::of(cell)? {
        Number::Whole(whole) => Some(whole),
        #[expect(clippy::cast_possible_truncation, reason = "a place beyond the range is beyond every text")]
        Number::Real(real) => Some(real as i64),
    }
}
