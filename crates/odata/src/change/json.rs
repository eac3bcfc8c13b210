//! JSON texts of requests, read strictly: no member twice, and numbers as they are written.

use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::named_members::NamedMembers;

/// A value. Its content is read when it is needed, so no depth costs anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonValue<'t> {
    Null,
    Boolean(bool),
    /// As it is written.
    Number(&'t str),
    Text(String),
    List(ListText<'t>),
    Object(ObjectText<'t>),
}

/// The text of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListText<'t>(&'t str);

/// The text of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ObjectText<'t>(&'t str);

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonFault {
    /// Something else was expected in this line and column.
    Malformed(usize, usize),
    /// A member of an object has the name of an earlier one.
    Twice(String),
}

impl From<serde_json::Error> for JsonFault {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.line(), error.column())
    }
}

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<JsonValue<'_>, JsonFault> {
    value(serde_json::from_str(text)?)
}

fn value(raw: &RawValue) -> Result<JsonValue<'_>, JsonFault> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'"') => JsonValue::Text(serde_json::from_str(text)?),
        Some(b't') => JsonValue::Boolean(true),
        Some(b'f') => JsonValue::Boolean(false),
        Some(b'n') => JsonValue::Null,
        Some(b'[') => JsonValue::List(ListText(text)),
        Some(b'{') => JsonValue::Object(ObjectText(text)),
        _ => JsonValue::Number(text),
    })
}

impl<'t> ListText<'t> {
    /// The items, in their order.
    pub(crate) fn items(self) -> Result<Vec<JsonValue<'t>>, JsonFault> {
        let items: Vec<&RawValue> = serde_json::from_str(self.0)?;
        items.into_iter().map(value).collect()
    }
}

impl<'t> ObjectText<'t> {
    /// The members, in their order.
    pub(crate) fn members(self) -> Result<Vec<(String, JsonValue<'t>)>, JsonFault> {
        let members: NamedMembers<&RawValue> = serde_json::from_str(self.0)?;
        let members = members.0;
        let mut seen = HashSet::with_capacity(members.len());
        if let Some((name, _)) = members.iter().find(|(name, _)| !seen.insert(name.as_str())) {
            return Err(JsonFault::Twice(name.clone()));
        }
        members.into_iter().map(|(name, raw)| Ok((name, value(raw)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_strictly() {
        for (text, expected) in [
            ("{}", JsonValue::Object(ObjectText("{}"))),
            ("[]", JsonValue::List(ListText("[]"))),
            ("\"\"", JsonValue::Text(String::new())),
            ("\"a\\u00e4\\ud83d\\ude00\\n\\/\"", JsonValue::Text("aä😀\n/".to_owned())),
            ("\"\u{e4}\"", JsonValue::Text("ä".to_owned())),
            ("0", JsonValue::Number("0")),
            ("-0", JsonValue::Number("-0")),
            (" 1e5 ", JsonValue::Number("1e5")),
            ("12345678901234567890.1234567890", JsonValue::Number("12345678901234567890.1234567890")),
            ("true", JsonValue::Boolean(true)),
            ("false", JsonValue::Boolean(false)),
            ("null", JsonValue::Null),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "--1",
            "1e",
            "\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\u12\"",
            "\"\t\"",
            "nul",
            "1 2",
            "'a'",
            "\"\\udc00\"",
            "\u{feff}1",
        ] {
            assert!(matches!(read(text), Err(JsonFault::Malformed(..))), "{text}");
        }
    }

    fn members(text: &str) -> Result<Vec<(String, JsonValue<'_>)>, JsonFault> {
        let Ok(JsonValue::Object(object)) = read(text) else { panic!("{text}") };
        object.members()
    }

    #[test]
    fn members_are_in_order_and_none_comes_twice() {
        let found = members(" { \"a\" : [ 1 , -0.5e+3, true,false , null ] , \"b\": 1.50 } ").unwrap();
        assert_eq!(
            found,
            [
                ("a".to_owned(), JsonValue::List(ListText("[ 1 , -0.5e+3, true,false , null ]"))),
                ("b".to_owned(), JsonValue::Number("1.50")),
            ]
        );
        assert_eq!(members("{\"a\":1,\"\\u0061\":2}"), Err(JsonFault::Twice("a".to_owned())));
        assert!(matches!(members("{\"a\":\"\\ud800\"}"), Err(JsonFault::Malformed(..))));
    }

    #[test]
    fn a_list_has_its_items_in_order() {
        for (text, items) in
            [("[]", 0), ("[ \n]", 0), ("[[]]", 1), ("[ 1]", 1), ("[\"]\"]", 1), ("[1,{},[2,3]]", 3)]
        {
            let Ok(JsonValue::List(list)) = read(text) else { panic!("{text}") };
            assert_eq!(list.items().unwrap().len(), items, "{text}");
        }
        let Ok(JsonValue::List(list)) = read("[1, \"a\"]") else { panic!() };
        assert_eq!(list.items().unwrap(), [JsonValue::Number("1"), JsonValue::Text("a".to_owned())]);
    }

    #[test]
    fn a_deep_value_costs_no_stack() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(matches!(read(&nested(100_000)), Ok(JsonValue::List(_))));
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
