//! Encodes one cell as JSON, by the type of its column. A database may contain anything: a value that does
//! not fit is written as null, and counted.

mod typed;

use super::{Written, text};
use crate::cell::{Cell, TypedCell};
use crate::edm_type::EdmType;
use crate::form::read::{self, Held, whole};
use crate::form::{Form, Reading};
use crate::format::Format;

/// How to write the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Boolean(Form),
    /// Integers within bounds, and whether they are written as strings.
    Integer {
        min: i64,
        max: i64,
        quoted: bool,
    },
    /// The digits after the point, if declared, and whether it is written as a string.
    Decimal {
        scale: Option<u16>,
        quoted: bool,
    },
    /// Decimals that were computed, without the zeros after the last digit, of which each database has others.
    Computed {
        quoted: bool,
    },
    Float,
    String,
    Guid(Form),
    Date(Form),
    TimeOfDay,
    DateTimeOffset(Form),
    Duration(Form),
    Binary,
}

impl Writing {
    pub(super) fn of(Reading { ty, form }: Reading, format: Format) -> Self {
        let quoted = format.ieee754_compatible;
        match ty {
            EdmType::Boolean => Self::Boolean(form),
            EdmType::Byte | EdmType::SByte | EdmType::Int16 | EdmType::Int32 | EdmType::Int64 => {
                let [min, max] = ty.whole_bounds().unwrap_or([i64::MIN, i64::MAX]);
                Self::Integer { min, max, quoted: quoted && ty == EdmType::Int64 }
            }
            EdmType::Decimal { scale: None, .. } if form == Form::Compared => Self::Computed { quoted },
            EdmType::Decimal { scale, .. } => Self::Decimal { scale, quoted },
            EdmType::Single | EdmType::Double => Self::Float,
            EdmType::String { .. } => Self::String,
            EdmType::Guid => Self::Guid(form),
            EdmType::Date => Self::Date(form),
            EdmType::TimeOfDay => Self::TimeOfDay,
            EdmType::DateTimeOffset => Self::DateTimeOffset(form),
            EdmType::Duration => Self::Duration(form),
            EdmType::Binary => Self::Binary,
        }
    }

    /// Writes a value; returns `false` if it did not fit and null was written.
    pub(super) fn write(self, out: &mut Vec<u8>, cell: Cell<'_>) -> bool {
        let fits = match (self, cell) {
            (_, Cell::Null) => {
                out.extend_from_slice(b"null");
                return true;
            }
            (Self::Computed { quoted }, cell) => surrounded(out, quoted, |out| computed(out, cell)),
            (_, Cell::Typed(value)) => typed::write(self, out, value),
            (Self::String, Cell::Text(content)) => {
                text::string(out, content);
                true
            }
            (Self::Integer { min, max, quoted }, cell) => whole(cell)
                .filter(|value| (min..=max).contains(value))
                .is_some_and(|value| surrounded(out, quoted, |out| integer(out, value))),
            (Self::Decimal { scale, quoted }, cell) => {
                surrounded(out, quoted, |out| decimal(out, cell, scale))
            }
            (Self::Float, cell) => float(out, cell),
            (Self::Boolean(form), cell) => match (Reading { ty: EdmType::Boolean, form }).read(cell) {
                Some(Held::Integer(value)) => push(out, if value == 1 { "true" } else { "false" }),
                _ => false,
            },
            (Self::String, Cell::Integer(value)) => surrounded(out, true, |out| integer(out, value)),
            (Self::String, Cell::Real(value)) => surrounded(out, true, |out| real(out, value)),
            (Self::Binary, Cell::Blob(bytes) | Cell::Text(bytes)) => {
                surrounded(out, true, |out| base64url(out, bytes))
            }
            (_, cell) => surrounded(out, true, |out| self.plain(out, cell)),
        };
        if !fits {
            out.extend_from_slice(b"null");
        }
        fits
    }

    /// Writes the raw value, as for `/$value`.
    pub(super) fn bare(self, out: &mut Vec<u8>, cell: Cell<'_>) -> Written {
        match (self, cell) {
            (_, Cell::Null) => return Written::Null,
            (Self::Binary, Cell::Blob(bytes) | Cell::Text(bytes)) => out.extend_from_slice(bytes),
            (Self::String, Cell::Text(bytes) | Cell::Typed(TypedCell::Json(bytes))) => {
                out.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
            }
            _ => {
                let start = out.len();
                if !self.write(out, cell) {
                    out.truncate(start);
                    return Written::Invalid;
                }
                // Other quoted values contain nothing that was escaped.
                if out[start] == b'"' {
                    out.remove(start);
                    out.pop();
                }
            }
        }
        Written::Value
    }

    /// Writes a value as text without quotes and escapes; bytes are in Base64.
    pub(super) fn plain_text(self, out: &mut Vec<u8>, cell: Cell<'_>) -> Written {
        match (self, cell) {
            (Self::Binary, Cell::Blob(bytes) | Cell::Text(bytes)) => {
                base64url(out, bytes);
                Written::Value
            }
            _ => self.bare(out, cell),
        }
    }

    /// Writes a value whose text only has characters that need no escaping in JSON and in URLs.
    fn plain(self, out: &mut Vec<u8>, cell: Cell<'_>) -> bool {
        let value = |ty, form| Reading { ty, form }.read(cell);
        match self {
            Self::DateTimeOffset(_) if written_instant(out, cell) => true,
            Self::DateTimeOffset(form) => held(out, value(EdmType::DateTimeOffset, form)) && push(out, "Z"),
            Self::Guid(form) => held(out, value(EdmType::Guid, form)),
            Self::Date(form) => held(out, value(EdmType::Date, form)),
            Self::TimeOfDay => held(out, value(EdmType::TimeOfDay, Form::Canonical)),
            Self::Duration(form) => match cell {
                Cell::Text(bytes) => {
                    read::duration(form, bytes).is_some_and(|duration| push(out, &duration.text()))
                }
                _ => false,
            },
            _ => false,
        }
    }
}

/// Writes a value that is text.
fn held(out: &mut Vec<u8>, held: Option<Held<'_>>) -> bool {
    match held {
        Some(Held::Text(text)) => push(out, &text),
        _ => false,
    }
}

/// Writes a key value as part of a URL inside a JSON string.
pub(super) fn in_url(out: &mut Vec<u8>, cell: Cell<'_>, reading: Reading) {
    let writing = Writing::of(reading, Format::default());
    match (writing, cell) {
        (Writing::String, Cell::Text(bytes) | Cell::Typed(TypedCell::Json(bytes))) => {
            let doubled = String::from_utf8_lossy(bytes).replace('\'', "''");
            out.push(b'\'');
            push(out, &text::in_url(&doubled));
            out.push(b'\'');
        }
        (Writing::String, _) => {
            out.push(b'\'');
            writing.bare(out, cell);
            out.push(b'\'');
        }
        (Writing::Binary, Cell::Blob(bytes) | Cell::Text(bytes)) => {
            push(out, "binary'");
            base64url(out, bytes);
            out.push(b'\'');
        }
        (Writing::Duration(_), _) => {
            push(out, "duration'");
            writing.bare(out, cell);
            out.push(b'\'');
        }
        _ => {
            if writing.bare(out, cell) != Written::Value {
                push(out, "null");
            }
        }
    }
}

/// Writes null for a value that does not fit, and the stored value before it
/// ([Core.ValueException](https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.html#ValueException)).
pub(super) fn exception(out: &mut Vec<u8>, field: &super::Field, cell: Cell<'_>) {
    /// The maximum length of a quoted text in bytes.
    const LONGEST: usize = 256;
    let before = field.before.bytes();
    // What is before the name, such as a brace or a comma.
    let (start, named) = before.split_at(before.iter().position(|byte| *byte == b'"').unwrap_or_default());
    // A text that ends with `"name":` has no other quote in the name.
    let name = named.rsplit(|byte| *byte == b'"').nth(1).unwrap_or_default();
    out.extend_from_slice(start);
    out.push(b'"');
    out.extend_from_slice(name);
    push(out, "@Org.OData.Core.V1.ValueException\":{\"value\":");
    match cell {
        Cell::Text(bytes) => text::string(out, &bytes[..bytes.len().min(LONGEST)]),
        Cell::Integer(value) => drop(surrounded(out, true, |out| integer(out, value))),
        Cell::Real(value) => text::string(out, value.to_string().as_bytes()),
        Cell::Typed(value) => match value.text() {
            Some(value) => text::string(out, &value.as_bytes()[..value.len().min(LONGEST)]),
            None => drop(push(out, "null")),
        },
        Cell::Blob(_) | Cell::Null => drop(push(out, "null")),
    }
    push(out, "},");
    out.extend_from_slice(named);
    push(out, "null");
}

/// Writes between quotes, or removes them if there is nothing to write.
fn surrounded(out: &mut Vec<u8>, quoted: bool, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    let start = out.len();
    if quoted {
        out.push(b'"');
    }
    let written = write(out);
    if !written {
        out.truncate(start);
    } else if quoted {
        out.push(b'"');
    }
    written
}

fn push(out: &mut Vec<u8>, text: &str) -> bool {
    out.extend_from_slice(text.as_bytes());
    true
}

fn integer(out: &mut Vec<u8>, value: i64) -> bool {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    true
}

fn real(out: &mut Vec<u8>, value: f64) -> bool {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
    value.is_finite()
}

fn float(out: &mut Vec<u8>, cell: Cell<'_>) -> bool {
    match cell {
        Cell::Integer(value) => integer(out, value),
        Cell::Real(value) if value.is_nan() => push(out, "\"NaN\""),
        Cell::Real(f64::INFINITY) => push(out, "\"INF\""),
        Cell::Real(f64::NEG_INFINITY) => push(out, "\"-INF\""),
        Cell::Real(value) => real(out, value),
        _ => false,
    }
}

/// Writes a decimal number without exponent, and with the declared number of digits after the point.
fn decimal(out: &mut Vec<u8>, cell: Cell<'_>, scale: Option<u16>) -> bool {
    match cell {
        // A number that is too large for the digits after the point has none, like a floating-point number that is.
        Cell::Integer(value) => {
            integer(out, value);
            let digits = scale.filter(|scale| *scale > 0 && read::has_digits(value, *scale));
            if let Some(digits) = digits {
                out.push(b'.');
                out.extend(std::iter::repeat_n(b'0', digits.into()));
            }
            true
        }
        Cell::Real(value) if value.is_finite() => {
            match scale.and_then(|scale| Some((scale, read::units(value, scale)?))) {
                Some((scale, (units, power))) => fixed(out, units, power, scale),
                None => positional(out, value),
            }
        }
        _ => false,
    }
}

/// Writes a decimal number without exponent, and without zeros after its last digit.
fn computed(out: &mut Vec<u8>, cell: Cell<'_>) -> bool {
    let start = out.len();
    let writing = Writing::Decimal { scale: None, quoted: false };
    let fits = match cell {
        Cell::Typed(value) => typed::write(writing, out, value),
        cell => decimal(out, cell, None),
    };
    if out[start..].contains(&b'.') {
        let is_zero = |byte: &&u8| **byte == b'0';
        let zeros = out.iter().rev().take_while(is_zero).count();
        out.truncate(out.len() - zeros);
        if out.last() == Some(&b'.') {
            out.pop();
        }
    }
    if &out[start..] == b"-0" {
        out.remove(start);
    }
    fits
}

/// Writes a number of units of the last digit after the point.
fn fixed(out: &mut Vec<u8>, units: i64, power: i64, scale: u16) -> bool {
    if units < 0 {
        out.push(b'-');
    }
    integer(out, (units / power).abs());
    if scale > 0 {
        out.push(b'.');
        let fraction = (units % power).unsigned_abs();
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(fraction);
        out.extend(std::iter::repeat_n(b'0', usize::from(scale).saturating_sub(digits.len())));
        out.extend_from_slice(digits.as_bytes());
    }
    true
}

/// Writes the fewest digits that identify this number, without exponent.
fn positional(out: &mut Vec<u8>, value: f64) -> bool {
    let mut buffer = zmij::Buffer::new();
    let digits = buffer.format_finite(value);
    if digits.contains('e') { push(out, &value.to_string()) } else { push(out, digits) }
}

/// Writes an instant whose stored form is nearly the one to write.
fn written_instant(out: &mut Vec<u8>, cell: Cell<'_>) -> bool {
    let Cell::Text(bytes) = cell else { return false };
    let Some((seconds, fraction)) = common_instant(bytes) else { return false };
    out.extend_from_slice(&seconds[..10]);
    out.push(b'T');
    out.extend_from_slice(&seconds[11..]);
    out.extend_from_slice(fraction);
    out.push(b'Z');
    true
}

/// The common case: whole seconds, an optional fraction with its point, and no time zone other than UTC.
pub(super) fn common_instant(bytes: &[u8]) -> Option<(&[u8; 19], &[u8])> {
    let local = bytes.strip_suffix(b"Z").unwrap_or(bytes);
    let (seconds, fraction) = local.split_first_chunk::<19>()?;
    let day = seconds.first_chunk()?;
    let formed = [11, 12, 14, 15, 17, 18].into_iter().all(|at| seconds[at].is_ascii_digit())
        && matches!(seconds[10], b'T' | b' ')
        && seconds[13] == b':'
        && seconds[16] == b':';
    let in_bounds = || two(seconds, 11) < 24 && two(seconds, 14) < 60 && two(seconds, 17) < 60;
    let fraction_formed = fraction.is_empty()
        || (fraction.len() > 1 && fraction[0] == b'.' && fraction[1..].iter().all(u8::is_ascii_digit));
    (formed && is_common_day(day) && in_bounds() && fraction_formed && fraction.len() <= 13)
        .then_some((seconds, fraction))
}

/// Whether every month has this day, so that the calendar need not be consulted.
pub(super) fn is_common_day(text: &[u8; 10]) -> bool {
    [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(|at| text[at].is_ascii_digit())
        && text[4] == b'-'
        && text[7] == b'-'
        && (1..=12).contains(&two(text, 5))
        && (1..=28).contains(&two(text, 8))
}

/// The number formed by two digits.
fn two<const LENGTH: usize>(digits: &[u8; LENGTH], at: usize) -> u8 {
    (digits[at] - b'0') * 10 + (digits[at + 1] - b'0')
}

fn base64url(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for chunk in bytes.chunks(3) {
        let joined = chunk.iter().fold(0_u32, |joined, byte| (joined << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            out.push(DIGITS[((joined >> (18 - 6 * digit)) & 63) as usize]);
        }
    }
    true
}
