//! Parsing JSON whose objects have distinct members.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Object;

/// Parses JSON. A repeated member, at any depth, makes it malformed: two parsers could read different values ([RFC 7515
/// §4](https://www.rfc-editor.org/rfc/rfc7515#section-4), [RFC 7519
/// §4](https://www.rfc-editor.org/rfc/rfc7519#section-4)).
pub fn parse_json(json: &[u8]) -> Option<Value> {
    serde_json::from_slice(json).ok().map(|Distinct(value)| value)
}

/// The same for a JSON object.
pub fn parse_object(json: &[u8]) -> Option<Object> {
    match parse_json(json) {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// A value in which no object has a repeated member.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctVisitor).map(Distinct)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Distinct(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, Distinct(value))) = members.next_entry::<String, Distinct>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member occurs twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_parsed_as_it_is() {
        let json = r#"{"a":[1,-2,0.5,"x",null,true,{"b":{}}],"c":18446744073709551615}"#;
        let expected: Value = serde_json::from_str(json).unwrap();
        assert_eq!(parse_object(json.as_bytes()).map(Value::Object), Some(expected));
    }

    #[test]
    fn a_repeated_member_is_refused_at_any_depth() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert_eq!(parse_object(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for json in ["", "[]", "1", "null", "\"a\"", "{} {}", "{\"a\":1", "{'a':1}", "{\"a\":1e999}"] {
            assert_eq!(parse_object(json.as_bytes()), None, "{json}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(parse_object("[".repeat(5_000).as_bytes()), None, "nested too deeply");
    }
}
