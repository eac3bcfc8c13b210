//! From a cell to the value that it represents.

use std::borrow::Cow;

use super::{Form, Reading};
use crate::cell::{Cell, TypedCell, Value};
use crate::duration::Duration;
use crate::edm_type::EdmType;
use crate::instant::{ClockTime, Moment, date_text};
use crate::literal;

/// A value in the form in which values of its type are compared: a Boolean as 0 or 1, a GUID as text in lower
/// case, a date, a time, an instant or a duration as text that sorts in their order, binary values as bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Held<'c> {
    Integer(i64),
    Real(f64),
    Text(Cow<'c, str>),
    Bytes(&'c [u8]),
}

/// The unit of numbers in a column of dates or instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// This many picoseconds each, since 1970.
    Since1970(i64),
    /// Days, where 2440587.5 is the start of 1970.
    JulianDays,
}

/// Picoseconds in a day.
const DAY: i128 = 86_400_000_000_000_000;

impl Reading {
    /// The value that a cell represents; `None` for null and for a value that does not fit.
    #[inline]
    pub(crate) fn read(self, cell: Cell<'_>) -> Option<Held<'_>> {
        match (self.ty, cell) {
            (_, Cell::Null) => None,
            (EdmType::Boolean, cell) => boolean(self.form, cell).map(|value| Held::Integer(value.into())),
            (EdmType::Decimal { scale, .. }, cell) => decimal(cell, scale),
            (_, Cell::Typed(typed)) => self.typed(typed),
            (EdmType::Single | EdmType::Double, Cell::Integer(value)) => Some(Held::Integer(value)),
            (EdmType::Single | EdmType::Double, Cell::Real(value)) => Some(Held::Real(value)),
            (EdmType::String { .. }, cell) => text(cell).map(Held::Text),
            (EdmType::Guid, cell) => guid(self.form, cell).map(|guid| Held::text(literal::guid_text(&guid))),
            (EdmType::Date, cell) => self.date(cell).map(Held::Text),
            (EdmType::TimeOfDay, Cell::Text(bytes)) => clock(bytes).map(|clock| Held::text(clock.text())),
            (EdmType::DateTimeOffset, cell) => self.instant(cell).map(|instant| Held::text(instant.text())),
            (EdmType::Duration, Cell::Text(bytes)) => {
                duration(self.form, bytes).map(|duration| Held::text(duration.ordered()))
            }
            (EdmType::Binary, Cell::Blob(bytes) | Cell::Text(bytes)) => Some(Held::Bytes(bytes)),
            (ty, cell) => {
                let (min, max) = ty.bounds()?;
                whole(cell).filter(|value| (min..=max).contains(value)).map(Held::Integer)
            }
        }
    }

    /// The value that a cell of a type of its own represents.
    fn typed(self, typed: TypedCell<'_>) -> Option<Held<'_>> {
        let text = || typed.text().map(Held::text);
        match (self.ty, typed) {
            (EdmType::Single | EdmType::Double, typed) => typed.real().map(Held::Real),
            (EdmType::String { .. }, typed) => typed.text().map(Held::text),
            (EdmType::Guid, TypedCell::Guid(_)) | (EdmType::TimeOfDay, TypedCell::TimeOfDay(_)) => text(),
            (EdmType::Date, typed) => typed.moment().map(|moment| Held::text(date_text(moment.date()))),
            (EdmType::DateTimeOffset, typed) => typed.moment().map(|moment| Held::text(moment.text())),
            (EdmType::Duration, typed) => typed.duration().map(|duration| Held::text(duration.ordered())),
            (ty, typed) => {
                let (min, max) = ty.bounds()?;
                typed.whole().filter(|value| (min..=max).contains(value)).map(Held::Integer)
            }
        }
    }

    /// The instant in a cell of a column of instants or dates.
    pub(crate) fn instant(self, cell: Cell<'_>) -> Option<Moment> {
        let numbers = || self.form.scale_of_numbers();
        match cell {
            Cell::Text(bytes) => literal::stored_date_time(std::str::from_utf8(bytes).ok()?),
            Cell::Integer(value) => numbers()?.instant_of_integer(value),
            Cell::Real(value) => numbers()?.instant_of_real(value),
            Cell::Typed(typed) => typed.moment(),
            Cell::Null | Cell::Blob(_) => None,
        }
    }

    fn date(self, cell: Cell<'_>) -> Option<Cow<'_, str>> {
        match cell {
            Cell::Text(bytes) => date(bytes).map(Cow::Borrowed),
            _ => self.instant(cell).map(|instant| date_text(instant.date()).into()),
        }
    }
}

impl Numbers {
    fn instant_of_integer(self, value: i64) -> Option<Moment> {
        match self {
            Self::Since1970(unit) => Moment::since_1970(i128::from(value) * i128::from(unit)),
            // Julian days start at noon.
            Self::JulianDays => Moment::since_1970((i128::from(value) * 2 - 4_881_175) * (DAY / 2)),
        }
    }

    /// Precise to the microsecond, and for Julian days to the millisecond, which is what such numbers can
    /// distinguish.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "within bounds of 64 bits"
    )]
    fn instant_of_real(self, value: f64) -> Option<Moment> {
        let (scaled, unit) = match self {
            Self::Since1970(unit) => ((value * (unit as f64 / 1e6)).round(), 1_000_000),
            Self::JulianDays => (((value - 2_440_587.5) * 86_400_000.0).round(), 1_000_000_000),
        };
        if scaled.is_nan() || scaled.abs() > 9e18 {
            return None;
        }
        Moment::since_1970(i128::from(scaled as i64) * unit)
    }
}

impl Held<'_> {
    fn text(text: String) -> Self {
        Self::Text(text.into())
    }

    /// An owned copy of the value.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Integer(value) => Value::Integer(value),
            Self::Real(value) => Value::Real(value),
            Self::Text(text) => Value::Text(text.into_owned()),
            Self::Bytes(bytes) => Value::Blob(bytes.to_vec()),
        }
    }
}

impl EdmType {
    /// The smallest and the largest integer of the type; `None` for other types.
    pub(crate) fn bounds(self) -> Option<(i64, i64)> {
        Some(match self {
            Self::Byte => (0, 255),
            Self::SByte => (-128, 127),
            Self::Int16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
            Self::Int32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            Self::Int64 => (i64::MIN, i64::MAX),
            _ => return None,
        })
    }
}

/// The numbers and words for a Boolean value in a form.
pub(crate) fn booleans(form: Form, value: bool) -> (&'static [i64], &'static [&'static str]) {
    match (form, value) {
        (Form::ZeroOne, true) => (&[1], &["1"]),
        (Form::MinusOne, true) => (&[-1], &["-1"]),
        (Form::ZeroOne | Form::MinusOne, false) => (&[0], &["0"]),
        (Form::Letters, true) => (&[], &["t", "T"]),
        (Form::Letters, false) => (&[], &["f", "F"]),
        (Form::Words, true) => (&[], &["true", "True", "TRUE"]),
        (Form::Words, false) => (&[], &["false", "False", "FALSE"]),
        (_, true) => {
            (&[1, -1], &["1", "-1", "t", "T", "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES"])
        }
        (_, false) => (&[0], &["0", "f", "F", "false", "False", "FALSE", "n", "N", "no", "No", "NO"]),
    }
}

fn boolean(form: Form, cell: Cell<'_>) -> Option<bool> {
    [true, false].into_iter().find(|value| {
        let (numbers, words) = booleans(form, *value);
        match cell {
            Cell::Text(text) => words.iter().any(|word| word.as_bytes() == text),
            cell => whole(cell).is_some_and(|number| numbers.contains(&number)),
        }
    })
}

/// An integer, even if the database stores it as a floating-point number.
pub(crate) fn whole(cell: Cell<'_>) -> Option<i64> {
    /// 2^63.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    match cell {
        Cell::Integer(value) => Some(value),
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the bounds of 64 bits")]
        Cell::Real(value) if value.fract() == 0.0 && (-BOUND..BOUND).contains(&value) => Some(value as i64),
        Cell::Typed(typed) => typed.whole(),
        _ => None,
    }
}

/// A decimal number, rounded to the digits after the point of its type.
fn decimal(cell: Cell<'_>, scale: Option<u16>) -> Option<Held<'static>> {
    match cell {
        Cell::Integer(value) => Some(Held::Integer(value)),
        Cell::Real(value) if value.is_finite() => Some(Held::Real(rounded(value, scale))),
        Cell::Typed(typed) => match typed.whole() {
            Some(value) => Some(Held::Integer(value)),
            None => typed.real().filter(|value| value.is_finite()).map(Held::Real),
        },
        _ => None,
    }
}

/// The floating-point number nearest to the decimal number that a stored one represents.
#[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
pub(crate) fn rounded(value: f64, scale: Option<u16>) -> f64 {
    match scale.and_then(|scale| units(value, scale)) {
        Some((units, power)) => units as f64 / power as f64,
        None => value,
    }
}

/// A number as a count of units of its last digit after the point, and the number of units in one: a
/// floating-point number that represents a decimal has no more digits. `None` if it is too large for that.
pub(crate) fn units(value: f64, scale: u16) -> Option<(i64, i64)> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let scaled = (value * POWERS.get(usize::from(scale))?).round();
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
    (scaled.abs() < 9e15).then(|| (scaled as i64, 10_i64.pow(u32::from(scale))))
}

/// Whether a whole number is small enough to be written with this many digits after the point.
#[expect(clippy::cast_precision_loss, reason = "numbers near the bound are far above any price")]
pub(crate) fn has_digits(value: i64, scale: u16) -> bool {
    units(value as f64, scale).is_some()
}

/// Text, or a number in its written form. Bytes that are not UTF-8 become replacement characters.
pub(crate) fn text(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    match cell {
        Cell::Text(bytes) => Some(String::from_utf8_lossy(bytes)),
        Cell::Integer(value) => Some(itoa::Buffer::new().format(value).to_owned().into()),
        Cell::Real(value) if value.is_finite() => {
            Some(zmij::Buffer::new().format_finite(value).to_owned().into())
        }
        _ => None,
    }
}

pub(crate) fn guid(form: Form, cell: Cell<'_>) -> Option<[u8; 16]> {
    let cased = |bytes: &[u8]| match form {
        Form::GuidText => !bytes.iter().any(u8::is_ascii_uppercase),
        Form::GuidTextUpper => !bytes.iter().any(u8::is_ascii_lowercase),
        form => form != Form::GuidBytes,
    };
    match cell {
        Cell::Text(bytes) if cased(bytes) => literal::guid(std::str::from_utf8(bytes).ok()?),
        Cell::Blob(bytes) if matches!(form, Form::Canonical | Form::GuidBytes) => bytes.try_into().ok(),
        _ => None,
    }
}

pub(crate) fn duration(form: Form, bytes: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(bytes).ok()?;
    if form == Form::Compared { Duration::of_ordered(text) } else { Duration::read(text) }
}

/// The date of `2024-05-01`, optionally followed by a time.
pub(crate) fn date(bytes: &[u8]) -> Option<&str> {
    let (date, rest) = std::str::from_utf8(bytes).ok()?.split_at_checked(10)?;
    (literal::date(date).is_some() && (rest.is_empty() || rest.starts_with([' ', 'T']))).then_some(date)
}

pub(crate) fn clock(bytes: &[u8]) -> Option<ClockTime> {
    ClockTime::read(std::str::from_utf8(bytes).ok()?)
}
