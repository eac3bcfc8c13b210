//! The password policy: 12 to 128 characters, not the user name, not a common password ([NIST SP 800-63B
//! §5.1.1.2](https://pages.nist.gov/800-63-3/sp800-63b.html#memsecretver): length and a blocklist, no
//! composition rules).

use crate::secret::Password;

mod guessed;

/// The minimum number of characters.
pub const SHORTEST: usize = 12;
/// The maximum number of characters; hashing longer ones would only cost time.
pub const LONGEST: usize = 128;

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum PasswordFault {
    #[error("the password is too short; at least 12 characters are needed")]
    TooShort,
    #[error("the password is too long; at most 128 characters are allowed")]
    TooLong,
    #[error("the password must not contain control characters")]
    ControlCharacter,
    #[error("the password must not consist of the user name")]
    UserName,
    #[error("the password is too common; choose another")]
    Common,
    #[error("the password must not repeat a few characters")]
    Repetitive,
}

/// Checks that a new password may be set for the user with that name. The rules apply to the normal form,
/// which is hashed.
///
/// # Errors
/// The first fault.
pub fn check(password: &str, user_name: &str) -> Result<(), PasswordFault> {
    let password = Password::new(password);
    let normal = password.normalised();
    check_normal(normal.as_ref().unwrap_or(&password).expose(), &crate::text::nfkc(user_name))
}

fn check_normal(password: &str, user_name: &str) -> Result<(), PasswordFault> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(PasswordFault::TooShort);
    }
    if length > LONGEST {
        return Err(PasswordFault::TooLong);
    }
    if password.chars().any(char::is_control) {
        return Err(PasswordFault::ControlCharacter);
    }
    if is_derived_from_name(password, user_name) {
        return Err(PasswordFault::UserName);
    }
    if is_repetitive(password) {
        return Err(PasswordFault::Repetitive);
    }
    if guessed::contains(password) { Err(PasswordFault::Common) } else { Ok(()) }
}

/// Whether it is the name itself, doubled, reversed, or with a few digits and marks around it.
fn is_derived_from_name(password: &str, user_name: &str) -> bool {
    let (password, name) = (password.to_lowercase(), user_name.to_lowercase());
    if name.is_empty() {
        return false;
    }
    let reversed: String = name.chars().rev().collect();
    [name, reversed].iter().any(|name| {
        let rest = password.replace(name.as_str(), "");
        rest.len() < password.len() && !rest.chars().any(char::is_alphabetic) && rest.chars().count() <= 6
    })
}

/// Whether it has at most four different characters.
fn is_repetitive(password: &str) -> bool {
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    different.len() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_to_128_characters_are_accepted() {
        assert_eq!(check("Gr8!ships-at", "anna"), Ok(()));
        assert_eq!(check("äöüßÄÖÜéèêñç", "anna"), Ok(()), "characters count, not bytes");
        assert_eq!(check("Gr8!ships-a", "anna"), Err(PasswordFault::TooShort));
        let long: String = "a harbour at dawn, ".chars().cycle().take(128).collect();
        assert_eq!(check(&long, "anna"), Ok(()));
        assert_eq!(check(&format!("{long}x"), "anna"), Err(PasswordFault::TooLong));
    }

    #[test]
    fn a_password_is_checked_in_its_normal_form() {
        let decomposed = "a\u{308}o\u{308}u\u{308}e\u{301}n\u{303}c\u{327}";
        assert_eq!(check(decomposed, "anna"), Err(PasswordFault::TooShort), "six letters");
        assert_eq!(check("mu\u{308}llermu\u{308}ller", "Müller"), Err(PasswordFault::UserName));
        assert_eq!(check("\u{ff50}assword1234", "anna"), check("password1234", "anna"));
    }

    #[test]
    fn a_password_must_not_be_the_user_name() {
        for password in ["AdministratorX", "administrator", "Administrator1!", "rotartsinimda"] {
            let expected = if password.ends_with('X') { Ok(()) } else { Err(PasswordFault::UserName) };
            assert_eq!(check(password, "Administrator").is_ok(), expected.is_ok(), "{password}");
        }
        assert_eq!(check("annaannaanna", "anna"), Err(PasswordFault::UserName));
    }

    #[test]
    fn disguised_common_passwords_are_refused() {
        for password in
            ["password1234", "P@ssw0rd1234", "Password123!", "qwertyuiop123", "123456789012", "IloveYou1234!"]
        {
            assert!(check(password, "anna").is_err(), "{password}");
        }
    }

    #[test]
    fn repeated_characters_are_refused() {
        assert_eq!(check("abcabcabcabcabc", "anna"), Err(PasswordFault::Repetitive));
    }

    #[test]
    fn control_characters_are_refused() {
        assert_eq!(check("a harbour\u{7}at dawn", "anna"), Err(PasswordFault::ControlCharacter));
    }
}
