//! The functions of the standard.

use super::{Trouble, Value};
use crate::decimal::Decimal;
use crate::rows::Class;

pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, Trouble> {
    if arguments.iter().any(|argument| matches!(argument, Value::Null)) {
        return Ok(Value::Null);
    }
    match arguments {
        [Value::Text(text)] => Ok(of_text(name, text)),
        [Value::Text(text), Value::Text(part)] => Ok(of_texts(name, text, part)),
        [Value::Text(text), Value::Number(start), length @ ..] if name == "substring" => {
            let place = |number: &Decimal| number.integer().ok_or(Trouble::TooLarge);
            let length = match length {
                [Value::Number(length)] => Some(place(length)?),
                _ => None,
            };
            substring(text, place(start)?, length)
        }
        [Value::Number(number)] => Ok(Value::Number(match name {
            "round" => number.round(),
            "floor" => number.floor(),
            "ceiling" => number.negative().floor().negative(),
            other => panic!("{other}"),
        })),
        [Value::Duration(microseconds)] => {
            let (seconds, fraction) = (microseconds / 1_000_000, microseconds.abs() % 1_000_000);
            let sign = if *microseconds < 0 && seconds == 0 { "-" } else { "" };
            Ok(number(&format!("{sign}{seconds}.{fraction:06}")))
        }
        [Value::Double(value)] => rounded(name, *value).map(Value::Double),
        other => panic!("{name} of {other:?}"),
    }
}

/// A value as the text that a response has for it.
pub(super) fn shown(class: Class, value: Value) -> Value {
    let trimmed = |text: &str| match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text.to_owned(),
    };
    match value {
        Value::Boolean(value) => Value::Text(value.to_string()),
        Value::Number(number) => Value::Text(number.text()),
        Value::Text(text) if class == Class::Instant => Value::Text(format!("{}Z", trimmed(&text))),
        Value::Text(text) if class == Class::Time => Value::Text(trimmed(&text)),
        other => other,
    }
}

/// A number, or a text with the digits of one, as one of a type; null if it is beyond the type.
pub(super) fn cast(ty: &str, value: Value) -> Result<Value, Trouble> {
    let bounds: [i64; 2] = match ty {
        "Decimal" => return Ok(value),
        "Double" => {
            return Ok(match value {
                Value::Number(number) => Value::Double(number.double()),
                other => other,
            });
        }
        "Byte" => [0, 255],
        "SByte" => [-128, 127],
        "Int16" => [-32_768, 32_767],
        "Int32" => [-2_147_483_648, 2_147_483_647],
        "Int64" => [i64::MIN, i64::MAX],
        other => panic!("{other}"),
    };
    let whole = match value {
        Value::Number(number) => number.round(),
        Value::Text(text) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
            let is_whole =
                (1..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            match Decimal::read(text.strip_prefix('+').unwrap_or(&text)).filter(|_| is_whole) {
                Some(whole) => whole,
                None => return Ok(Value::Null),
            }
        }
        Value::Double(value) if value.abs() < 1e30 => {
            Decimal::read(&rounded("round", value)?.to_string()).ok_or(Trouble::TooLarge)?
        }
        _ => return Ok(Value::Null),
    };
    let fits = whole.integer().is_some_and(|whole| (bounds[0]..=bounds[1]).contains(&whole));
    Ok(if fits { Value::Number(whole) } else { Value::Null })
}

fn number(digits: &str) -> Value {
    Value::Number(Decimal::read(digits).unwrap())
}

fn of_text(name: &str, text: &str) -> Value {
    // An instant begins with its date, and a time is what follows.
    let time = text.split_once('T').map_or(text, |(_, time)| time);
    let fraction = text.split_once('.').map_or("0", |(_, fraction)| fraction);
    match name {
        "length" => number(&text.chars().count().to_string()),
        "tolower" => Value::Text(text.to_lowercase()),
        "toupper" => Value::Text(text.to_uppercase()),
        "trim" => Value::Text(text.trim().to_owned()),
        "year" => number(&text[..4]),
        "month" => number(&text[5..7]),
        "day" => number(&text[8..10]),
        "hour" => number(&time[..2]),
        "minute" => number(&time[3..5]),
        "second" => number(&time[6..8]),
        "fractionalseconds" => number(&format!("0.{fraction}")),
        "date" => Value::Text(text[..10].to_owned()),
        "time" => Value::Text(time.to_owned()),
        other => panic!("{other}"),
    }
}

fn of_texts(name: &str, text: &str, part: &str) -> Value {
    match name {
        "contains" => Value::Boolean(text.contains(part)),
        "startswith" => Value::Boolean(text.starts_with(part)),
        "endswith" => Value::Boolean(text.ends_with(part)),
        "concat" => Value::Text(format!("{text}{part}")),
        "indexof" => match text.find(part) {
            Some(at) => number(&text[..at].chars().count().to_string()),
            None => number("-1"),
        },
        other => panic!("{other}"),
    }
}

/// Characters are counted from zero; a negative start counts from the end.
fn substring(text: &str, start: i64, length: Option<i64>) -> Result<Value, Trouble> {
    let characters: Vec<char> = text.chars().collect();
    let place = |number: u64| usize::try_from(number).unwrap().min(characters.len());
    let start =
        if start < 0 { characters.len() - place(start.unsigned_abs()) } else { place(start.unsigned_abs()) };
    let length = match length {
        Some(length) => usize::try_from(length).map_err(|_| Trouble::Fails)?,
        None => characters.len(),
    };
    Ok(Value::Text(characters[start..].iter().take(length).collect()))
}

/// A double is rounded as the shortest decimal number that stands for it.
fn rounded(name: &str, value: f64) -> Result<f64, Trouble> {
    match name {
        "floor" => Ok(value.floor()),
        "ceiling" => Ok(value.ceil()),
        _ if value.fract() == 0.0 || !value.is_finite() => Ok(value),
        _ if value.abs() < 1e-30 => Ok(0.0),
        _ => {
            Decimal::read(&value.to_string()).map(|decimal| decimal.round().double()).ok_or(Trouble::TooLarge)
        }
    }
}
