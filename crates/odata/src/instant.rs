//! Instants and times of day, with the range and the precision of the standard: the years 0 to 9999, and
//! twelve fractional digits of a second ([CSDL
//! §3.3](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_PrimitiveTypes)).

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

/// Picoseconds in a second.
const SECOND: u64 = 1_000_000_000_000;
/// The maximum number of fractional digits of a second; further ones are truncated.
const FRACTION_DIGITS: usize = 12;

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime {
    /// The whole seconds.
    time: Time,
    /// The fraction of a second.
    picoseconds: u64,
}

/// An instant, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    date: Date,
    clock: ClockTime,
}

impl ClockTime {
    pub(crate) const MIDNIGHT: Self = Self { time: Time::midnight(), picoseconds: 0 };

    /// Parses `07:59`, `07:59:59` or `07:59:59.999`; the fraction may have any number of digits.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 5 || bytes[2] != b':' {
            return None;
        }
        let (second, fraction) = match &bytes[5..] {
            [] => (0, b"".as_slice()),
            [b':', a, b] => (two(&[*a, *b])?, b"".as_slice()),
            [b':', a, b, b'.', fraction @ ..] if !fraction.is_empty() => (two(&[*a, *b])?, fraction),
            _ => return None,
        };
        let time = Time::new(two(&bytes[..2])?, two(&bytes[3..5])?, second, 0).ok()?;
        Some(Self { time, picoseconds: picoseconds(fraction)? })
    }

    /// Whether its fraction has more than six digits.
    pub(crate) fn is_finer_than_microseconds(self) -> bool {
        !self.picoseconds.is_multiple_of(1_000_000)
    }

    /// `07:59:59`, followed by the fraction, if any, without trailing zeros. Texts of this form sort in the
    /// order of the times.
    pub(crate) fn text(self) -> String {
        let mut text = Vec::with_capacity(21);
        self.push(&mut text);
        ascii(text)
    }

    /// Appends the same text.
    pub(crate) fn push(self, text: &mut Vec<u8>) {
        let parts = [(self.time.hour(), ""), (self.time.minute(), ":"), (self.time.second(), ":")];
        for (part, before) in parts {
            text.extend_from_slice(before.as_bytes());
            digits(text, u64::from(part.unsigned_abs()), 2);
        }
        if self.picoseconds > 0 {
            text.push(b'.');
            digits(text, self.picoseconds, FRACTION_DIGITS);
            while text.last() == Some(&b'0') {
                text.pop();
            }
        }
    }
}

impl Moment {
    /// An instant from a date and a time with an offset of `offset` seconds east of UTC. `None` outside the
    /// years 0 to 9999.
    pub(crate) fn new(date: Date, clock: ClockTime, offset: i32) -> Option<Self> {
        let local = date.to_datetime(clock.time);
        let utc = if offset == 0 {
            local
        } else {
            local.checked_sub(SignedDuration::from_secs(offset.into())).ok()?
        };
        let clock = ClockTime { time: utc.time(), ..clock };
        (0..=9999).contains(&utc.year()).then(|| Self { date: utc.date(), clock })
    }

    /// An instant from its distance to 1970 in picoseconds; truncated, not rounded.
    pub(crate) fn since_1970(picoseconds: i128) -> Option<Self> {
        let seconds = i64::try_from(picoseconds.div_euclid(i128::from(SECOND))).ok()?;
        let picoseconds = u64::try_from(picoseconds.rem_euclid(i128::from(SECOND))).ok()?;
        let epoch: DateTime = Date::constant(1970, 1, 1).to_datetime(Time::midnight());
        let utc = epoch.checked_add(SignedDuration::from_secs(seconds)).ok()?;
        (0..=9999)
            .contains(&utc.year())
            .then(|| Self { date: utc.date(), clock: ClockTime { time: utc.time(), picoseconds } })
    }

    /// Picoseconds since 1970.
    pub(crate) fn picoseconds(self) -> i128 {
        let epoch: DateTime = Date::constant(1970, 1, 1).to_datetime(Time::midnight());
        let seconds = self.date.to_datetime(self.clock.time).duration_since(epoch).as_secs();
        i128::from(seconds) * i128::from(SECOND) + i128::from(self.clock.picoseconds)
    }

    /// The date in UTC.
    pub(crate) fn date(self) -> Date {
        self.date
    }

    /// The time in UTC.
    pub(crate) fn clock(self) -> ClockTime {
        self.clock
    }

    /// `2012-09-03T13:52:00`, with a fraction if there is one, and without a time zone. Texts of this form
    /// sort in the order of the instants.
    pub(crate) fn text(self) -> String {
        let mut text = Vec::with_capacity(32);
        self.push(&mut text);
        ascii(text)
    }

    /// Appends the same text.
    pub(crate) fn push(self, text: &mut Vec<u8>) {
        self.push_date(text);
        text.push(b'T');
        self.clock.push(text);
    }

    /// Appends the date.
    pub(crate) fn push_date(self, text: &mut Vec<u8>) {
        date_into(text, self.date);
    }
}

impl From<jiff::Timestamp> for Moment {
    fn from(now: jiff::Timestamp) -> Self {
        let utc = jiff::tz::Offset::UTC.to_datetime(now);
        let nanoseconds = u64::from(utc.subsec_nanosecond().unsigned_abs());
        let time = utc.time().with().subsec_nanosecond(0).build().unwrap_or(Time::midnight());
        Self { date: utc.date(), clock: ClockTime { time, picoseconds: nanoseconds * 1000 } }
    }
}

/// `2012-09-03`.
pub(crate) fn date_text(date: Date) -> String {
    let mut text = Vec::with_capacity(10);
    date_into(&mut text, date);
    ascii(text)
}

/// The text, which is ASCII.
fn ascii(text: Vec<u8>) -> String {
    String::from_utf8(text).unwrap_or_default()
}

fn date_into(text: &mut Vec<u8>, date: Date) {
    if date.year() < 0 {
        text.push(b'-');
    }
    digits(text, u64::from(date.year().unsigned_abs()), 4);
    text.push(b'-');
    digits(text, u64::from(date.month().unsigned_abs()), 2);
    text.push(b'-');
    digits(text, u64::from(date.day().unsigned_abs()), 2);
}

/// Writes a number with leading zeros.
fn digits(text: &mut Vec<u8>, number: u64, width: usize) {
    let mut power = 10_u64.pow(u32::try_from(width.saturating_sub(1)).unwrap_or_default());
    while power > 0 {
        text.push(b'0' + u8::try_from(number / power % 10).unwrap_or_default());
        power /= 10;
    }
}

fn two(digits: &[u8]) -> Option<i8> {
    let [a, b] = digits else { return None };
    (a.is_ascii_digit() && b.is_ascii_digit()).then(|| ((a - b'0') * 10 + (b - b'0')).cast_signed())
}

fn picoseconds(fraction: &[u8]) -> Option<u64> {
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let kept = fraction.iter().chain(std::iter::repeat(&b'0')).take(FRACTION_DIGITS);
    Some(kept.fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Moment> {
        crate::literal::date_time_offset(text)
    }

    #[test]
    fn moments_reach_from_the_first_year_to_the_end_of_the_last() {
        for (given, expected) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999"),
            ("9999-12-31T23:59:59.123456789012Z", "9999-12-31T23:59:59.123456789012"),
            ("2024-05-01T00:30:00.500+02:00", "2024-04-30T22:30:00.5"),
        ] {
            let instant = at(given).unwrap();
            assert_eq!(instant.text(), expected);
            assert_eq!(Moment::since_1970(instant.picoseconds()), Some(instant), "{given}");
        }
        assert_eq!(at("9999-12-31T23:59:59-01:00"), None);
        assert_eq!(at("0000-01-01T00:00:00+01:00"), None);
    }

    #[test]
    fn texts_are_in_the_order_of_the_moments() {
        let texts = [
            "2024-05-01T12:00:00Z",
            "2024-05-01T12:00:00.05Z",
            "2024-05-01T12:00:00.5Z",
            "2024-05-01T12:00:01Z",
        ];
        assert!(texts.map(|text| at(text).unwrap()).is_sorted());
        assert!(texts.map(|text| at(text).unwrap().text()).is_sorted());
    }
}
