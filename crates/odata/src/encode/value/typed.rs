//! Encodes cells of types that SQLite does not have.

use super::{Writing, surrounded};
use crate::cell::{Cell, Typed};
use crate::encode::text;

/// Writes a value as JSON; returns `false`, and writes nothing, if it does not fit the type of its column.
pub(super) fn write(writing: Writing, out: &mut Vec<u8>, typed: Typed<'_>) -> bool {
    match (writing, typed) {
        (Writing::Boolean(_), Typed::Boolean(_)) => typed.write(out),
        (Writing::Integer { min, max, quoted }, typed) => {
            let value = typed.whole().filter(|value| (min..=max).contains(value));
            value.is_some_and(|value| surrounded(out, quoted, |out| super::integer(out, value)))
        }
        (Writing::Decimal { scale, quoted }, typed) => {
            surrounded(out, quoted, |out| decimal(out, typed, scale))
        }
        (Writing::Float, typed) => float(out, typed),
        (Writing::String, Typed::Json(content)) => {
            text::string(out, content);
            true
        }
        (Writing::String, Typed::Timestamp(_))
        | (Writing::DateTimeOffset(_), Typed::Timestamp(_) | Typed::Local(_)) => {
            surrounded(out, true, |out| instant(out, typed))
        }
        (Writing::DateTimeOffset(_), Typed::Date(_)) => surrounded(out, true, |out| instant(out, typed)),
        (Writing::String, typed) => surrounded(out, true, |out| typed.write(out)),
        (Writing::Date(_), Typed::Date(_) | Typed::Timestamp(_) | Typed::Local(_)) => {
            surrounded(out, true, |out| typed.moment().map(|moment| moment.push_date(out)).is_some())
        }
        (Writing::Guid(_), Typed::Guid(_)) | (Writing::TimeOfDay, Typed::TimeOfDay(_)) => {
            surrounded(out, true, |out| typed.write(out))
        }
        _ => false,
    }
}

/// Writes an instant with its time zone.
fn instant(out: &mut Vec<u8>, typed: Typed<'_>) -> bool {
    let written = typed.moment().map(|moment| moment.push(out)).is_some();
    if written {
        out.push(b'Z');
    }
    written
}

fn decimal(out: &mut Vec<u8>, typed: Typed<'_>, scale: Option<u16>) -> bool {
    match typed {
        Typed::Unsigned(_) | Typed::Wide(_) => typed.write(out),
        Typed::Decimal(digits) => crate::cell::decimal(out, digits, scale),
        Typed::Single(value) => super::decimal(out, Cell::Real(f64::from(value)), scale),
        _ => false,
    }
}

fn float(out: &mut Vec<u8>, typed: Typed<'_>) -> bool {
    match typed {
        Typed::Single(value) if value.is_finite() => typed.write(out),
        Typed::Single(value) => super::float(out, Cell::Real(f64::from(value))),
        Typed::Unsigned(_) | Typed::Wide(_) | Typed::Decimal(_) => typed.write(out),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
