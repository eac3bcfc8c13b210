//! Storage forms: how a database stores the values of a column.
//!
//! A [`Reading`] determines which value a cell represents, if any. What a client sees and what is compared,
//! ordered and looked up all use the same reading: the encoder calls it, and so does the SQL function with
//! which statements compare. A cell without a value in its reading is invalid: it is shown as null, and it is
//! null in every comparison.
//!
//! A [`Layout`] is a narrower guarantee, which the cells of most columns fulfil: within one layout, different
//! values are stored differently, and their stored order is the order of the values. The column itself can
//! then be compared, through an index.

pub(crate) mod layout;
pub(crate) mod read;
mod survey;

use crate::edm_type::EdmType;
pub use layout::Layout;
pub use survey::{ColumnSurvey, Survey};

/// How a database stores the values of a column, beyond their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// Every unambiguous form: text for dates and times, all common words and numbers for Booleans, text in
    /// either case or 16 bytes for GUIDs.
    #[default]
    Canonical,
    /// Booleans as 0 and 1.
    ZeroOne,
    /// Booleans as 0 and -1.
    MinusOne,
    /// Booleans as `t` and `f`.
    Letters,
    /// Booleans as `true` and `false`.
    Words,
    /// GUIDs as text in lower case.
    GuidText,
    /// GUIDs as text in upper case.
    GuidTextUpper,
    /// GUIDs as 16 bytes, in the order of the text.
    GuidBytes,
    /// Instants and dates, including as seconds since 1970.
    UnixSeconds,
    /// Instants and dates, including as milliseconds since 1970.
    UnixMilliseconds,
    /// Instants and dates, including as microseconds since 1970.
    UnixMicroseconds,
    /// Instants and dates, including as Julian days.
    JulianDay,
    /// Dates, times and instants as text only.
    Text,
    /// The form in which an expression returns values: durations as the text by which they are compared, and decimals with whatever
    /// zeros the database writes after the last digit.
    Compared,
    /// Instants in a type of the database for dates and times without a time zone; they are in UTC.
    Local,
    /// Text in a type of the database for text of fixed length, in which trailing blanks do not count.
    Padded,
    /// Values of another type, which statements convert to the type that is served: an enumeration, an array or
    /// JSON to text, an amount of money to a decimal number, an object identifier to an integer.
    Converted,
}

/// Determines which value a cell of a column represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reading {
    /// The type of the values.
    pub ty: EdmType,
    /// The form in which they are stored.
    pub form: Form,
}

/// The maximum number of digits after the point in a declared form of decimals. Decimals with more are not
/// rounded.
pub(crate) const MOST_DIGITS: u16 = 15;

/// The forms that an owner can declare, with the type as which the column is then served. `decimal(n)` is one
/// too.
const DECLARABLE: &[(&str, EdmType, Form)] = &[
    ("0/1", EdmType::Boolean, Form::ZeroOne),
    ("-1/0", EdmType::Boolean, Form::MinusOne),
    ("t/f", EdmType::Boolean, Form::Letters),
    ("true/false", EdmType::Boolean, Form::Words),
    ("boolean", EdmType::Boolean, Form::Canonical),
    ("integer", EdmType::Int64, Form::Canonical),
    ("real", EdmType::Double, Form::Canonical),
    ("decimal", EdmType::Decimal { precision: None, scale: None }, Form::Canonical),
    ("text", EdmType::String { max_length: None }, Form::Canonical),
    ("binary", EdmType::Binary, Form::Canonical),
    ("guid", EdmType::Guid, Form::Canonical),
    ("guid-text", EdmType::Guid, Form::GuidText),
    ("guid-text-upper", EdmType::Guid, Form::GuidTextUpper),
    ("guid-blob", EdmType::Guid, Form::GuidBytes),
    ("text-date", EdmType::Date, Form::Text),
    ("text-time", EdmType::TimeOfDay, Form::Text),
    ("text-date-time", EdmType::DateTimeOffset, Form::Text),
    ("unix-seconds", EdmType::DateTimeOffset, Form::UnixSeconds),
    ("unix-milliseconds", EdmType::DateTimeOffset, Form::UnixMilliseconds),
    ("unix-microseconds", EdmType::DateTimeOffset, Form::UnixMicroseconds),
    ("julian-day", EdmType::DateTimeOffset, Form::JulianDay),
];

impl Form {
    /// The names of all forms that can be declared, for messages.
    pub fn names() -> String {
        let names: Vec<&str> = DECLARABLE.iter().map(|(name, ..)| *name).collect();
        format!("{}, decimal(n)", names.join(", "))
    }

    /// The form with that name, and the type that it gives to a column declared as `declared`; `None` if
    /// there is no such form. Numbers in a column that is declared as a date are dates.
    pub fn declared(name: &str, declared: EdmType) -> Option<Reading> {
        if let Some(digits) = name.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')) {
            let scale = digits.parse().ok().filter(|scale| *scale <= MOST_DIGITS)?;
            let ty = EdmType::Decimal { precision: None, scale: Some(scale) };
            return Some(Reading { ty, form: Self::Canonical });
        }
        let (_, ty, form) = DECLARABLE.iter().find(|(known, ..)| *known == name)?;
        let narrower = match (*ty, declared) {
            (EdmType::Int64, EdmType::Byte | EdmType::SByte | EdmType::Int16 | EdmType::Int32)
            | (EdmType::String { .. }, EdmType::String { .. })
            | (EdmType::Decimal { .. }, EdmType::Decimal { .. }) => true,
            (EdmType::DateTimeOffset, EdmType::Date) => form.scale_of_numbers().is_some(),
            _ => false,
        };
        Some(Reading { ty: if narrower { declared } else { *ty }, form: *form })
    }

    /// The name under which it can be declared for a type; `None` for the usual form.
    pub fn name(self) -> Option<&'static str> {
        let named = DECLARABLE.iter().find(|(_, _, form)| *form == self && self != Self::Canonical);
        named.map(|(name, ..)| *name)
    }

    /// The form of GUIDs that are all stored in this layout.
    pub fn of_guids(layout: Layout) -> Self {
        match layout {
            Layout::PLAIN => Self::GuidText,
            Layout::OTHER_TEXT => Self::GuidTextUpper,
            Layout::NUMBERS => Self::GuidBytes,
            _ => Self::Canonical,
        }
    }

    /// The unit of numbers that represent instants.
    pub(crate) fn scale_of_numbers(self) -> Option<read::Numbers> {
        match self {
            Self::UnixSeconds => Some(read::Numbers::Since1970(1_000_000_000_000)),
            Self::UnixMilliseconds => Some(read::Numbers::Since1970(1_000_000_000)),
            Self::UnixMicroseconds => Some(read::Numbers::Since1970(1_000_000)),
            Self::JulianDay => Some(read::Numbers::JulianDays),
            _ => None,
        }
    }
}

impl Reading {
    /// A number that represents this reading in SQL text, as the second argument of the functions.
    pub(crate) fn code(self) -> i64 {
        let (kind, detail) = match self.ty {
            EdmType::Boolean => (1, 0),
            EdmType::Byte => (2, 0),
            EdmType::SByte => (3, 0),
            EdmType::Int16 => (4, 0),
            EdmType::Int32 => (5, 0),
            EdmType::Int64 => (6, 0),
            EdmType::Decimal { scale, .. } => (7, scale.map_or(0, |scale| i64::from(scale) + 1)),
            EdmType::Single => (8, 0),
            EdmType::Double => (9, 0),
            EdmType::String { .. } => (10, 0),
            EdmType::Guid => (11, 0),
            EdmType::Date => (12, 0),
            EdmType::TimeOfDay => (13, 0),
            EdmType::DateTimeOffset => (14, 0),
            EdmType::Duration => (15, 0),
            EdmType::Binary => (16, 0),
        };
        kind | (self.form as i64) << 8 | detail << 16
    }

    /// The reading with that number, if any.
    pub(crate) fn of_code(code: i64) -> Option<Self> {
        const FORMS: [Form; 17] = [
            Form::Canonical,
            Form::ZeroOne,
            Form::MinusOne,
            Form::Letters,
            Form::Words,
            Form::GuidText,
            Form::GuidTextUpper,
            Form::GuidBytes,
            Form::UnixSeconds,
            Form::UnixMilliseconds,
            Form::UnixMicroseconds,
            Form::JulianDay,
            Form::Text,
            Form::Compared,
            Form::Local,
            Form::Padded,
            Form::Converted,
        ];
        let ty = match code & 0xff {
            1 => EdmType::Boolean,
            2 => EdmType::Byte,
            3 => EdmType::SByte,
            4 => EdmType::Int16,
            5 => EdmType::Int32,
            6 => EdmType::Int64,
            7 => {
                let scale = u16::try_from((code >> 16) - 1).ok();
                EdmType::Decimal { precision: None, scale }
            }
            8 => EdmType::Single,
            9 => EdmType::Double,
            10 => EdmType::String { max_length: None },
            11 => EdmType::Guid,
            12 => EdmType::Date,
            13 => EdmType::TimeOfDay,
            14 => EdmType::DateTimeOffset,
            15 => EdmType::Duration,
            16 => EdmType::Binary,
            _ => return None,
        };
        let form = *FORMS.get(usize::try_from(code >> 8 & 0xff).ok()?)?;
        Some(Self { ty, form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declarable_reading_survives_its_code() {
        for (name, ty, form) in DECLARABLE {
            let reading = Reading { ty: *ty, form: *form };
            assert_eq!(Reading::of_code(reading.code()), Some(reading), "{name}");
            assert_eq!(Form::declared(name, *ty), Some(reading), "{name}");
        }
        for scale in [None, Some(0), Some(2), Some(15)] {
            let reading = Reading { ty: EdmType::Decimal { precision: None, scale }, form: Form::Canonical };
            assert_eq!(Reading::of_code(reading.code()), Some(reading));
        }
    }

    #[test]
    fn a_declared_form_gives_the_type_unless_the_column_has_a_narrower_one() {
        let ty = |name, declared| Form::declared(name, declared).map(|reading| reading.ty);
        assert_eq!(ty("unix-seconds", EdmType::Int64), Some(EdmType::DateTimeOffset));
        assert_eq!(ty("unix-seconds", EdmType::Date), Some(EdmType::Date));
        assert_eq!(ty("text-date-time", EdmType::Date), Some(EdmType::DateTimeOffset));
        assert_eq!(ty("integer", EdmType::Int16), Some(EdmType::Int16));
        assert_eq!(
            ty("decimal(2)", EdmType::Double),
            Some(EdmType::Decimal { precision: None, scale: Some(2) })
        );
        assert_eq!(ty("decimal(99)", EdmType::Double), None);
        assert_eq!(ty("fortnights", EdmType::Double), None);
    }
}
