//! Constants and positions as parameters: in which type they are bound, and where they are among the values that a type
//! of PostgreSQL has.

use std::cmp::Ordering;

use jiff::civil::Date;

use crate::cell::Value;
use crate::duration::Duration;
use crate::edm_type::EdmType;
use crate::error::Reason;
use crate::form::Form;
use crate::instant::{ClockTime, Moment, date_text};
use crate::literal;
use crate::position::Mark;
use crate::sql::Writer;
use crate::sql::kept::{clock_text, order};
use crate::tree::class::Class;
use crate::tree::typed::{Constant, Term, Typed, numeric};

/// The number of digits after the point that a number has at most.
const MOST_DIGITS: usize = 16_383;

/// The types of operands, as far as they have other values than the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// A column of fixed length; no value ends with a blank.
    Padded,
    /// A column of single precision.
    Single,
    /// A column without a time zone.
    Local,
    /// A column of decimals, whose values are all finite.
    Finite,
    /// A computed decimal, which a division may have made infinite.
    Decimal,
    Double,
    Other,
}

/// A value with the type to which it is converted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub(super) value: Value,
    /// A cast, or nothing.
    pub(super) cast: &'static str,
    /// How the constant compares with the value. No other value is between the two.
    pub(super) side: Ordering,
}

impl Kept {
    pub(super) fn of(writer: &Writer<'_>, operand: &Typed) -> Self {
        if let Term::Column(column) | Term::Stored(column) = operand.term {
            let property = writer.property(column);
            match (property.ty, property.storage.form) {
                (EdmType::String { .. }, Form::Padded) => return Self::Padded,
                (EdmType::Single, _) => return Self::Single,
                (EdmType::DateTimeOffset, Form::Local) => return Self::Local,
                (EdmType::Decimal { .. }, _) => return Self::Finite,
                _ => {}
            }
        }
        match operand.class {
            Class::Decimal => Self::Decimal,
            Class::Double => Self::Double,
            _ => Self::Other,
        }
    }
}

impl Bound {
    fn exact(value: Value, cast: &'static str) -> Self {
        Self { value, cast, side: Ordering::Equal }
    }

    fn text(text: String, cast: &'static str) -> Self {
        Self::exact(Value::Text(text), cast)
    }

    fn above(self, is_above: bool) -> Self {
        Self { side: if is_above { Ordering::Greater } else { Ordering::Equal }, ..self }
    }

    /// The value beside which a constant is among the values of an operand.
    pub(super) fn beside(kept: Kept, constant: &Constant) -> Self {
        match (kept, constant) {
            (Kept::Padded, Constant::String(text)) => Self { cast: "::bpchar", ..of_text(text) },
            (Kept::Single, constant) => single(constant),
            (Kept::Local, Constant::DateTimeOffset(moment)) => {
                Self::text(moment_text(*moment, ""), "::timestamp")
                    .above(moment.clock().is_finer_than_microseconds())
            }
            (Kept::Decimal | Kept::Finite, Constant::Double(value)) if value.is_finite() => {
                decimal(&value.to_string())
            }
            (Kept::Decimal | Kept::Finite, Constant::Double(value)) => {
                let (text, inside) = if *value > 0.0 {
                    ("Infinity", Ordering::Less)
                } else {
                    ("-Infinity", Ordering::Greater)
                };
                let side = if kept == Kept::Finite { inside } else { Ordering::Equal };
                Self { side, ..Self::text(text.to_owned(), "::numeric") }
            }
            (Kept::Double, Constant::Decimal(text)) => double(text),
            (_, constant) => Self::of(constant),
        }
    }

    /// The value of a constant by itself.
    fn of(constant: &Constant) -> Self {
        match constant {
            Constant::Boolean(value) => Self::exact(Value::Integer(i64::from(*value)), "::int4::bool"),
            Constant::Integer(value) => Self::exact(Value::Integer(*value), ""),
            Constant::Decimal(text) => match numeric::whole(text) {
                Some(whole) => Self::exact(Value::Integer(whole), "::numeric"),
                None => decimal(text),
            },
            Constant::Double(value) => Self::exact(Value::Real(*value), ""),
            Constant::String(text) => of_text(text),
            Constant::Guid(guid) => Self::text(literal::guid_text(guid), "::uuid"),
            Constant::Date(date) => day(*date),
            Constant::TimeOfDay(clock) => {
                Self::text(clock_text(*clock), "::time").above(clock.is_finer_than_microseconds())
            }
            Constant::DateTimeOffset(moment) => Self::text(moment_text(*moment, "+00"), "::timestamptz")
                .above(moment.clock().is_finer_than_microseconds()),
            Constant::Duration(text) => interval(Duration::read(text)),
            Constant::Binary(bytes) => Self::exact(Value::Blob(bytes.clone()), ""),
        }
    }
}

/// A text cannot contain NUL. None is between a text up to its NUL and the whole.
fn of_text(text: &str) -> Bound {
    match text.split_once('\0') {
        Some((start, _)) => Bound::text(start.to_owned(), "").above(true),
        None => Bound::text(text.to_owned(), ""),
    }
}

/// A decimal number with as many digits after the point as PostgreSQL keeps.
fn decimal(text: &str) -> Bound {
    let (kept, cut) = match text.split_once('.') {
        Some((whole, fraction)) => {
            text.split_at(text.len().min(whole.len() + 1 + MOST_DIGITS.min(fraction.len())))
        }
        None => (text, ""),
    };
    let side = if cut.bytes().all(|digit| digit == b'0') {
        Ordering::Equal
    } else if text.starts_with('-') {
        Ordering::Less
    } else {
        Ordering::Greater
    };
    Bound { side, ..Bound::text(kept.to_owned(), "::numeric") }
}

/// A decimal number beside doubles: the nearest one, unless it is beyond all of them.
fn double(text: &str) -> Bound {
    let value: f64 = text.parse().unwrap_or(f64::NAN);
    let side = match value {
        f64::INFINITY => Ordering::Less,
        f64::NEG_INFINITY => Ordering::Greater,
        _ => Ordering::Equal,
    };
    Bound { side, ..Bound::exact(Value::Real(value), "") }
}

/// A number beside those of single precision, each of which stands for the shortest number that is stored as it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the nearest number is asked for"
)]
fn single(constant: &Constant) -> Bound {
    let wanted = match constant {
        Constant::Integer(value) => *value as f64,
        Constant::Decimal(text) => text.parse().unwrap_or(f64::NAN),
        Constant::Double(value) => *value,
        other => return Bound::of(other),
    };
    let nearest = wanted as f32;
    let shown: f64 = nearest.to_string().parse().unwrap_or(f64::from(nearest));
    let side = wanted.partial_cmp(&shown).unwrap_or(Ordering::Equal);
    Bound { side, ..Bound::exact(Value::Real(f64::from(nearest)), "::float4") }
}

/// A date; those before the year 0 are before all that are values.
fn day(date: Date) -> Bound {
    let is_before = date.year() < 0;
    let date = if is_before { Date::constant(0, 1, 1) } else { date };
    let side = if is_before { Ordering::Less } else { Ordering::Equal };
    Bound { side, ..Bound::text(in_era(&date_text(date)), "::date") }
}

/// An interval, which has microseconds and no more than 2^31 days.
fn interval(duration: Option<Duration>) -> Bound {
    const SECOND: u128 = 1_000_000;
    const DAY: u128 = 86_400 * SECOND;
    let picoseconds = duration.map_or(0, Duration::picoseconds);
    let sign = if picoseconds < 0 { "-" } else { "" };
    let microseconds = picoseconds.unsigned_abs() / 1_000_000;
    let (days, time) = (microseconds / DAY, microseconds % DAY);
    let is_kept = picoseconds % 1_000_000 == 0 && days < 1 << 31;
    let (seconds, fraction) = (time / SECOND, time % SECOND);
    let clock = format!("{:02}:{:02}:{:02}.{fraction:06}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let days = if is_kept { days } else { 0 };
    Bound::text(format!("{sign}{days} days {sign}{clock}"), "::interval").above(!is_kept)
}

/// An instant to the microsecond. `zone` follows the time.
fn moment_text(moment: Moment, zone: &str) -> String {
    in_era(&format!("{} {}{zone}", date_text(moment.date()), clock_text(moment.clock())))
}

/// PostgreSQL calls the year 0 the first before Christ.
fn in_era(text: &str) -> String {
    match text.strip_prefix("0000") {
        Some(rest) => format!("0001{rest} BC"),
        None => text.to_owned(),
    }
}

/// Writes a constant as an operand: cut to what the type keeps.
pub(super) fn write(writer: &mut Writer<'_>, constant: &Constant) {
    match constant {
        Constant::Boolean(value) => return writer.text(writer.rules.boolean(*value)),
        Constant::String(text) if text.contains('\0') => {
            writer.refuse(Reason::NotImplemented("a text with a NUL character in this place".to_owned()));
        }
        _ => {}
    }
    bind(writer, constant, 0, Bound::of(constant));
}

/// Writes a value that is derived from `owner`.
pub(super) fn bind<T>(writer: &mut Writer<'_>, owner: &T, form: u8, Bound { value, cast, .. }: Bound) {
    writer.repeated(owner, form, value);
    writer.text(cast);
}

/// Whether an operand has a value that is equal to the constant.
pub(super) fn can_equal(writer: &Writer<'_>, operand: &Typed, constant: &Constant) -> bool {
    if let Term::Constant(one) = &operand.term
        && let Some(order) = order(one, constant)
    {
        return order.is_eq();
    }
    let is_number = !matches!(constant, Constant::Double(value) if value.is_nan());
    is_number && Bound::beside(Kept::of(writer, operand), constant).side == Ordering::Equal
}

/// Writes the value of a position for a term of an order.
pub(super) fn marked(writer: &mut Writer<'_>, term: &Typed, mark: &Mark, form: u8, value: &Value) {
    let kept = Kept::of(writer, term);
    match placed(term.class, kept, value) {
        Some(bound) => bind(writer, mark, form, bound),
        None => writer.text("NULL"),
    }
}

/// A value of a position in the type of its term; `None` for null.
fn placed(class: Class, kept: Kept, value: &Value) -> Option<Bound> {
    let text = |text: &String| match class {
        Class::Integer | Class::Decimal => Some(decimal(text)),
        Class::Guid => Some(Bound::text(text.clone(), "::uuid")),
        Class::Date => literal::date(text).map(day),
        Class::TimeOfDay => ClockTime::read(text).map(|clock| Bound::text(clock_text(clock), "::time")),
        Class::DateTimeOffset => {
            let moment = literal::stored_date_time(text)?;
            Some(Bound::beside(kept, &Constant::DateTimeOffset(moment)))
        }
        Class::Duration => Some(interval(Some(Duration::read(text)?))),
        _ if kept == Kept::Padded => Some(Bound { cast: "::bpchar", ..of_text(text) }),
        _ => Some(of_text(text)),
    };
    match value {
        Value::Null => None,
        Value::Integer(value) if class == Class::Boolean => Some(Bound::of(&Constant::Boolean(*value != 0))),
        Value::Integer(_) if class == Class::Decimal => Some(Bound::exact(value.clone(), "::numeric")),
        Value::Integer(_) | Value::Real(_) | Value::Blob(_) => Some(Bound::exact(value.clone(), "")),
        Value::Text(content) | Value::Untyped(content) => text(content),
        Value::RawText(bytes) => text(&String::from_utf8_lossy(bytes).into_owned()),
    }
}
