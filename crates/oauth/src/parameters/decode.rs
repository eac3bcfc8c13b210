//! From bodies and query strings to pairs.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::{MOST_PAIRS, Parameters};
use crate::refusal::Refusal;

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`, which is also the form of a query string. A percent sign that begins
    /// no escape stands for itself.
    ///
    /// # Errors
    /// [`Refusal::NotUtf8`] and [`Refusal::TooManyParameters`].
    pub fn from_form(text: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(text).map_err(|_| Refusal::NotUtf8)?;
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MOST_PAIRS {
                return Err(Refusal::TooManyParameters);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((form_decoded(name)?, form_decoded(value)?));
        }
        Ok(Self { pairs })
    }

    /// Reads a JSON object whose members are strings.
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

/// One name or value of the form encoding.
///
/// # Errors
/// [`Refusal::NotUtf8`].
pub(crate) fn form_decoded(text: &str) -> Result<String, Refusal> {
    if !text.bytes().any(|byte| matches!(byte, b'+' | b'%')) {
        return Ok(text.to_owned());
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| Refusal::NotUtf8)?;
    Ok(decoded.into_owned())
}

/// Keeps every member in order, so that repeated ones are seen; `None` stands for what is no string.
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
