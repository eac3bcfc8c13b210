//! Values of types that SQLite does not have.

use crate::duration::Duration;
use crate::instant::{ClockTime, Moment};

/// A value of a type of its own, borrowed from the driver.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TypedCell<'row> {
    /// A Boolean value.
    Boolean(bool),
    /// An integer without a sign.
    Unsigned(u64),
    /// An integer of up to 128 bits.
    Wide(&'row i128),
    /// A floating-point number of single precision.
    Single(f32),
    /// An exact decimal number of any size, as it is written in JSON without an exponent: `-12.50`.
    Decimal(&'row str),
    /// A date: the number of days since 1970-01-01.
    Date(i32),
    /// A time of day: the number of nanoseconds since midnight.
    TimeOfDay(u64),
    /// An instant: the time since the start of 1970 in UTC.
    Timestamp(SinceEpoch),
    /// A date and time without a time zone, which is taken as UTC.
    Local(SinceEpoch),
    /// A length of time.
    Interval(Interval),
    /// A UUID, in the order in which it is written.
    Guid(&'row [u8; 16]),
    /// A JSON text, not necessarily valid UTF-8.
    Json(&'row [u8]),
}

/// The time since the start of 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinceEpoch {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after them, below 1,000,000,000.
    pub nanoseconds: u32,
}

/// A length of time in parts, each of which has a sign of its own. Only one without months has a fixed length and is a
/// duration; a day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds, of which there may be more than in a day.
    pub microseconds: i64,
}

/// Nanoseconds in a day.
const DAY: u64 = 86_400_000_000_000;

impl SinceEpoch {
    fn moment(self) -> Option<Moment> {
        let nanoseconds = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds);
        (self.nanoseconds < 1_000_000_000).then(|| Moment::since_1970(nanoseconds * 1000))?
    }
}

impl Interval {
    fn duration(self) -> Option<Duration> {
        let microseconds = i128::from(self.days) * 86_400_000_000 + i128::from(self.microseconds);
        (self.months == 0).then(|| Duration::of_picoseconds(microseconds * 1_000_000))
    }
}

impl TypedCell<'_> {
    /// The integer that this is, if it is one of 64 bits.
    pub(crate) fn whole(self) -> Option<i64> {
        match self {
            Self::Unsigned(value) => i64::try_from(value).ok(),
            Self::Wide(value) => i64::try_from(*value).ok(),
            #[expect(clippy::cast_possible_truncation, reason = "whole and within the bounds of 64 bits")]
            Self::Single(value) if value.fract() == 0.0 && value.abs() < 9e18 => Some(value as i64),
            Self::Decimal(digits) => {
                let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
                fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok())?
            }
            _ => None,
        }
    }

    /// The nearest floating-point number.
    pub(crate) fn real(self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the nearest number is asked for")]
            Self::Unsigned(value) => Some(value as f64),
            #[expect(clippy::cast_precision_loss, reason = "the nearest number is asked for")]
            Self::Wide(value) => Some(*value as f64),
            Self::Single(value) => Some(f64::from(value)),
            Self::Decimal(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// The instant that a date, or a date and time, stands for.
    pub(crate) fn moment(self) -> Option<Moment> {
        match self {
            Self::Timestamp(since) | Self::Local(since) => since.moment(),
            Self::Date(days) => SinceEpoch { seconds: i64::from(days) * 86_400, nanoseconds: 0 }.moment(),
            _ => None,
        }
    }

    /// The time of day that this is.
    pub(crate) fn clock(self) -> Option<ClockTime> {
        match self {
            // The first day has every time of day.
            Self::TimeOfDay(nanoseconds) if nanoseconds < DAY => {
                Moment::since_1970(i128::from(nanoseconds) * 1000).map(Moment::clock)
            }
            _ => None,
        }
    }

    /// The duration that this is, unless it has months, whose length is not fixed.
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            Self::Interval(interval) => interval.duration(),
            _ => None,
        }
    }

    /// Writes the value as text, in the form in which values of its type are compared; an instant has no time
    /// zone. Returns `false`, and writes nothing, if it is outside the range of its type.
    pub(crate) fn write(self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Self::Unsigned(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            Self::Wide(value) => out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes()),
            Self::Single(value) if value.is_finite() => {
                out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
            }
            Self::Single(_) => return false,
            Self::Decimal(digits) => return decimal(out, digits, None),
            Self::Date(_) => return self.moment().map(|moment| moment.push_date(out)).is_some(),
            Self::TimeOfDay(_) => return self.clock().map(|clock| clock.push(out)).is_some(),
            Self::Timestamp(since) | Self::Local(since) => {
                return since.moment().map(|moment| moment.push(out)).is_some();
            }
            Self::Interval(interval) => {
                let text = interval.duration().map(Duration::text);
                return text.map(|text| out.extend_from_slice(text.as_bytes())).is_some();
            }
            Self::Guid(bytes) => guid(out, bytes),
            Self::Json(text) => out.extend_from_slice(text),
        }
        true
    }

    /// The same as a text of its own.
    pub(crate) fn text(self) -> Option<String> {
        let mut text = Vec::new();
        self.write(&mut text).then(|| String::from_utf8_lossy(&text).into_owned())
    }
}

/// Writes a UUID in lower case.
fn guid(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Writes decimal digits as they are, or rounded to `scale` of them after the point, half away from zero. Returns
/// `false`, and writes nothing, if the text is not a number of JSON without an exponent.
pub(crate) fn decimal(out: &mut Vec<u8>, digits: &str, scale: Option<u16>) -> bool {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return false,
        None => (unsigned, ""),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
    if !(is_number && are_digits(whole) && are_digits(fraction)) {
        return false;
    }
    match scale.map(usize::from).filter(|scale| *scale < fraction.len()) {
        None => out.extend_from_slice(digits.as_bytes()),
        Some(scale) => {
            let (kept, cut) = fraction.split_at(scale);
            rounded(out, digits.starts_with('-'), (whole, kept), cut.as_bytes()[0] >= b'5');
        }
    }
    true
}

/// Writes a number whose last digit grows by one if `up` holds.
fn rounded(out: &mut Vec<u8>, is_negative: bool, (whole, fraction): (&str, &str), up: bool) {
    let start = out.len();
    out.extend_from_slice(whole.as_bytes());
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
    let mut carries = up;
    for digit in out[start..].iter_mut().rev().filter(|digit| **digit != b'.') {
        if !carries {
            break;
        }
        carries = *digit == b'9';
        *digit = if carries { b'0' } else { *digit + 1 };
    }
    if carries {
        out.insert(start, b'1');
    }
    let is_zero = out[start..].iter().all(|byte| matches!(byte, b'0' | b'.'));
    if is_negative && !is_zero {
        out.insert(start, b'-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(digits: &str, scale: Option<u16>) -> Option<String> {
        let mut out = Vec::new();
        decimal(&mut out, digits, scale).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn decimals_are_exact_and_rounded_half_away_from_zero() {
        for (digits, scale, expected) in [
            ("12.50", None, "12.50"),
            ("123456789012345678901234567890.123456789", None, "123456789012345678901234567890.123456789"),
            ("12.5", Some(2), "12.5"),
            ("12.345", Some(2), "12.35"),
            ("-12.345", Some(2), "-12.35"),
            ("12.344999", Some(2), "12.34"),
            ("9.995", Some(2), "10.00"),
            ("99.5", Some(0), "100"),
            ("-0.4", Some(0), "0"),
            ("-0.5", Some(0), "-1"),
            ("0.004", Some(2), "0.00"),
            ("-0", None, "-0"),
        ] {
            assert_eq!(written(digits, scale).as_deref(), Some(expected), "{digits} {scale:?}");
        }
        for digits in ["", "-", ".5", "5.", "007", "1e5", "NaN", "Infinity", "+1", "1,5", "1.2.3", "--1", "١"]
        {
            assert_eq!(written(digits, Some(2)), None, "{digits}");
        }
    }

    #[test]
    fn values_are_as_small_as_those_of_sqlite() {
        assert_eq!(size_of::<crate::cell::Cell<'_>>(), 24, "a cell is returned for every value of a row");
    }

    #[test]
    fn what_is_outside_its_range_has_no_text() {
        let interval =
            |months, days, microseconds| TypedCell::Interval(Interval { months, days, microseconds });
        let since = |seconds, nanoseconds| TypedCell::Timestamp(SinceEpoch { seconds, nanoseconds });
        for (typed, expected) in [
            (since(0, 0), Some("1970-01-01T00:00:00")),
            (since(-1, 500_000_000), Some("1969-12-31T23:59:59.5")),
            (since(0, 1_000_000_000), None),
            (since(i64::MAX, 0), None),
            (since(253_402_300_800, 0), None),
            (TypedCell::Date(-1), Some("1969-12-31")),
            (TypedCell::Date(i32::MAX), None),
            (TypedCell::TimeOfDay(DAY - 1), Some("23:59:59.999999999")),
            (TypedCell::TimeOfDay(DAY), None),
            (TypedCell::Single(f32::NAN), None),
            (interval(0, 1, -1), Some("PT23H59M59.999999S")),
            (interval(0, -1, -500_000), Some("-P1DT0.5S")),
            (interval(0, i32::MIN, i64::MIN), Some("-P2254235639DT4H54.775808S")),
            (interval(1, 0, 0), None),
            (TypedCell::Wide(&i128::MIN), Some("-170141183460469231731687303715884105728")),
            (TypedCell::Unsigned(u64::MAX), Some("18446744073709551615")),
            (TypedCell::Single(0.1), Some("0.1")),
            (TypedCell::Guid(&[0xab; 16]), Some("abababab-abab-abab-abab-abababababab")),
        ] {
            assert_eq!(typed.text().as_deref(), expected, "{typed:?}");
        }
    }
}
