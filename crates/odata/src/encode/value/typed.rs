//! Encodes cells of types that SQLite does not have.

use super::{Writing, surrounded};
use crate::cell::{Cell, TypedCell};
use crate::encode::text;

/// Writes a value as JSON; returns `false`, and writes nothing, if it does not fit the type of its column.
pub(super) fn write(writing: Writing, out: &mut Vec<u8>, typed: TypedCell<'_>) -> bool {
    match (writing, typed) {
        (Writing::Boolean(_), TypedCell::Boolean(_)) => typed.write(out),
        (Writing::Integer { min, max, quoted }, typed) => {
            let value = typed.whole().filter(|value| (min..=max).contains(value));
            value.is_some_and(|value| surrounded(out, quoted, |out| super::integer(out, value)))
        }
        (Writing::Decimal { scale, quoted }, typed) => {
            surrounded(out, quoted, |out| decimal(out, typed, scale))
        }
        (Writing::Float, typed) => float(out, typed),
        (Writing::String, TypedCell::Json(content)) => {
            text::string(out, content);
            true
        }
        (Writing::String, TypedCell::Timestamp(_))
        | (Writing::DateTimeOffset(_), TypedCell::Timestamp(_) | TypedCell::Local(_)) => {
            surrounded(out, true, |out| instant(out, typed))
        }
        (Writing::DateTimeOffset(_), TypedCell::Date(_)) => surrounded(out, true, |out| instant(out, typed)),
        (Writing::String, typed) => surrounded(out, true, |out| typed.write(out)),
        (Writing::Date(_), TypedCell::Date(_) | TypedCell::Timestamp(_) | TypedCell::Local(_)) => {
            surrounded(out, true, |out| typed.moment().map(|moment| moment.push_date(out)).is_some())
        }
        (Writing::Guid(_), TypedCell::Guid(_))
        | (Writing::TimeOfDay, TypedCell::TimeOfDay(_))
        | (Writing::Duration(_), TypedCell::Interval(_)) => surrounded(out, true, |out| typed.write(out)),
        _ => false,
    }
}

/// Writes an instant with its time zone.
fn instant(out: &mut Vec<u8>, typed: TypedCell<'_>) -> bool {
    let written = typed.moment().map(|moment| moment.push(out)).is_some();
    if written {
        out.push(b'Z');
    }
    written
}

fn decimal(out: &mut Vec<u8>, typed: TypedCell<'_>, scale: Option<u16>) -> bool {
    match typed {
        TypedCell::Unsigned(_) | TypedCell::Wide(_) => typed.write(out),
        TypedCell::Decimal(digits) => crate::cell::decimal(out, digits, scale),
        TypedCell::Single(value) => super::decimal(out, Cell::Real(f64::from(value)), scale),
        _ => false,
    }
}

fn float(out: &mut Vec<u8>, typed: TypedCell<'_>) -> bool {
    match typed {
        TypedCell::Single(value) if value.is_finite() => typed.write(out),
        TypedCell::Single(value) => super::float(out, Cell::Real(f64::from(value))),
        TypedCell::Unsigned(_) | TypedCell::Wide(_) | TypedCell::Decimal(_) => typed.write(out),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
