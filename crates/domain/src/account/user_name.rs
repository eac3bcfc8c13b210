//! Names of users.

use crate::characters::{self, CharacterFault};

/// The maximum number of characters in a user name.
pub const LONGEST: usize = 128;

/// Why a text cannot be a user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum UserNameFault {
    #[error("must not be empty")]
    Empty,
    #[error("is {0} characters long; at most 128 are allowed")]
    TooLong(usize),
    #[error("must not contain a colon, which ends the user name in HTTP Basic")]
    Colon,
    #[error(transparent)]
    Character(#[from] CharacterFault),
    #[error("must not start or end with a space")]
    SurroundingBlank,
}

/// The name in its stored form: NFC.
pub fn normalised(name: String) -> String {
    match crate::text::nfc(&name) {
        std::borrow::Cow::Borrowed(_) => name,
        std::borrow::Cow::Owned(normal) => normal,
    }
}

/// Checks that the text may be a user name. It is stored in NFC and compared ignoring case.
///
/// # Errors
/// The first fault.
pub fn check(name: &str) -> Result<(), UserNameFault> {
    let name = &*crate::text::nfc(name);
    let length = name.chars().count();
    match () {
        () if length == 0 => Err(UserNameFault::Empty),
        () if length > LONGEST => Err(UserNameFault::TooLong(length)),
        () if name.contains(':') => Err(UserNameFault::Colon),
        () if name.trim() != name => Err(UserNameFault::SurroundingBlank),
        () => Ok(characters::check_name_of_user(name)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_at_most_128_characters_without_a_colon() {
        assert_eq!(check("d2cadmin"), Ok(()));
        assert_eq!(check(&"ü".repeat(128)), Ok(()));
        assert_eq!(check(&"ü".repeat(129)), Err(UserNameFault::TooLong(129)));
        assert_eq!(
            check(&"u\u{308}".repeat(128)),
            Ok(()),
            "letters count in the form in which they are kept"
        );
        assert_eq!(normalised("Mu\u{308}ller".to_owned()), "Müller");
        assert_eq!(check(""), Err(UserNameFault::Empty));
        assert_eq!(check("a:b"), Err(UserNameFault::Colon));
        assert_eq!(check("a\u{0}b"), Err(CharacterFault::Control(0).into()));
        assert_eq!(check("a\u{202e}b"), Err(CharacterFault::Invisible(0x202E).into()));
        assert_eq!(check("Sluicegate"), Err(CharacterFault::Imitation.into()));
        assert_eq!(check("Support"), Err(CharacterFault::InCharge.into()));
        assert_eq!(check(" a"), Err(UserNameFault::SurroundingBlank));
    }
}
