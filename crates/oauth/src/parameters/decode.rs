//! Parsing bodies and query strings into pairs.

use std::fmt;

use percent_encoding::percent_decode;
use serde::de::{Deserializer, MapAccess, Visitor};
use zeroize::{Zeroize, Zeroizing};

use super::{MOST_PAIRS, MOST_PAIRS_OF_PAGE, Pair, Parameters};
use crate::refusal::Refusal;

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
        let mut pairs = Vec::new();
        for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == most {
                return Err(Refusal::TooManyParameters);
            }
            let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, _) = decoded(&pair[..end]);
            let (value, is_utf8) = decoded(pair.get(end + 1..).unwrap_or_default());
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
    let (decoded, is_utf8) = decoded(text.as_bytes());
    if is_utf8 { Ok(decoded) } else { Err(Refusal::NotUtf8) }
}

/// Decodes one name or value of the form encoding; also returns whether it was UTF-8.
fn decoded(text: &[u8]) -> (String, bool) {
    // No part of a password is left behind in memory: no buffer grows, and intermediate ones are wiped.
    let bytes = if text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        let mut spaced = Zeroizing::new(Vec::with_capacity(text.len()));
        spaced.extend(text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }));
        let mut bytes = Vec::with_capacity(text.len());
        bytes.extend(percent_decode(&spaced));
        bytes
    } else {
        text.to_vec()
    };
    match String::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
            error.into_bytes().zeroize();
            (shown, false)
        }
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
