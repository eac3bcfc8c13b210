//! JSON texts of requests, read strictly ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)): no member twice, numbers as
//! they are written, a bounded depth.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// The maximum depth of arrays and objects.
const DEEPEST: usize = 16;

/// A value. It borrows from the text where nothing is escaped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonValue<'t> {
    Null,
    Boolean(bool),
    /// As it is written.
    Number(&'t str),
    Text(Cow<'t, str>),
    List(Vec<JsonValue<'t>>),
    Object(Vec<(String, JsonValue<'t>)>),
}

/// Why a text is not JSON, with the byte offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonFault {
    /// Something else was expected here.
    Malformed(usize),
    /// A member of an object has the name of an earlier one.
    Twice(String),
    /// It is nested too deeply.
    TooDeep,
}

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<JsonValue<'_>, JsonFault> {
    let mut reader = JsonText { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at == text.len() { Ok(value) } else { Err(reader.malformed()) }
}

/// Where the bodies of the requests in a JSON batch are, in order; `None` for a request without one. The text is known to be
/// JSON; bodies that are nested too deeply are not found.
pub fn bodies_of_batch(text: &str) -> Vec<Option<Range<usize>>> {
    let mut reader = JsonText { text, at: 0 };
    let mut bodies = Vec::new();
    let requests = reader.members(&mut |reader, name| {
        if name != "requests" {
            return reader.value(0).map(drop);
        }
        reader.items(&mut |reader| {
            let mut body = None;
            reader.members(&mut |reader, name| {
                reader.blanks();
                let start = reader.at;
                reader.value(0)?;
                if name == "body" {
                    body = Some(start..reader.at);
                }
                Ok(())
            })?;
            bodies.push(body);
            Ok(())
        })
    });
    if requests.is_ok() { bodies } else { Vec::new() }
}

struct JsonText<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> JsonText<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn malformed(&self) -> JsonFault {
        JsonFault::Malformed(self.at)
    }

    fn blanks(&mut self) {
        let blanks = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += blanks.count();
    }

    /// Takes a byte if it is the next one.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.next() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonFault> {
        if self.takes(byte) { Ok(()) } else { Err(self.malformed()) }
    }

    fn word(&mut self, word: &str, value: JsonValue<'t>) -> Result<JsonValue<'t>, JsonFault> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<JsonValue<'t>, JsonFault> {
        if depth > DEEPEST {
            return Err(JsonFault::TooDeep);
        }
        self.blanks();
        match self.next() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(JsonValue::Text),
            Some(b't') => self.word("true", JsonValue::Boolean(true)),
            Some(b'f') => self.word("false", JsonValue::Boolean(false)),
            Some(b'n') => self.word("null", JsonValue::Null),
            _ => self.number(),
        }
    }

    /// Reads an object; `value` reads the value of each member.
    fn members(
        &mut self,
        value: &mut dyn FnMut(&mut Self, &str) -> Result<(), JsonFault>,
    ) -> Result<(), JsonFault> {
        self.blanks();
        self.expect(b'{')?;
        self.blanks();
        if self.takes(b'}') {
            return Ok(());
        }
        loop {
            self.blanks();
            let name = self.string()?;
            self.blanks();
            self.expect(b':')?;
            value(self, &name)?;
            self.blanks();
            if self.takes(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Reads a list; `item` reads each item.
    fn items(&mut self, item: &mut dyn FnMut(&mut Self) -> Result<(), JsonFault>) -> Result<(), JsonFault> {
        self.blanks();
        self.expect(b'[')?;
        self.blanks();
        if self.takes(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            self.blanks();
            if self.takes(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<JsonValue<'t>, JsonFault> {
        let mut members: Vec<(String, JsonValue<'t>)> = Vec::new();
        self.members(&mut |reader, name| {
            members.push((name.to_owned(), reader.value(depth + 1)?));
            Ok(())
        })?;
        let mut seen = HashSet::with_capacity(members.len());
        match members.iter().find(|(name, _)| !seen.insert(name.as_str())) {
            Some((name, _)) => Err(JsonFault::Twice(name.clone())),
            None => Ok(JsonValue::Object(members)),
        }
    }

    fn list(&mut self, depth: usize) -> Result<JsonValue<'t>, JsonFault> {
        let mut items = Vec::new();
        self.items(&mut |reader| {
            items.push(reader.value(depth + 1)?);
            Ok(())
        })?;
        Ok(JsonValue::List(items))
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.malformed()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<JsonValue<'t>, JsonFault> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            if !self.takes(b'-') {
                self.takes(b'+');
            }
            self.digits()?;
        }
        self.text.get(start..self.at).map(JsonValue::Number).ok_or_else(|| self.malformed())
    }

    fn string(&mut self) -> Result<Cow<'t, str>, JsonFault> {
        self.expect(b'"')?;
        let mut written = String::new();
        loop {
            let start = self.at;
            let plain = self.rest().iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f));
            self.at += plain.count();
            let plain = self.text.get(start..self.at).unwrap_or_default();
            if self.takes(b'"') {
                if written.is_empty() {
                    return Ok(Cow::Borrowed(plain));
                }
                written.push_str(plain);
                return Ok(Cow::Owned(written));
            }
            written.push_str(plain);
            self.expect(b'\\')?;
            written.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, JsonFault> {
        let letter = self.next().ok_or_else(|| self.malformed())?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.malformed()),
        })
    }

    /// `\uD83D\uDE00` is one character.
    fn unicode(&mut self) -> Result<char, JsonFault> {
        let first = self.four_digits()?;
        if let 0xd800..=0xdbff = first {
            self.expect(b'\\')?;
            self.expect(b'u')?;
            let second = self.four_digits()?;
            let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
            let code = low.map(|low| 0x1_0000 + ((first - 0xd800) << 10) + low);
            return code.and_then(char::from_u32).ok_or_else(|| self.malformed());
        }
        char::from_u32(first).ok_or_else(|| self.malformed())
    }

    fn four_digits(&mut self) -> Result<u32, JsonFault> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number =
            digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or_else(|| self.malformed())?;
        self.at += 4;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_agrees_with_another_one() {
        for text in [
            "{}",
            "[]",
            " { \"a\" : [ 1 , -0.5e+3, true,false , null ] } ",
            "\"\"",
            "\"a\\u00e4\\ud83d\\ude00\\n\\/\"",
            "0",
            "-0",
            "1e5",
            "\"\u{e4}\"",
        ] {
            let other: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(as_serde(&read(text).unwrap()), other, "{text}");
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
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
            assert!(matches!(read(text), Err(JsonFault::Malformed(_))), "{text}");
        }
    }

    fn as_serde(json: &JsonValue<'_>) -> serde_json::Value {
        match json {
            JsonValue::Null => serde_json::Value::Null,
            JsonValue::Boolean(value) => (*value).into(),
            JsonValue::Number(text) => serde_json::from_str(text).unwrap(),
            JsonValue::Text(text) => (&**text).into(),
            JsonValue::List(items) => items.iter().map(as_serde).collect(),
            JsonValue::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), as_serde(value))).collect()
            }
        }
    }

    #[test]
    fn the_bodies_of_a_batch_are_found_as_they_are_written() {
        let text =
            r#"{"x": [1], "requests": [{"id": "1", "body": {"a": 1.50}}, {"id": "2"}, {"body" : null}]}"#;
        let bodies: Vec<_> =
            bodies_of_batch(text).into_iter().map(|body| body.map(|body| &text[body])).collect();
        assert_eq!(bodies, [Some(r#"{"a": 1.50}"#), None, Some("null")]);
        assert!(bodies_of_batch("{\"requests\":[{").is_empty());
    }

    #[test]
    fn a_member_that_comes_twice_and_a_deep_value_are_refused() {
        assert_eq!(read("{\"a\":1,\"\\u0061\":2}"), Err(JsonFault::Twice("a".to_owned())));
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(DEEPEST + 1)).is_ok());
        assert_eq!(read(&nested(DEEPEST + 2)), Err(JsonFault::TooDeep));
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
