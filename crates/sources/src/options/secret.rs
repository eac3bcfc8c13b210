//! The value of a secret option.

use std::fmt;

use zeroize::Zeroizing;

/// Secret. The value of an option such as a password, in clear. It is redacted in debug output and cannot be
/// displayed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value.
    pub fn new(value: impl Into<Zeroizing<String>>) -> Self {
        Self(value.into())
    }

    /// The value in clear, for the driver that logs in with it and the vault that seals it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both have the same value. Takes the same time for every value of the same length.
    fn is_same(&self, other: &Self) -> bool {
        let (one, other) = (self.0.as_bytes(), other.0.as_bytes());
        let differences = one.iter().zip(other).fold(0, |found, (one, other)| found | (one ^ other));
        one.len() == other.len() && differences == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_and_is_compared_as_a_whole() {
        let secret = |value: &str| Secret::new(value.to_owned());
        assert_eq!(format!("{:?}", secret("hunter2")), "Secret(redacted)");
        assert_eq!(secret("hunter2"), secret("hunter2"));
        for other in ["hunter3", "hunter", "hunter22", ""] {
            assert_ne!(secret("hunter2"), secret(other), "{other}");
        }
    }
}
