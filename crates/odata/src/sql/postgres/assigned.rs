//! Values in the written form that PostgreSQL reads for the type of the column to which they are assigned.

use crate::duration::Duration;
use crate::hash::hexadecimal;
use crate::instant::date_text;
use crate::literal;
use crate::tree::typed::Constant;

/// The written form of a constant; `None` if PostgreSQL has no such value.
pub(super) fn text(constant: &Constant) -> Option<String> {
    Some(match constant {
        Constant::Boolean(value) => value.to_string(),
        Constant::Integer(value) => value.to_string(),
        Constant::Decimal(text) => text.clone(),
        Constant::Double(value) if value.is_infinite() => {
            if *value > 0.0 {
                "Infinity".to_owned()
            } else {
                "-Infinity".to_owned()
            }
        }
        Constant::Double(value) => value.to_string(),
        Constant::String(text) => Some(text.clone()).filter(|text| !text.contains('\0'))?,
        Constant::Guid(guid) => literal::guid_text(guid),
        Constant::Date(date) => date_text(*date),
        Constant::TimeOfDay(clock) => clock.text(),
        // A column without a time zone ignores the letter.
        Constant::DateTimeOffset(moment) => format!("{}Z", moment.text()),
        Constant::Duration(text) => seconds(Duration::read(text)?),
        Constant::Binary(bytes) => format!("\\x{}", hexadecimal(bytes)),
    })
}

/// `-90.5 seconds`: a sign before the letter P means something else to PostgreSQL.
fn seconds(duration: Duration) -> String {
    const SECOND: u128 = 1_000_000_000_000;
    let picoseconds = duration.picoseconds();
    let (whole, rest) = (picoseconds.unsigned_abs() / SECOND, picoseconds.unsigned_abs() % SECOND);
    let sign = if picoseconds < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:012} seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_form_that_postgresql_reads() {
        for (constant, expected) in [
            (Constant::Double(f64::NEG_INFINITY), Some("-Infinity")),
            (Constant::Double(1e21), Some("1000000000000000000000")),
            (Constant::Binary(vec![0, 255]), Some("\\x00ff")),
            (Constant::Duration("-PT1M0.5S".to_owned()), Some("-60.500000000000 seconds")),
            (Constant::String("a\0".to_owned()), None),
        ] {
            assert_eq!(text(&constant).as_deref(), expected, "{constant:?}");
        }
    }
}
