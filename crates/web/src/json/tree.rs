//! Parsing JSON text into a tree.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;
use zeroize::Zeroize;

/// Deeper nesting is refused.
const DEEPEST: usize = 32;

/// A parsed value. Members keep their order, and no name is repeated in an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`, which counts as an omitted member.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer or a fraction.
    Number(Number),
    /// Any text, control characters included.
    String(String),
    /// Values in order.
    Array(Vec<Json>),
    /// Members in order.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The type with its article, for a sentence.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

impl Json {
    /// Wipes every string, because one of them may be a password. Parsing has limited the nesting.
    pub(crate) fn wipe(&mut self) {
        match self {
            Self::String(text) => text.zeroize(),
            Self::Array(values) => values.iter_mut().for_each(Self::wipe),
            Self::Object(members) => members.iter_mut().for_each(|(_, value)| value.wipe()),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

/// Displays as compact JSON.
impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Why bytes are not acceptable JSON; displays as a sentence with line and column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// Parses one JSON value ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
///
/// # Errors
/// Syntax errors, invalid UTF-8, numbers outside the range of a double, a repeated member, more than 32
/// levels.
pub fn parse(bytes: &[u8]) -> Result<Json, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let json = Level(0).deserialize(&mut deserializer).map_err(|error| Malformed(error.to_string()))?;
    deserializer.end().map_err(|error| Malformed(error.to_string()))?;
    Ok(json)
}

fn not_utf8(bytes: &[u8], at: usize) -> Malformed {
    let before = &bytes[..at];
    let line = before.split(|byte| *byte == b'\n').count();
    let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len) + 1;
    Malformed(format!("the text is not valid UTF-8 at line {line} column {column}"))
}

/// Parses a value at this depth.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.0 < DEEPEST {
            Ok(Self(self.0 + 1))
        } else {
            Err(E::custom(format_args!("values are nested deeper than {DEEPEST} levels")))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(Name(name)) = members.next_key()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("the member {:?} is given twice", brief(&name))));
            }
            object.push((name, members.next_value_seed(inner)?));
        }
        Ok(Json::Object(object))
    }
}

/// The name of a member.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// A text, shortened to fit into a sentence.
pub(super) fn brief(text: &str) -> String {
    const MOST: usize = 64;
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(MOST).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &[u8]) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_repeated_member_is_refused_at_every_depth() {
        assert_eq!(complaint(br#"{"a":1,"a":1}"#), r#"the member "a" is given twice at line 1 column 10"#);
        assert!(complaint(br#"[{"b":{"a":1,"\u0061":2}}]"#).contains(r#""a" is given twice"#));
    }

    #[test]
    fn nesting_is_limited_to_32_levels() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(complaint(nested(33).as_bytes()).contains("deeper than 32 levels"));
        assert!(complaint("[".repeat(100_000).as_bytes()).contains("deeper than 32 levels"));
        assert!(complaint("{\"a\":".repeat(100_000).as_bytes()).contains("deeper than 32 levels"));
    }

    #[test]
    fn a_syntax_error_has_its_line_and_column() {
        assert!(complaint(b"{\n  \"a\": }").ends_with("at line 2 column 8"));
        assert!(complaint(b"{} x").ends_with("at line 1 column 4"));
        assert!(complaint(b"").contains("line 1"));
    }

    #[test]
    fn invalid_utf_8_and_lone_surrogates_are_refused() {
        assert_eq!(complaint(b"{\n\"a\": \"\xff\"}"), "the text is not valid UTF-8 at line 2 column 7");
        assert!(parse(br#""\ud800""#).is_err());
    }

    #[test]
    fn a_number_outside_the_range_of_a_double_is_refused() {
        assert!(complaint(b"1e999").starts_with("number out of range"));
        assert!(
            parse(b"123456789012345678901234567890").is_ok(),
            "it is a number, whether or not a member takes it"
        );
    }

    #[test]
    fn a_byte_order_mark_is_accepted() {
        assert_eq!(parse(b"\xef\xbb\xbftrue"), Ok(Json::Bool(true)));
    }
}
