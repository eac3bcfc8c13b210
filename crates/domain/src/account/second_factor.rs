//! The second factor of a sign-in: time-based one-time passwords ([RFC 6238](https://www.rfc-editor.org/rfc/rfc6238)), and
//! the recovery codes that take their place once each.

use std::fmt;

use crate::time::Timestamp;

/// The length of a time step in seconds: "We RECOMMEND a default time-step size of 30 seconds" ([RFC 6238
/// §5.2](https://www.rfc-editor.org/rfc/rfc6238#section-5.2)).
pub const STEP_SECS: i64 = 30;

/// The number of digits of a code.
pub const DIGITS: u32 = 6;

/// How many steps a clock may be ahead or behind. "We RECOMMEND that at most one time step is allowed as the network delay"
/// ([RFC 6238 §5.2](https://www.rfc-editor.org/rfc/rfc6238#section-5.2)); phones may be ahead as well.
pub const DRIFT: i64 = 1;

/// The number of recovery codes that a user gets.
pub const RECOVERY_CODES: usize = 10;

/// The number of characters of a recovery code, without the dash.
pub const RECOVERY_CHARACTERS: usize = 10;

/// The time step of an instant.
pub const fn step_of(at: Timestamp) -> i64 {
    at.as_secs().div_euclid(STEP_SECS)
}

/// The second factor of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The secret, sealed.
    pub secret: SealedTotpSecret,
    /// The latest step whose code was accepted. No earlier one is accepted again, nor this one.
    pub last_step: i64,
    /// When it was set up.
    pub created_at: Timestamp,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
}

/// The secret of a user's codes as it is stored: sealed by the vault.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedTotpSecret(Vec<u8>);

impl SealedTotpSecret {
    /// Takes the sealed bytes.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes, to be stored or opened.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedTotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedTotpSecret(redacted)")
    }
}

/// What a person typed as a code.
#[derive(Clone, PartialEq, Eq)]
pub enum TypedCode {
    /// The code of an authenticator.
    Totp(u32),
    /// A recovery code, in the form in which its digest is computed.
    Recovery(String),
}

impl TypedCode {
    /// Reads a code; spaces, dashes and capitals do not matter. `None` if it has not the form of one.
    pub fn read(text: &str) -> Option<Self> {
        // Longer than any code with spaces between its characters.
        if text.len() > 64 {
            return None;
        }
        let bare: String = text
            .chars()
            .filter(|character| !character.is_whitespace() && *character != '-')
            .map(|character| character.to_ascii_lowercase())
            .collect();
        let digits = bare.bytes().all(|byte| byte.is_ascii_digit());
        if digits && bare.len() == DIGITS as usize {
            return bare.parse().ok().map(Self::Totp);
        }
        let is_recovery = bare.len() == RECOVERY_CHARACTERS
            && bare.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
        is_recovery.then_some(Self::Recovery(bare))
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for text in ["012345", "012 345", " 012-345 ", "0 1 2 3 4 5"] {
            assert_eq!(TypedCode::read(text), Some(TypedCode::Totp(12_345)), "{text}");
        }
        for text in ["abcde-fgh27", "ABCDE FGH27", "abcdefgh27"] {
            assert_eq!(TypedCode::read(text), Some(TypedCode::Recovery("abcdefgh27".to_owned())), "{text}");
        }
        let long = "0".repeat(65);
        for text in
            ["", "12345", "1234567", "٠١٢٣٤٥", "abcdefgh28", "abcdefgh2", "abcdefgh277", "+12345", &long]
        {
            assert_eq!(TypedCode::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_step_begins_every_thirty_seconds() {
        let steps = [0, 29, 30, 59, 60, -1].map(|secs| step_of(Timestamp::from_secs(secs)));
        assert_eq!(steps, [0, 0, 1, 1, 2, -1]);
    }
}
