//! From a JSON value to the value of a property ([JSON Format
//! §7.1](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_PrimitiveValue)).

use super::json::JsonValue;
use crate::duration::Duration;
use crate::edm_type::EdmType;
use crate::literal;
use crate::tree::typed::Constant;

/// The maximum number of digits of a decimal number, exponents written out.
const MOST_DIGITS: usize = 400;

/// The value of a type that JSON represents; `None` if it represents none. `numbers_as_text` is
/// `IEEE754Compatible=true`.
pub(super) fn read(ty: EdmType, json: &JsonValue<'_>, numbers_as_text: bool) -> Option<Constant> {
    let text = || if let JsonValue::Text(text) = json { Some(text.as_str()) } else { None };
    match ty {
        EdmType::Boolean => match json {
            JsonValue::Boolean(value) => Some(Constant::Boolean(*value)),
            _ => None,
        },
        EdmType::Int64 => integer(ty, number(json, numbers_as_text)?),
        EdmType::Byte | EdmType::SByte | EdmType::Int16 | EdmType::Int32 => integer(ty, number(json, false)?),
        EdmType::Decimal { precision, scale } => {
            let written = written_out(number(json, numbers_as_text)?)?;
            fits(&written, precision, scale).then_some(Constant::Decimal(written))
        }
        EdmType::Single => double(json)
            .filter(|value| !value.is_finite() || value.abs() <= f32::MAX.into())
            .map(Constant::Double),
        EdmType::Double => double(json).map(Constant::Double),
        EdmType::String { max_length } => {
            let text = text()?;
            let is_short = max_length
                .is_none_or(|most| text.chars().count() <= usize::try_from(most).unwrap_or(usize::MAX));
            is_short.then(|| Constant::String(text.to_owned()))
        }
        _ => written(ty, text()?),
    }
}

/// The value of a type whose values are written as text.
fn written(ty: EdmType, text: &str) -> Option<Constant> {
    Some(match ty {
        EdmType::Guid => Constant::Guid(literal::guid(text)?),
        EdmType::Date => Constant::Date(literal::date(text)?),
        EdmType::TimeOfDay => Constant::TimeOfDay(literal::time_of_day(text)?),
        EdmType::DateTimeOffset => Constant::DateTimeOffset(literal::date_time_offset(text)?),
        EdmType::Duration => Constant::Duration(Duration::read(text)?.text()),
        EdmType::Binary => Constant::Binary(literal::binary(text)?),
        _ => return None,
    })
}

/// The value of a type in its raw form, as `/$value` shows it.
pub(super) fn raw(ty: EdmType, bytes: &[u8]) -> Option<Constant> {
    if ty == EdmType::Binary {
        return Some(Constant::Binary(bytes.to_vec()));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    match ty {
        EdmType::String { .. } => read(ty, &JsonValue::Text(text.to_owned()), false),
        EdmType::Boolean => Some(Constant::Boolean(text.parse().ok()?)),
        EdmType::Byte | EdmType::SByte | EdmType::Int16 | EdmType::Int32 | EdmType::Int64 => {
            integer(ty, text)
        }
        EdmType::Single | EdmType::Double if matches!(text, "INF" | "-INF" | "NaN") => {
            read(ty, &JsonValue::Text(text.to_owned()), false)
        }
        EdmType::Decimal { .. } | EdmType::Single | EdmType::Double => match super::json::read(text) {
            Ok(number @ JsonValue::Number(_)) => read(ty, &number, false),
            _ => None,
        },
        _ => written(ty, text),
    }
}

fn number<'j>(json: &'j JsonValue<'_>, or_text: bool) -> Option<&'j str> {
    match json {
        JsonValue::Number(text) => Some(text),
        JsonValue::Text(text) if or_text => match super::json::read(text) {
            Ok(JsonValue::Number(number)) if number.len() == text.len() => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn integer(ty: EdmType, text: &str) -> Option<Constant> {
    let (min, max) = ty.bounds()?;
    let value: i64 = text.parse().ok()?;
    (min..=max).contains(&value).then_some(Constant::Integer(value))
}

/// Text stands for the values that JSON has no numbers for.
fn double(json: &JsonValue<'_>) -> Option<f64> {
    match json {
        JsonValue::Number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
        JsonValue::Text(text) => match text.as_str() {
            "INF" => Some(f64::INFINITY),
            "-INF" => Some(f64::NEG_INFINITY),
            "NaN" => Some(f64::NAN),
            _ => None,
        },
        _ => None,
    }
}

/// How many digits after the second a value has; none if it has no seconds.
pub(super) fn digits_after_second(value: &Constant) -> usize {
    let text = match value {
        Constant::TimeOfDay(clock) => clock.text(),
        Constant::DateTimeOffset(moment) => moment.text(),
        Constant::Duration(text) => text.clone(),
        _ => return 0,
    };
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.trim_end_matches('S').trim_end_matches('0').len()
}

/// A number without an exponent, and without digits that do not matter.
pub(super) fn written_out(number: &str) -> Option<String> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let most = i32::try_from(MOST_DIGITS).ok()?;
    if all.len() > MOST_DIGITS || !(-most..=most).contains(&point) {
        return None;
    }
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let length = i32::try_from(all.len()).ok()?;
    let padded = format!("{}{all}{}", zeros(-point), zeros(point - length));
    let (whole, fraction) = padded.split_at(usize::try_from(point.max(0)).ok()?);
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if whole == "0" && fraction.is_empty() { "" } else { sign };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Whether a decimal number has no more digits than its type.
fn fits(written: &str, precision: Option<u16>, scale: Option<u16>) -> bool {
    let digits = written.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let after = scale.map_or(fraction.len(), usize::from);
    fraction.len() <= after && precision.is_none_or(|precision| whole.len() + after <= usize::from(precision))
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    const DECIMAL: EdmType = EdmType::Decimal { precision: Some(5), scale: Some(2) };

    fn value(ty: EdmType, text: &str) -> Option<Constant> {
        read(ty, &json::read(text).unwrap(), false)
    }

    #[test]
    fn values_are_read_by_their_type() {
        let text = EdmType::String { max_length: Some(3) };
        let decimal = |text: &str| Some(Constant::Decimal(text.to_owned()));
        for (ty, json, expected) in [
            (EdmType::Boolean, "true", Some(Constant::Boolean(true))),
            (EdmType::Boolean, "1", None),
            (EdmType::Byte, "255", Some(Constant::Integer(255))),
            (EdmType::Byte, "256", None),
            (EdmType::Int32, "1.0", None),
            (EdmType::Int32, "\"1\"", None),
            (EdmType::Int64, "9223372036854775807", Some(Constant::Integer(i64::MAX))),
            (EdmType::Int64, "9223372036854775808", None),
            (DECIMAL, "123.45", decimal("123.45")),
            (DECIMAL, "1.5e1", decimal("15")),
            (DECIMAL, "-0.050", decimal("-0.05")),
            (DECIMAL, "-0", decimal("0")),
            (DECIMAL, "1e-2", decimal("0.01")),
            (DECIMAL, "1.234", None),
            (DECIMAL, "1000", None),
            (DECIMAL, "1e99999999", None),
            (DECIMAL, "1e9999999999999", None),
            (EdmType::Double, "1e999", None),
            (EdmType::Double, "\"-INF\"", Some(Constant::Double(f64::NEG_INFINITY))),
            (EdmType::Single, "1e39", None),
            (text, "\"äöü\"", Some(Constant::String("äöü".to_owned()))),
            (text, "\"abcd\"", None),
            (text, "5", None),
            (EdmType::Guid, "\"x\"", None),
            (EdmType::Date, "\"2024-02-30\"", None),
            (EdmType::DateTimeOffset, "\"2024-02-03T10:00:00\"", None),
            (EdmType::Duration, "\"PT60S\"", Some(Constant::Duration("PT1M".to_owned()))),
            (EdmType::Binary, "\"Zm9v\"", Some(Constant::Binary(b"foo".to_vec()))),
            (EdmType::Binary, "\"Z\"", None),
        ] {
            assert_eq!(value(ty, json), expected, "{ty:?} {json}");
        }
        let text = json::read("\"12.5\"").unwrap();
        assert_eq!(read(DECIMAL, &text, true), decimal("12.5"));
        assert_eq!(read(EdmType::Int64, &json::read("\" 1\"").unwrap(), true), None);
    }

    #[test]
    fn the_digits_after_the_second_are_those_that_matter() {
        for (ty, text, expected) in [
            (EdmType::DateTimeOffset, "2024-02-29T10:03:00.120Z", 2),
            (EdmType::DateTimeOffset, "2024-02-29T10:03:00Z", 0),
            (EdmType::TimeOfDay, "10:03:00.000001", 6),
            (EdmType::Duration, "PT1M0.5S", 1),
            (EdmType::Duration, "PT1M", 0),
            (EdmType::Date, "2024-02-29", 0),
        ] {
            assert_eq!(digits_after_second(&written(ty, text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn raw_values_are_those_of_the_text_alone() {
        assert_eq!(raw(EdmType::Int32, b"7"), Some(Constant::Integer(7)));
        assert_eq!(raw(EdmType::Int32, b"7 "), None);
        assert_eq!(raw(EdmType::Boolean, b"true"), Some(Constant::Boolean(true)));
        assert_eq!(
            raw(EdmType::String { max_length: None }, b"\"a"),
            Some(Constant::String("\"a".to_owned()))
        );
        assert_eq!(raw(DECIMAL, b"1.50"), Some(Constant::Decimal("1.5".to_owned())));
        assert_eq!(raw(EdmType::Double, b"INF"), Some(Constant::Double(f64::INFINITY)));
        assert_eq!(raw(EdmType::Binary, b"\xff"), Some(Constant::Binary(vec![0xff])));
        assert_eq!(raw(EdmType::String { max_length: None }, b"\xff"), None);
    }
}
