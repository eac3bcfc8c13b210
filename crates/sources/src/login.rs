//! Names and passwords with which users sign in to the database of a source themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::options::Secret;

/// The maximum length of a name in bytes.
const LONGEST_NAME: usize = 255;

/// The maximum length of a password in bytes.
const LONGEST_PASSWORD: usize = 1024;

/// With whose names and passwords a source reads and changes data, instead of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserLogins {
    /// With those that come with the request.
    pub of_requests: bool,
    /// With those that the user has stored.
    pub stored: bool,
}

impl UserLogins {
    /// The option that says it.
    pub(crate) const OPTION: &str = "UserCredentials";

    /// What the options of a data source say.
    pub fn of(options: &BTreeMap<String, String>) -> Self {
        options.get(Self::OPTION).map(|word| Self::named(word)).unwrap_or_default()
    }

    /// The words of the option, the usual one first.
    pub(crate) const WORDS: &[&str] = &["none", "request", "stored", "requestOrStored"];

    /// What a word of the option means.
    pub(crate) fn named(word: &str) -> Self {
        Self {
            of_requests: matches!(word, "request" | "requestOrStored"),
            stored: matches!(word, "stored" | "requestOrStored"),
        }
    }

    /// Whether nothing is read or changed with the name and the password of the source.
    pub fn is_demanded(self) -> bool {
        self.of_requests || self.stored
    }
}

/// A name and a password for a database. Two that differ in either are different, and a connection of one is never used for the
/// other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    user: String,
    password: Secret,
}

impl Login {
    /// A name of 1 to 255 bytes with a password of 1 to 1,024 bytes, both without control characters; `None` for others. An empty
    /// password proves nothing.
    pub fn new(user: &str, password: Zeroizing<String>) -> Option<Self> {
        let fits = |text: &str, longest: usize| {
            (1..=longest).contains(&text.len()) && !text.chars().any(char::is_control)
        };
        let is_possible = fits(user, LONGEST_NAME) && fits(&password, LONGEST_PASSWORD);
        is_possible.then(|| Self { user: user.to_owned(), password: Secret::new(password) })
    }

    /// The name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The text in which they are sealed, with the place where they may be sent. No part but the last has a line break.
    pub fn to_be_stored(&self, place: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{}\n{}\n{place}", self.user, self.password.expose()))
    }

    /// What such a text contains, if it is for this place.
    pub fn stored(text: &str, place: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '\n');
        let (user, password) = (parts.next()?, parts.next()?);
        if parts.next()? == place { Self::new(user, Zeroizing::new(password.to_owned())) } else { None }
    }

    /// The password.
    pub fn password(&self) -> &Secret {
        &self.password
    }
}

/// How often a user may try names and passwords.
pub trait LoginAttempts: Send + Sync {
    /// Counts an attempt to sign in.
    ///
    /// # Errors
    /// The number of seconds after which another one is allowed.
    fn begin(&self) -> Result<(), u32>;

    /// Takes the attempt back, because the database did not refuse it.
    fn was_not_refused(&self);
}

/// The name and the password of the user of a job.
#[derive(Clone)]
pub struct UserLogin {
    /// The name and the password.
    pub login: Login,
    /// How often the user may try.
    pub attempts: Arc<dyn LoginAttempts>,
}

impl fmt::Debug for UserLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserLogin(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, password: &str) -> Option<Login> {
        Login::new(user, Zeroizing::new(password.to_owned()))
    }

    #[test]
    fn a_login_has_a_name_and_a_password_that_prove_something() {
        assert!(login("ada", "hunter2").is_some());
        let long = "x".repeat(1_025);
        for (user, password) in
            [("", "x"), ("ada", ""), ("a\0", "x"), ("ada", "x\n"), (&long[..256], "x"), ("ada", &long)]
        {
            assert_eq!(login(user, password), None, "{user} {password}");
        }
        assert_ne!(login("ada", "hunter2"), login("ada", "hunter3"));
        assert_ne!(login("ada", "hunter2"), login("bob", "hunter2"));
        assert!(!format!("{:?}", login("ada", "hunter2")).contains("hunter2"));
    }

    #[test]
    fn a_stored_login_is_for_one_place() {
        let login = login("ada", "hunter 2").unwrap();
        let stored = login.to_be_stored("{}\nx");
        assert_eq!(Login::stored(&stored, "{}\nx"), Some(login));
        for place in ["{}", "", "{}\ny"] {
            assert_eq!(Login::stored(&stored, place), None, "{place}");
        }
        assert_eq!(Login::stored("ada", ""), None);
    }

    #[test]
    fn each_word_says_whose_logins_are_taken() {
        let taken = UserLogins::WORDS.iter().map(|word| UserLogins::named(word));
        let taken: Vec<_> = taken.map(|logins| (logins.of_requests, logins.stored)).collect();
        assert_eq!(taken, [(false, false), (true, false), (false, true), (true, true)]);
    }
}
