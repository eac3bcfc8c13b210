//! Distinguished names: their text ([RFC 4514](https://www.rfc-editor.org/rfc/rfc4514)), compared with the subject of a
//! certificate.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The keywords of [RFC 4514 §3](https://www.rfc-editor.org/rfc/rfc4514#section-3), and others that tools write, with their
/// object identifiers.
const KEYWORDS: [(&str, &str); 17] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("businessCategory", "2.5.4.15"),
    ("postalCode", "2.5.4.17"),
    ("GN", "2.5.4.42"),
    ("organizationIdentifier", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

/// The longest text in bytes.
const LONGEST: usize = 1_024;

/// An attribute in the subject of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAttribute {
    /// The object identifier of its type, as in DER.
    pub kind: Vec<u8>,
    /// The value as text; `None` if it is not text.
    pub text: Option<String>,
    /// The value in DER.
    pub der: Vec<u8>,
}

/// The attributes of one level of a name; usually one.
pub type RelativeName = Vec<NameAttribute>;

/// A text that is not a distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a distinguished name as in RFC 4514, such as CN=crane,O=Harbour,C=DE")]
pub struct InvalidName;

/// A distinguished name that an application registers.
#[derive(Clone, PartialEq, Eq)]
pub struct DistinguishedName {
    text: String,
    /// The levels in the order of the text, which is the reverse of that of certificates.
    levels: Vec<Vec<(Vec<u8>, Value)>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Der(Vec<u8>),
}

impl DistinguishedName {
    /// Reads the text of a name with at least one attribute.
    ///
    /// # Errors
    /// [`InvalidName`].
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(InvalidName);
        }
        let mut levels = vec![Vec::new()];
        let mut rest = Some(text);
        while let Some(from) = rest {
            let (kind, after) = from.split_once('=').ok_or(InvalidName)?;
            let (value, next) = value(after)?;
            levels.last_mut().ok_or(InvalidName)?.push((object_identifier(kind)?, value));
            rest = match next.chars().next() {
                None => None,
                Some(',') => {
                    levels.push(Vec::new());
                    Some(&next[1..])
                }
                Some(_) => Some(&next[1..]),
            };
        }
        Ok(Self { text: text.to_owned(), levels })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is this subject: the same levels in the same order, with the same attributes. Values are compared
    /// character by character.
    pub fn is_of(&self, subject: &[RelativeName]) -> bool {
        let same = |(level, named): (&Vec<_>, &RelativeName)| {
            level.len() == named.len()
                && level.iter().all(|attribute| named.iter().any(|named| is_same(attribute, named)))
                && named.iter().all(|named| level.iter().any(|attribute| is_same(attribute, named)))
        };
        self.levels.len() == subject.len() && self.levels.iter().zip(subject.iter().rev()).all(same)
    }
}

fn is_same((kind, value): &(Vec<u8>, Value), named: &NameAttribute) -> bool {
    *kind == named.kind
        && match value {
            Value::Text(text) => named.text.as_ref() == Some(text),
            Value::Der(der) => named.der == *der,
        }
}

/// Reads a value up to an unescaped `,` or `+`, and returns what follows it.
fn value(text: &str) -> Result<(Value, &str), InvalidName> {
    if let Some(digits) = text.strip_prefix('#') {
        let end = digits.find([',', '+']).unwrap_or(digits.len());
        let der = hexadecimal(&digits[..end]).filter(|der| !der.is_empty()).ok_or(InvalidName)?;
        return Ok((Value::Der(der), &digits[end..]));
    }
    let mut bytes = Vec::new();
    let mut rest = text;
    // The length of the value without unescaped spaces at its end.
    let mut kept = 0;
    while let Some(next) = rest.chars().next() {
        let after = &rest[next.len_utf8()..];
        match next {
            ',' | '+' => break,
            '"' | ';' | '<' | '>' | '\0' => return Err(InvalidName),
            ' ' if bytes.is_empty() => return Err(InvalidName),
            '\\' => {
                rest = escaped(after, &mut bytes)?;
                kept = bytes.len();
            }
            _ => {
                bytes.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
                if next != ' ' {
                    kept = bytes.len();
                }
                rest = after;
            }
        }
    }
    if kept == 0 || kept < bytes.len() {
        return Err(InvalidName);
    }
    Ok((Value::Text(String::from_utf8(bytes).map_err(|_| InvalidName)?), rest))
}

/// Reads what follows a backslash: a special character, or two digits of a byte.
fn escaped<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, InvalidName> {
    let first = text.chars().next().ok_or(InvalidName)?;
    if matches!(first, ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') {
        bytes.push(u8::try_from(first).map_err(|_| InvalidName)?);
        return Ok(&text[1..]);
    }
    let byte = text.get(..2).and_then(hexadecimal).ok_or(InvalidName)?;
    bytes.extend(byte);
    Ok(&text[2..])
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

/// The object identifier of a type in DER: of a keyword, in any case, or of numbers with dots.
fn object_identifier(kind: &str) -> Result<Vec<u8>, InvalidName> {
    let known = KEYWORDS.iter().find(|(keyword, _)| keyword.eq_ignore_ascii_case(kind));
    let dotted = known.map_or(kind, |(_, dotted)| dotted);
    let is_number = |arc: &str| arc == "0" || (!arc.starts_with(['0', '+']) && !arc.is_empty());
    let arcs = dotted.split('.').map(|arc| arc.parse::<u32>().ok().filter(|_| is_number(arc)));
    let arcs: Vec<u32> = arcs.collect::<Option<_>>().ok_or(InvalidName)?;
    let [first @ 0..=2, second, rest @ ..] = arcs.as_slice() else { return Err(InvalidName) };
    if *first < 2 && *second > 39 {
        return Err(InvalidName);
    }
    let mut der = Vec::new();
    push_base_128(u64::from(first * 40) + u64::from(*second), &mut der);
    for arc in rest {
        push_base_128(u64::from(*arc), &mut der);
    }
    Ok(der)
}

fn push_base_128(number: u64, der: &mut Vec<u8>) {
    let groups = (64 - (number | 1).leading_zeros()).div_ceil(7);
    for group in (0..groups).rev() {
        let bits = u8::try_from((number >> (7 * group)) & 0x7f).unwrap_or_default();
        der.push(if group == 0 { bits } else { bits | 0x80 });
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for DistinguishedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for DistinguishedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
