//! Durations of days, hours, minutes and seconds; months and years have no fixed length ([CSDL
//! §3.3](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_PrimitiveTypes)).

use std::fmt::Write as _;

/// Picoseconds in a second.
const SECOND: i128 = 1_000_000_000_000;
/// The number of fractional digits of a second that are kept; further digits are cut off.
const FRACTION_DIGITS: usize = 12;
/// The maximum number of digits of a number.
const MOST_DIGITS: usize = 18;

/// A length of time. The same duration can be written in several ways: a minute is 60 seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Duration {
    picoseconds: i128,
}

impl Duration {
    /// Parses `-P12DT23H59M59.999999999999S`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let rest = rest.strip_prefix('P')?;
        let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
        let days = match days {
            "" => 0,
            days => number(days.strip_suffix('D')?)? * 86_400 * SECOND,
        };
        let time = match time {
            Some(time) => read_time(time)?,
            None if rest.is_empty() => return None,
            None => 0,
        };
        Some(Self { picoseconds: sign * (days + time) })
    }

    /// A duration of this many picoseconds.
    pub(crate) fn of_picoseconds(picoseconds: i128) -> Self {
        Self { picoseconds }
    }

    /// Its length in picoseconds.
    pub(crate) fn picoseconds(self) -> i128 {
        self.picoseconds
    }

    /// Its length in seconds, as a decimal number.
    pub(crate) fn seconds(self) -> String {
        let picoseconds = self.picoseconds.unsigned_abs();
        let (seconds, fraction) = (picoseconds / SECOND as u128, picoseconds % SECOND as u128);
        let sign = if self.picoseconds < 0 { "-" } else { "" };
        let text = format!("{sign}{seconds}.{fraction:012}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// The canonical text of all durations of the same length, such as `PT1M`.
    pub(crate) fn text(self) -> String {
        let (seconds, fraction) = (
            self.picoseconds.unsigned_abs() / SECOND as u128,
            self.picoseconds.unsigned_abs() % SECOND as u128,
        );
        let mut text = String::from(if self.picoseconds < 0 { "-P" } else { "P" });
        let days = seconds / 86_400;
        if days > 0 {
            let _ = write!(text, "{days}D");
        }
        let time = seconds % 86_400;
        if time > 0 || fraction > 0 || days == 0 {
            text.push('T');
        }
        for (count, unit) in [(time / 3600, 'H'), (time / 60 % 60, 'M')] {
            if count > 0 {
                let _ = write!(text, "{count}{unit}");
            }
        }
        if time % 60 > 0 || fraction > 0 || seconds == 0 {
            let _ = write!(text, "{}", time % 60);
            if fraction > 0 {
                let _ = write!(text, ".{fraction:012}");
                text.truncate(text.trim_end_matches('0').len());
            }
            text.push('S');
        }
        text
    }

    /// A text that sorts in the order of the durations.
    pub(crate) fn ordered(self) -> String {
        format!("{:032x}", self.picoseconds.cast_unsigned() ^ (1 << 127))
    }

    /// Parses the result of [`ordered`](Self::ordered).
    pub(crate) fn of_ordered(text: &str) -> Option<Self> {
        let bits = u128::from_str_radix(text, 16).ok()?;
        Some(Self { picoseconds: (bits ^ (1 << 127)).cast_signed() })
    }
}

/// Parses `23H59M59.9S`.
fn read_time(text: &str) -> Option<i128> {
    let (mut rest, mut sum) = (text, 0);
    for (unit, seconds) in [('H', 3600), ('M', 60)] {
        if let Some((count, after)) = rest.split_once(unit) {
            sum += number(count)? * seconds * SECOND;
            rest = after;
        }
    }
    if rest.is_empty() {
        return (!text.is_empty()).then_some(sum);
    }
    let seconds = rest.strip_suffix('S')?;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(FRACTION_DIGITS)];
    Some(sum + number(whole)? * SECOND + number(&format!("{kept:0<FRACTION_DIGITS$}"))?)
}

fn number(digits: &str) -> Option<i128> {
    let is_number =
        (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_texts_of_a_duration_are_read_as_the_same() {
        for (text, same) in [
            ("PT60S", "PT1M"),
            ("PT0060.000S", "PT1M"),
            ("+PT24H", "P1D"),
            ("P1DT0S", "P1D"),
            ("-PT90M", "-PT1H30M"),
            ("PT0.50S", "PT0.5S"),
            ("-P0D", "PT0S"),
            ("PT3661.000000000001S", "PT1H1M1.000000000001S"),
            ("P1DT1S", "P1DT1S"),
        ] {
            let read = Duration::read(text).unwrap();
            assert_eq!(read.text(), same);
            assert_eq!(Duration::read(same), Some(read));
            assert_eq!(Duration::of_ordered(&read.ordered()), Some(read));
        }
        for bad in ["", "P", "PT", "--P1D", "P1Y", "PT1.S", "PT1M1", "P1234567890123456789D", "PT1H1H"] {
            assert_eq!(Duration::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn ordered_texts_are_in_the_order_of_the_durations() {
        let texts =
            ["-P2D", "-PT25H", "-PT0.1S", "PT0S", "PT0.000000000001S", "PT9S", "PT10S", "PT1M", "P1D"];
        let ordered: Vec<String> = texts.iter().map(|text| Duration::read(text).unwrap().ordered()).collect();
        assert!(ordered.is_sorted(), "{ordered:?}");
    }
}
