//! Parsing bodies and query strings into pairs.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use zeroize::{Zeroize, Zeroizing};

use super::{MOST_PAIRS, MOST_PAIRS_OF_PAGE, Pair, Parameters};
use crate::refusal::Refusal;

/// Space for so many pairs is taken at once.
const COMMON_PAIRS: usize = 4;

impl Parameters {
    /// Parses `application/x-www-form-urlencoded`, which is also the format of a query string. A percent sign
    /// that does not start an escape stands for itself. [`Parameters::one`] refuses a value that is not
    /// UTF-8.
    ///
    /// # Errors
    /// [`Refusal::TooManyParameters`].
    pub fn from_form(text: &[u8]) -> Result<Self, Refusal> {
        Self::decoded(text, MOST_PAIRS)
    }

    /// The same for a form of one of our pages, which may have many boxes.
    ///
    /// # Errors
    /// [`Refusal::TooManyParameters`].
    pub fn from_page(text: &[u8]) -> Result<Self, Refusal> {
        Self::decoded(text, MOST_PAIRS_OF_PAGE)
    }

    fn decoded(text: &[u8], most: usize) -> Result<Self, Refusal> {
        match std::str::from_utf8(text) {
            Ok(text) => Self::pairs(text, most),
            Err(_) => Self::pairs(&in_ascii(text), most),
        }
    }

    fn pairs(text: &str, most: usize) -> Result<Self, Refusal> {
        let mut pairs = Vec::with_capacity(COMMON_PAIRS);
        let mut rest = Some(text);
        while let Some(text) = rest {
            let (pair, after) = split_once(text, b'&');
            rest = after;
            if pair.is_empty() {
                continue;
            }
            if pairs.len() == most {
                return Err(Refusal::TooManyParameters);
            }
            let (name, value) = split_once(pair, b'=');
            let (name, _) = decoded(name);
            let (value, is_utf8) = decoded(value.unwrap_or_default());
            pairs.push(Pair { name, value, is_utf8 });
        }
        Ok(Self { pairs })
    }

    /// Parses a JSON object whose members are strings.
    ///
    /// # Errors
    /// [`Refusal::NotAJsonObject`], [`Refusal::NotAString`], [`Refusal::TooManyParameters`].
    pub fn from_json(text: &[u8]) -> Result<Self, Refusal> {
        let mut json = serde_json::Deserializer::from_slice(text);
        let members = json.deserialize_map(Members).map_err(|_| Refusal::NotAJsonObject)?;
        json.end().map_err(|_| Refusal::NotAJsonObject)?;
        let pairs: Option<Vec<_>> = members.into_iter().map(|(name, value)| Some((name, value?))).collect();
        Self::new(pairs.ok_or(Refusal::NotAString)?)
    }
}

/// Decodes one name or value of the form encoding.
///
/// # Errors
/// [`Refusal::NotUtf8`].
pub(crate) fn form_decoded(text: &str) -> Result<String, Refusal> {
    let (decoded, is_utf8) = decoded(text);
    if is_utf8 { Ok(decoded) } else { Err(Refusal::NotUtf8) }
}

/// Decodes one name or value of the form encoding; also returns whether it was UTF-8.
fn decoded(text: &str) -> (String, bool) {
    // No part of a password is left behind in memory: no buffer grows.
    if memchr::memchr2(b'+', b'%', text.as_bytes()).is_none() {
        return (text.to_owned(), true);
    }
    match String::from_utf8(unescaped(text.as_bytes())) {
        Ok(text) => (text, true),
        Err(error) => {
            let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
            error.into_bytes().zeroize();
            (shown, false)
        }
    }
}

/// The same form, with every byte beyond ASCII escaped.
fn in_ascii(form: &[u8]) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(3 * form.len()));
    for &byte in form {
        if byte.is_ascii() {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(percent_encoding::percent_encode_byte(byte));
        }
    }
    escaped
}

/// The bytes for which a text of the form encoding stands. Escapes are usually close together, and a plain loop finds the next
/// one sooner than a search for long texts.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'+' | b'%')) {
        let (plain, from) = rest.split_at(at);
        bytes.extend_from_slice(plain);
        let after = &from[1..];
        let is_space = from[0] == b'+';
        let escaped = if is_space { Some((b' ', after)) } else { octet(after) };
        let (byte, after) = escaped.unwrap_or((b'%', after));
        bytes.push(byte);
        rest = after;
    }
    bytes.extend_from_slice(rest);
    bytes
}

/// The byte that two hexadecimal digits write, and what follows them.
fn octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], after) = text.split_first_chunk::<2>()?;
    let (high, low) = (DIGITS[usize::from(high)], DIGITS[usize::from(low)]);
    // Only a byte that is no digit has one of the upper bits.
    (high | low < 16).then_some((high << 4 | low, after))
}

/// The values of the hexadecimal digits; 255 for every other byte.
const DIGITS: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};

/// What is before and after the first such byte, which is an ASCII character.
fn split_once(text: &str, separator: u8) -> (&str, Option<&str>) {
    match memchr::memchr(separator, text.as_bytes()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Keeps every member in order, so that repetitions are detected; `None` stands for a value that is not a
/// string.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Option<String>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            let text = if let serde_json::Value::String(text) = value { Some(text) } else { None };
            members.push((name, text));
        }
        Ok(members)
    }
}
