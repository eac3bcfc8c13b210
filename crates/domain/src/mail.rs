//! Mail that the server sends to its users.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mail in plain text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The address of the receiver.
    pub to: String,
    /// The subject: a fixed text, which contains nothing that a user has chosen.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The part of the message id before the `@`; it stays the same if the mail is sent again.
    pub id: String,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter(redacted)")
    }
}

/// A stored mail that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mail that waits is malformed")]
pub struct UnreadableLetter;

impl Letter {
    /// The JSON object.
    ///
    /// # Panics
    /// Never: texts can always be serialized.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts can always be serialized")
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_json(json: &[u8]) -> Result<Self, UnreadableLetter> {
        serde_json::from_slice(json).map_err(|_| UnreadableLetter)
    }
}

/// A sealed [`Letter`], as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedLetter(Vec<u8>);

impl SealedLetter {
    /// Takes the sealed bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes, to be stored or opened.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedLetter(redacted)")
    }
}

/// After how many seconds a mail is tried again that could not be sent at this attempt; `None` if it is given up.
pub const fn next_attempt_secs(attempts: u32) -> Option<i64> {
    match attempts {
        0 | 1 => Some(10),
        2 => Some(60),
        3 => Some(300),
        4 => Some(900),
        5 => Some(3_600),
        6 => Some(3 * 3_600),
        7 | 8 => Some(6 * 3_600),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_given_up_within_a_day() {
        let waits: Vec<i64> = (1..).map_while(next_attempt_secs).collect();
        assert!(waits.is_sorted() && waits.len() == 8, "{waits:?}");
        assert!((12 * 3_600..24 * 3_600).contains(&waits.iter().sum::<i64>()));
    }

    #[test]
    fn a_letter_comes_back_from_its_json_and_is_not_shown() {
        let letter = Letter {
            to: "ada@example.com".to_owned(),
            subject: "s".to_owned(),
            text: "\"quoted\"\nline".to_owned(),
            id: "1".to_owned(),
        };
        assert_eq!(Letter::from_json(letter.to_json().as_bytes()), Ok(letter.clone()));
        assert_eq!(Letter::from_json(b"{}"), Err(UnreadableLetter));
        let shown = format!("{letter:?} {:?}", SealedLetter::new(vec![1, 2]));
        assert_eq!(shown, "Letter(redacted) SealedLetter(redacted)");
    }
}
