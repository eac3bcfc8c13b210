//! Dates, times and instants in the binary form
//! ([values](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html#sect_protocol_binary_resultset_row_value)).
//! Days that the calendar does not have, such as 2024-02-31 or the day zero, are no values.

use odata::cell::{SinceEpoch, TypedCell};

use super::fields::Fields;

const DAY_MICROS: i64 = 86_400_000_000;
const SECONDS_OF_DAY: i64 = 86_400;

/// A date; `None` for a malformed one, `Some(None)` for one that is no value.
#[expect(
    clippy::option_option,
    reason = "a value may be malformed, or well formed and nothing that OData has"
)]
pub(super) fn date(bytes: &[u8]) -> Option<Option<TypedCell<'static>>> {
    let (days, _) = moment(bytes)?;
    Some(days.map(TypedCell::Date))
}

/// A date and a time, without a time zone or in UTC.
#[expect(
    clippy::option_option,
    reason = "a value may be malformed, or well formed and nothing that OData has"
)]
pub(super) fn date_time(bytes: &[u8], is_local: bool) -> Option<Option<TypedCell<'static>>> {
    let (days, clock) = moment(bytes)?;
    let Some(days) = days else { return Some(None) };
    let (seconds, microseconds) = (clock / 1_000_000, clock % 1_000_000);
    let since = SinceEpoch {
        seconds: i64::from(days) * SECONDS_OF_DAY + seconds,
        nanoseconds: u32::try_from(microseconds * 1000).ok()?,
    };
    Some(Some(if is_local { TypedCell::Local(since) } else { TypedCell::Timestamp(since) }))
}

/// A length of time of up to 838 hours, of which those from 0 to 24 hours are times of day.
pub(super) fn time(bytes: &[u8]) -> Option<TypedCell<'static>> {
    let mut fields = Fields::of(bytes);
    if bytes.is_empty() {
        return Some(TypedCell::TimeOfDay(0));
    }
    let is_negative = fields.byte()? != 0;
    let days = i64::from(fields.u32()?);
    let within_day = clock(&mut fields)?;
    let micros = days.checked_mul(DAY_MICROS)?.checked_add(within_day)?;
    if !fields.rest().is_empty() {
        return None;
    }
    if is_negative && micros > 0 {
        // Beyond every day, like those that are too long.
        return Some(TypedCell::TimeOfDay(u64::MAX));
    }
    Some(TypedCell::TimeOfDay(u64::try_from(micros).ok()?.checked_mul(1000)?))
}

/// The days since 1970, if the day is in the calendar, and the microseconds since midnight.
fn moment(bytes: &[u8]) -> Option<(Option<i32>, i64)> {
    if bytes.is_empty() {
        return Some((None, 0));
    }
    let mut fields = Fields::of(bytes);
    let (year, month, day) = (fields.u16()?, fields.byte()?, fields.byte()?);
    let clock = if fields.rest().is_empty() { 0 } else { clock(&mut fields)? };
    fields.rest().is_empty().then(|| (days(year.into(), month.into(), day.into()), clock))
}

/// Hours, minutes, seconds and perhaps microseconds, as microseconds.
fn clock(fields: &mut Fields<'_>) -> Option<i64> {
    let [hours, minutes, seconds] = fields.array()?;
    let micros = if fields.rest().is_empty() { 0 } else { fields.u32()? };
    let is_valid = hours < 24 && minutes < 60 && seconds < 60 && micros < 1_000_000;
    let whole = (i64::from(hours) * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
    is_valid.then(|| whole * 1_000_000 + i64::from(micros))
}

/// The days from 1970-01-01 to a day of the proleptic Gregorian calendar; `None` if it does not have the day.
fn days(year: i32, month: i32, day: i32) -> Option<i32> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || year > 9999 {
        return None;
    }
    // Years start in March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for ((year, month, day), expected) in [
            ((1970, 1, 1), Some(0)),
            ((1969, 12, 31), Some(-1)),
            ((2000, 2, 29), Some(11_016)),
            ((2000, 3, 1), Some(11_017)),
            ((0, 1, 1), Some(-719_528)),
            ((0, 3, 1), Some(-719_468)),
            ((9999, 12, 31), Some(2_932_896)),
            ((0, 0, 0), None),
            ((2024, 0, 10), None),
            ((2024, 5, 0), None),
            ((2024, 2, 30), None),
            ((1900, 2, 29), None),
            ((2024, 13, 1), None),
        ] {
            assert_eq!(days(year, month, day), expected, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn what_ends_early_or_is_too_long_is_malformed() {
        let whole = [0xe8, 0x07, 5, 1, 10, 20, 30, 1, 0, 0, 0];
        for length in 0..=whole.len() {
            let found = date_time(&whole[..length], false);
            assert_eq!(found.is_some(), matches!(length, 0 | 4 | 7 | 11), "{length}");
        }
        assert_eq!(date_time(&[&whole[..], &[0]].concat(), false), None);
        assert_eq!(date_time(&[0xe8, 0x07, 5, 1, 24, 0, 0], false), None, "no hour");
        assert_eq!(date(&[]), Some(None), "the day zero");
        let at = SinceEpoch { seconds: 1_714_558_830, nanoseconds: 1000 };
        assert_eq!(date_time(&whole, true), Some(Some(TypedCell::Local(at))));
    }

    #[test]
    fn times_of_a_day_are_told_from_longer_and_negative_ones() {
        let long = |days: u8, negative: u8| time(&[negative, days, 0, 0, 0, 1, 2, 3]);
        assert_eq!(long(0, 0), Some(TypedCell::TimeOfDay(3_723_000_000_000)));
        assert_eq!(long(1, 0), Some(TypedCell::TimeOfDay(90_123_000_000_000)), "outside of its range");
        assert_eq!(long(0, 1), Some(TypedCell::TimeOfDay(u64::MAX)));
        assert_eq!(time(&[]), Some(TypedCell::TimeOfDay(0)));
        assert_eq!(time(&[0, 255, 255, 255, 255, 23, 59, 59]), None, "no overflow");
        assert_eq!(time(&[0, 1]), None);
    }
}
