//! The code that a person types.

use std::fmt;

/// The letters of user codes: no vowels, so that no words appear, and nothing that looks like a digit ([RFC 8628
/// §6.1](https://www.rfc-editor.org/rfc/rfc8628#section-6.1)).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The number of letters. Eight of twenty letters have 34.5 bits, which the standard's example has too.
const LENGTH: usize = 8;

/// Bytes from this one on would make the first letters more likely than the others.
const UNBIASED: u8 = (u8::MAX / 20) * 20;

/// Secret. A user code in its normal form: eight capital letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserCode([u8; LENGTH]);

impl UserCode {
    /// Makes a code of random bytes; `None` if too many of them would be biased. 32 bytes are enough nearly always.
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        let mut unbiased = bytes.iter().filter(|byte| **byte < UNBIASED);
        let mut code = [0; LENGTH];
        for letter in &mut code {
            *letter = LETTERS[usize::from(unbiased.next()? % 20)];
        }
        Some(Self(code))
    }

    /// Reads what a person typed: case, spaces and dashes do not matter, "the server should ignore any characters like
    /// punctuation that are not in the user code character set" ([RFC 8628
    /// §6.1](https://www.rfc-editor.org/rfc/rfc8628#section-6.1)). `None` if it cannot be a code.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut code = [0; LENGTH];
        let mut letters = typed.chars().filter(|typed| typed.is_alphanumeric());
        for place in &mut code {
            let letter = u8::try_from(letters.next()?.to_ascii_uppercase()).ok()?;
            *place = LETTERS.contains(&letter).then_some(letter)?;
        }
        letters.next().is_none().then_some(Self(code))
    }

    /// The normal form, for the digest that is stored.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The form for people: `WDJB-MJHT`.
    pub fn for_people(&self) -> String {
        let letters = |part: &[u8]| part.iter().map(|letter| char::from(*letter)).collect::<String>();
        format!("{}-{}", letters(&self.0[..LENGTH / 2]), letters(&self.0[LENGTH / 2..]))
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_code_is_the_same_code() {
        let code = UserCode::parse("WDJBMJHT").unwrap();
        for typed in ["wdjb mjht", "WDJB-MJHT", " w d j b m j h t ", "wdjb–mjht", "Wdjb.Mjht\u{a0}"] {
            assert_eq!(UserCode::parse(typed), Some(code), "{typed}");
        }
        assert_eq!(code.for_people(), "WDJB-MJHT");
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for typed in ["", "WDJB-MJH", "WDJB-MJHTX", "WDJB-MJHA", "WDJB-MJH1", "ẞDJB-MJHT", "WDJBMJHTВ"] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn random_bytes_become_letters_without_bias() {
        let code = UserCode::from_random(&[255, 0, 1, 2, 20, 239, 240, 3, 4, 19]).unwrap();
        assert_eq!(code.for_people(), "BCDB-ZFGZ");
        assert_eq!(UserCode::from_random(&[255; 32]), None);
        assert_eq!(UserCode::parse(&code.for_people()), Some(code));
    }

    #[test]
    fn a_code_is_not_shown_in_debug_output() {
        assert_eq!(format!("{:?}", UserCode::parse("WDJBMJHT")), "Some(UserCode(redacted))");
    }
}
