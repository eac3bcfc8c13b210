//! Faults of a configuration.

use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidSetting {
    /// Where the value comes from, such as `sluicegate.toml:3`; empty if it has no position.
    pub(crate) origin: String,
    /// The key path, such as `rate_limit.enabled`; empty if the fault is not about a single key.
    pub(crate) key: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl InvalidSetting {
    /// A fault about a combination of keys.
    pub(crate) fn of_key(key: &str, message: impl Into<String>) -> Self {
        Self { origin: String::new(), key: key.to_owned(), message: message.into() }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.origin, &self.key] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.message)
    }
}

/// All faults of a configuration.
#[derive(Debug)]
pub(crate) struct ConfigError(pub(crate) Vec<InvalidSetting>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "the configuration has a fault:")?,
            count => writeln!(f, "the configuration has {count} faults:")?,
        }
        for fault in &self.0 {
            writeln!(f, "  {fault}")?;
        }
        f.write_str("`--help` describes the flags, and docs/configuration.md of this version every setting.")
    }
}

impl std::error::Error for ConfigError {}
