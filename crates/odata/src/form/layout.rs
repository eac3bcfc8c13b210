//! Layouts: when the stored form of a column can be compared.

use super::read::{self, Held, Numbers};
use super::{Form, Reading};
use crate::cell::{Cell, Value};
use crate::duration::Duration;
use crate::edm_type::EdmType;
use crate::literal;

/// A way to store the values of one reading in which different values are stored differently, and in their
/// order. The meaning of the number depends on the type; only this module knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout(u16);

impl Default for Layout {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// The ends of an instant in UTC.
const ZONES: [&str; 3] = ["", "Z", "+00:00"];

impl Layout {
    /// No such way.
    pub const NONE: Self = Self(0);
    /// What most databases do: numbers as numbers, text as text, bytes as bytes, dates as text of ten
    /// characters.
    pub const PLAIN: Self = Self(1);

    pub(crate) const OTHER_TEXT: Self = Self(2);
    pub(crate) const NUMBERS: Self = Self(3);
    const REALS: Self = Self(4);
    /// Instants: add one for a space instead of `T`, two for each of [`ZONES`], then the steps in precision.
    const MOMENTS: u16 = 8;
    const PRECISIONS: u16 = 14;

    /// A number that represents it in SQL text.
    pub(crate) fn code(self) -> i64 {
        self.0.into()
    }

    pub(crate) fn of_code(code: i64) -> Self {
        Self(u16::try_from(code).unwrap_or_default())
    }

    /// Whether the order of stored values is that of the values.
    pub(crate) fn is_ordered(self, ty: EdmType) -> bool {
        match ty {
            // As numbers, 9 is below 10.
            EdmType::String { .. } => self == Self::PLAIN,
            // PT9S sorts after PT10S.
            EdmType::Duration => false,
            // The text `true` is below `false`, and so is -1 below 0.
            EdmType::Boolean => self == Self::PLAIN || self == Self::OTHER_TEXT,
            _ => self != Self::NONE,
        }
    }
}

impl Reading {
    /// The layout of a cell; [`Layout::NONE`] for null, for values that do not fit, and for those in no
    /// layout.
    pub(crate) fn layout(self, cell: Cell<'_>) -> Layout {
        match (self.ty, cell) {
            (EdmType::String { .. }, Cell::Text(bytes)) if std::str::from_utf8(bytes).is_err() => {
                Layout::NONE
            }
            (EdmType::Boolean, cell) => self.read(cell).map_or(Layout::NONE, |_| boolean_layout(cell)),
            (EdmType::Decimal { .. }, Cell::Real(value)) => match self.read(cell) {
                #[expect(clippy::float_cmp, reason = "rounding must have changed nothing at all")]
                Some(Held::Real(rounded)) if rounded == value => Layout::PLAIN,
                _ => Layout::NONE,
            },
            (EdmType::TimeOfDay, Cell::Text(bytes)) => self
                .read(cell)
                .and_then(|_| precision(bytes))
                .map_or(Layout::NONE, |steps| Layout(Layout::MOMENTS + steps)),
            (EdmType::DateTimeOffset, Cell::Text(bytes)) => {
                self.read(cell).map_or(Layout::NONE, |_| moment_layout(bytes))
            }
            (EdmType::Guid, Cell::Text(bytes)) => match self.read(cell) {
                Some(_) if !bytes.iter().any(u8::is_ascii_uppercase) => Layout::PLAIN,
                Some(_) if !bytes.iter().any(u8::is_ascii_lowercase) => Layout::OTHER_TEXT,
                _ => Layout::NONE,
            },
            (EdmType::Date, Cell::Text(bytes)) if bytes.len() > 10 => self.midnight_layout(bytes),
            (EdmType::Duration, Cell::Text(bytes)) => match read::duration(self.form, bytes) {
                Some(duration) if duration.text().as_bytes() == bytes => Layout::PLAIN,
                _ => Layout::NONE,
            },
            (EdmType::Binary, Cell::Text(_)) => Layout::OTHER_TEXT,
            (EdmType::Date | EdmType::DateTimeOffset, Cell::Real(_)) => Layout::NONE,
            (EdmType::Date, Cell::Integer(_)) => match self.instant(cell) {
                Some(instant) if instant.clock() == crate::instant::ClockTime::MIDNIGHT => Layout::NUMBERS,
                _ => Layout::NONE,
            },
            (EdmType::String { .. }, Cell::Real(_)) => {
                self.read(cell).map_or(Layout::NONE, |_| Layout::REALS)
            }
            (EdmType::DateTimeOffset | EdmType::String { .. }, Cell::Integer(_))
            | (EdmType::Guid, Cell::Blob(_)) => self.read(cell).map_or(Layout::NONE, |_| Layout::NUMBERS),
            (_, cell) => self.read(cell).map_or(Layout::NONE, |_| Layout::PLAIN),
        }
    }

    /// A date may be followed by a time, always the same one.
    fn midnight_layout(self, bytes: &[u8]) -> Layout {
        let is_midnight = bytes[10..].iter().all(|byte| !byte.is_ascii_digit() || *byte == b'0');
        let date = self.read(Cell::Text(bytes));
        date.filter(|_| is_midnight).map_or(Layout::NONE, |_| moment_layout(bytes))
    }

    /// Whether a cell is in a layout.
    pub(crate) fn is_in(self, layout: Layout, cell: Cell<'_>) -> bool {
        if layout == Layout::OTHER_TEXT
            && let (EdmType::Guid, Cell::Text(bytes)) = (self.ty, cell)
        {
            // A GUID with only digits is in both cases.
            return !bytes.iter().any(u8::is_ascii_lowercase) && self.read(cell).is_some();
        }
        layout != Layout::NONE && self.layout(cell) == layout
    }

    /// The stored form of a value in a layout; `None` if it has none.
    pub(crate) fn stored(self, layout: Layout, value: &Value) -> Option<Value> {
        let stored = match (self.ty, layout, value) {
            (EdmType::Date | EdmType::DateTimeOffset, Layout::NUMBERS, Value::Text(text)) => {
                let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { format!("{text}Z") };
                match self.form.scale_of_numbers()? {
                    Numbers::Since1970(unit) => {
                        let picoseconds = literal::date_time_offset(&whole)?.picoseconds();
                        Value::Integer(i64::try_from(picoseconds / i128::from(unit)).ok()?)
                    }
                    Numbers::JulianDays => return None,
                }
            }
            (EdmType::String { .. }, Layout::NUMBERS, Value::Text(text)) => {
                Value::Integer(text.parse().ok()?)
            }
            (EdmType::String { .. }, Layout::REALS, Value::Text(text)) => Value::Real(text.parse().ok()?),
            (EdmType::Guid, Layout::OTHER_TEXT, Value::Text(text)) => Value::Text(text.to_ascii_uppercase()),
            (EdmType::Guid, Layout::NUMBERS, Value::Text(text)) => Value::Blob(literal::guid(text)?.to_vec()),
            (EdmType::Duration, _, Value::Text(text)) => Value::Text(Duration::of_ordered(text)?.text()),
            (EdmType::Binary, Layout::OTHER_TEXT, Value::Blob(bytes)) => {
                match String::from_utf8(bytes.clone()) {
                    Ok(text) => Value::Text(text),
                    Err(error) => Value::RawText(error.into_bytes()),
                }
            }
            (EdmType::Boolean, Layout::OTHER_TEXT, Value::Integer(value)) => {
                Value::Text(if *value == 0 { "f" } else { "t" }.to_owned())
            }
            (EdmType::TimeOfDay, Layout(code), Value::Text(text)) => {
                Value::Text(with_precision(text, code.checked_sub(Layout::MOMENTS)?)?)
            }
            (EdmType::DateTimeOffset, Layout(code), Value::Text(text)) if code >= Layout::MOMENTS => {
                Value::Text(moment_in(text, code - Layout::MOMENTS)?)
            }
            (EdmType::Date, Layout(code), Value::Text(text)) if code >= Layout::MOMENTS => {
                Value::Text(moment_in(&format!("{text}T00:00:00"), code - Layout::MOMENTS)?)
            }
            (_, _, value) => value.clone(),
        };
        // The result must represent the value in this very layout.
        let cell = stored.as_cell();
        (self.is_in(layout, cell) && self.read(cell).is_some_and(|held| held.into_value() == *value))
            .then_some(stored)
    }
}

impl Reading {
    /// The cell in which to store a value: in this layout if it has a form there, otherwise in the most similar one.
    pub(crate) fn assigned(self, layout: Layout, value: &Value) -> Option<Value> {
        if let (EdmType::Boolean, Value::Integer(truth)) = (self.ty, value) {
            return self.stored(layout, value).or_else(|| boolean_in(self.form, *truth != 0));
        }
        let common = if layout.0 >= Layout::MOMENTS { (layout.0 - Layout::MOMENTS) % 6 } else { 2 };
        let step = if self.ty == EdmType::TimeOfDay { 1 } else { 6 };
        let first = if step == 1 { 0 } else { common };
        // From seconds on: nobody expects a clock without them in a column that has none yet.
        let moments = (1..Layout::PRECISIONS).map(|steps| Layout(Layout::MOMENTS + first + step * steps));
        let others = [Layout::PLAIN, Layout::OTHER_TEXT, Layout::NUMBERS, Layout::REALS];
        let is_moment = matches!(self.ty, EdmType::TimeOfDay | EdmType::DateTimeOffset);
        let moments = moments.filter(|_| is_moment);
        std::iter::once(layout).chain(moments).chain(others).find_map(|layout| self.stored(layout, value))
    }
}

/// A Boolean value in a form.
fn boolean_in(form: Form, truth: bool) -> Option<Value> {
    let (numbers, words) = read::booleans(form, truth);
    let word = || words.first().map(|word| Value::Text((*word).to_owned()));
    numbers.first().map(|number| Value::Integer(*number)).or_else(word)
}

fn boolean_layout(cell: Cell<'_>) -> Layout {
    match cell {
        Cell::Integer(0 | 1) => Layout::PLAIN,
        Cell::Text(b"t" | b"f") => Layout::OTHER_TEXT,
        _ => Layout::NONE,
    }
}

/// The precision of a written time: to the minute, to the second, or to one to twelve fractional digits.
fn precision(time: &[u8]) -> Option<u16> {
    match time.len() {
        5 => Some(0),
        8 => Some(1),
        length @ 10..=21 => u16::try_from(length - 8).ok(),
        _ => None,
    }
}

/// The text of a time with a different precision; `None` if that would lose some of it.
fn with_precision(time: &str, precision: u16) -> Option<String> {
    if precision == 0 {
        return (time.len() == 8).then(|| time.strip_suffix(":00").map(str::to_owned))?;
    }
    let mut text = time.to_owned();
    let wanted = if precision == 1 { 8 } else { usize::from(precision) + 8 };
    if precision > 1 && text.len() == 8 {
        text.push('.');
    }
    (text.len() <= wanted).then(|| {
        text.extend(std::iter::repeat_n('0', wanted - text.len()));
        text
    })
}

/// `2024-05-01` has none of them: it is the same instant as a text with zeros after it.
fn moment_layout(bytes: &[u8]) -> Layout {
    let mut zones = [(2, ZONES[2]), (1, ZONES[1]), (0, ZONES[0])].into_iter();
    let Some((zone, local)) =
        zones.find_map(|(code, zone)| Some((code, bytes.strip_suffix(zone.as_bytes())?)))
    else {
        return Layout::NONE;
    };
    let Some((separator, time)) = local.split_at_checked(10).and_then(|(_, rest)| rest.split_first()) else {
        return Layout::NONE;
    };
    let blank = match separator {
        b'T' => 0,
        b' ' => 1,
        _ => return Layout::NONE,
    };
    // Another time zone would be an unknown layout.
    if time.iter().any(|byte| !(byte.is_ascii_digit() || matches!(byte, b':' | b'.'))) {
        return Layout::NONE;
    }
    precision(time).map_or(Layout::NONE, |steps| Layout(Layout::MOMENTS + blank + 2 * zone + 6 * steps))
}

/// The text of an instant, without time zone, in a layout of instants.
fn moment_in(text: &str, code: u16) -> Option<String> {
    let (date, time) = text.split_once('T')?;
    let (blank, zone, steps) = (code % 2, ZONES[usize::from(code / 2 % 3)], code / 6);
    let time = (steps < Layout::PRECISIONS).then(|| with_precision(time, steps))??;
    Some(format!("{date}{}{time}{zone}", if blank == 1 { ' ' } else { 'T' }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_in_a_layout_is_found_by_its_value() {
        let form = Form::Canonical;
        let moments = Reading { ty: EdmType::DateTimeOffset, form };
        for text in [
            "2024-05-01T12:00:00",
            "2024-05-01 12:00:00",
            "2024-05-01T12:00:00Z",
            "2024-05-01 12:00:00.500",
            "2024-05-01 12:00",
            "2024-05-01T12:00:00.123456Z",
            "2024-05-01 12:00:00+00:00",
            "9999-12-31T23:59:59.9999999Z",
        ] {
            let cell = Cell::Text(text.as_bytes());
            let (layout, value) = (moments.layout(cell), moments.read(cell).unwrap().into_value());
            assert_ne!(layout, Layout::NONE, "{text}");
            assert_eq!(moments.stored(layout, &value), Some(Value::Text(text.into())), "{text}");
        }
        for text in ["2024-05-01", "2024-05-01T12:00:00+02:00", " 2024-05-01 12:00:00", "2024-05-01t12:00:00"]
        {
            assert_eq!(moments.layout(Cell::Text(text.as_bytes())), Layout::NONE, "{text}");
        }
        let seconds = Reading { ty: EdmType::DateTimeOffset, form: Form::UnixSeconds };
        let value = seconds.read(Cell::Integer(-1)).unwrap().into_value();
        assert_eq!(value, Value::Text("1969-12-31T23:59:59".into()));
        assert_eq!(seconds.stored(Layout::NUMBERS, &value), Some(Value::Integer(-1)));
        let guids = Reading { ty: EdmType::Guid, form };
        let digits = Cell::Text(b"01234567-0123-0123-0123-012345678901");
        assert!(guids.is_in(Layout::PLAIN, digits) && guids.is_in(Layout::OTHER_TEXT, digits));
    }
}
