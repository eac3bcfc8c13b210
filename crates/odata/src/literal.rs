//! The text forms of primitive values, shared by the parser, the binder and the encoder.

use jiff::civil::Date;

use crate::duration::Duration;
use crate::instant::{ClockTime, Moment};

/// `2012-09-03`, with a sign before a negative year.
pub(crate) fn date(text: &str) -> Option<Date> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let bytes = digits.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..])?);
    Date::new(sign * i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `07:59`, `07:59:59` or `07:59:59.999`, with at most twelve fractional digits.
pub(crate) fn time_of_day(text: &str) -> Option<ClockTime> {
    ClockTime::read(text).filter(|_| text.len() <= 21)
}

/// `2012-09-03T13:52Z` or with an offset such as `+02:00`, with at most twelve fractional digits.
pub(crate) fn date_time_offset(text: &str) -> Option<Moment> {
    zoned_date_time(text).map(|(instant, _)| instant)
}

/// Like [`date_time_offset`], and also returns the time zone in seconds east of UTC.
pub(crate) fn zoned_date_time(text: &str) -> Option<(Moment, i32)> {
    let (local, offset) = split_offset(text)?;
    let (day, time) = local.split_once('T')?;
    Some((Moment::new(date(day)?, time_of_day(time)?, offset)?, offset))
}

/// Whether a date and time, or a time, contains second 60.
pub(crate) fn is_leap_second(text: &str) -> bool {
    let time = text.split_once('T').map_or(text, |(_, time)| time);
    let replaced = time.replacen(":60", ":59", 1);
    let whole = text.replacen(time, &replaced, 1);
    replaced != time && (time_of_day(&whole).is_some() || date_time_offset(&whole).is_some())
}

/// Parses a stored date and time: also with a space instead of `T`, and without a time zone as UTC; a date
/// alone is midnight.
pub(crate) fn stored_date_time(text: &str) -> Option<Moment> {
    let text = text.trim_ascii_end();
    if let Some(date) = date(text) {
        return Moment::new(date, ClockTime::MIDNIGHT, 0);
    }
    let (local, offset) = split_offset(text).unwrap_or((text, 0));
    let local = local.trim_ascii_end();
    let (day, time) = local.split_at_checked(10)?;
    Moment::new(date(day)?, ClockTime::read(time.strip_prefix(['T', 't', ' '])?)?, offset)
}

/// Splits off `Z` or `±hh:mm` and returns the offset in seconds.
fn split_offset(text: &str) -> Option<(&str, i32)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let (time, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let bytes = offset.as_bytes();
    let sign = match bytes[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(&bytes[1..3])?, number(&bytes[4..])?);
    (bytes[3] == b':' && hours <= 14 && minutes <= 59)
        .then(|| (time, sign * i32::try_from(hours * 3600 + minutes * 60).unwrap_or_default()))
}

/// `01234567-89ab-cdef-0123-456789abcdef`, in either case.
pub(crate) fn guid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || [8, 13, 18, 23].iter().any(|at| bytes[*at] != b'-') {
        return None;
    }
    let mut digits = bytes.iter().enumerate().filter(|(at, _)| ![8, 13, 18, 23].contains(at));
    let mut guid = [0; 16];
    for byte in &mut guid {
        let mut digit = || char::from(*digits.next()?.1).to_digit(16);
        *byte = u8::try_from(digit()? * 16 + digit()?).ok()?;
    }
    Some(guid)
}

/// The lower-case text of a GUID.
pub(crate) fn guid_text(guid: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in guid.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

/// Whether the text is a day-time duration such as `-P12DT23H59M59.999999999999S`.
pub(crate) fn is_duration(text: &str) -> bool {
    Duration::read(text).is_some()
}

/// Decodes base64url, with padding or without. Bits that belong to no byte are zero, so that no two texts mean the same bytes
/// ([ABNF](https://docs.oasis-open.org/odata/odata/v4.01/os/abnf/odata-abnf-construction-rules.txt), `binaryValue`).
pub(crate) fn binary(text: &str) -> Option<Vec<u8>> {
    let padded = text;
    let text = text.trim_end_matches('=');
    let mut decoded = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    let is_padded =
        text.len() == padded.len() || (padded.len() - text.len() < 3 && padded.len().is_multiple_of(4));
    let stray = bits & ((1 << held) - 1);
    (text.len() % 4 != 1 && is_padded && stray == 0).then_some(decoded)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0_u32, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_every_zone_and_form() {
        let noon = date_time_offset("2024-05-01T12:00:00Z");
        assert!(noon.is_some());
        for same in ["2024-05-01T14:00+02:00", "2024-05-01T12:00:00.000Z", "2024-05-01T02:30:00-09:30"] {
            assert_eq!(date_time_offset(same), noon, "{same}");
        }
        for same in ["2024-05-01 12:00:00", "2024-05-01T12:00", "2024-05-01 14:00:00+02:00"] {
            assert_eq!(stored_date_time(same), noon, "{same}");
        }
        for bad in ["2024-05-01T12:00:00", "2024-13-01T12:00Z", "2024-05-01T25:00Z", "yesterday", ""] {
            assert_eq!(date_time_offset(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_day_time_durations() {
        for good in ["P12DT23H59M59.999999999999S", "-P1D", "PT1H", "PT0S", "PT1M5S"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["P", "PT", "P1Y", "1D", "PT1S2M", "PT.5S", "P1DT"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn guids_are_printed_as_they_are_read() {
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(guid(&text.to_uppercase()).as_ref().map(guid_text).as_deref(), Some(text));
        assert_eq!(guid("01234567-89ab-cdef-0123-456789abcdeg"), None);
    }

    #[test]
    fn binary_is_base64url_with_padding_or_without() {
        assert_eq!(binary("Zm9vYg=="), Some(b"foob".to_vec()));
        assert_eq!(binary("Zm9vYg"), Some(b"foob".to_vec()));
        assert_eq!(binary("Zm9v"), Some(b"foo".to_vec()));
        assert_eq!(binary("-_8"), Some(vec![0xfb, 0xff]));
        for text in
            ["Z", "Zm9vYh==", "Zm9vYh", "Zm9=", "Zm9v=", "Zm9v====", "Zm9vYg=", "Zm9vYg===", "Zm 9", "="]
        {
            assert_eq!(binary(text), None, "{text}");
        }
    }
}
