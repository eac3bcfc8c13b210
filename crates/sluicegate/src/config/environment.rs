//! The environment. Only this module reads it.

use std::ffi::OsString;
use std::path::PathBuf;

use domain::secret::Password;

use super::{InvalidSetting, Raw, RawConfig};

const PREFIX: &str = "SLUICEGATE_";

/// Variables that are not settings: name and meaning, for the generated documentation.
pub(super) const SPECIAL: [(&str, &str); 5] = [
    (CONFIG, "The configuration file, unless `--config` names one."),
    (
        ADMIN_PASSWORD,
        "The password that `init` gives `d2cadmin`, and `restore` gives the administrator who needs a new one. \
         `demo` and `serve` \
         ignore it.",
    ),
    (USER_PASSWORD, "The password that `init` gives `d2cuser`. `demo` and `serve` ignore it."),
    (
        MASTER_KEY,
        "The master key as 43 characters of base64url or 64 hexadecimal digits, instead of the file `master.key` in the data directory. With \
         it, `init` \
         writes no such file, and every other command but `backup` needs it too.",
    ),
    (SIGNER_PIN, "The PIN of the token, for `signer` without `--pin-file`. Every other command ignores it."),
];

const CONFIG: &str = "SLUICEGATE_CONFIG";
const ADMIN_PASSWORD: &str = "SLUICEGATE_ADMIN_PASSWORD";
const USER_PASSWORD: &str = "SLUICEGATE_USER_PASSWORD";
const MASTER_KEY: &str = "SLUICEGATE_MASTER_KEY";
const SIGNER_PIN: &str = "SLUICEGATE_SIGNER_PIN";

/// The variables with the prefix `SLUICEGATE_`.
#[derive(Clone, Default)]
pub(crate) struct Environment(Vec<(String, OsString)>);

impl Environment {
    /// The variables of this process.
    pub(crate) fn of_process() -> Self {
        let ours = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with(PREFIX).then_some((name, value))
        });
        let mut ours: Vec<_> = ours.collect();
        ours.sort();
        Self(ours)
    }

    /// Variables for a test.
    #[cfg(test)]
    pub(crate) fn sample(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(*value))).collect())
    }

    /// Adds the settings among the variables.
    pub(super) fn overlay(&self, raw_config: &mut RawConfig) {
        for (name, value) in &self.0 {
            if SPECIAL.iter().any(|(special, _)| special == name) {
                continue;
            }
            let origin = format!("environment variable {name}");
            let key = name[PREFIX.len()..].to_lowercase().replace("__", ".");
            match value.to_str() {
                Some(text) => raw_config.add(key, Raw::Environment(text.to_owned()), origin),
                None => {
                    raw_config.add_fault(InvalidSetting { origin, key, message: "is not UTF-8".to_owned() });
                }
            }
        }
    }

    /// The configuration file that the environment names.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.find(CONFIG).map(PathBuf::from)
    }

    /// The passwords of the first two accounts, if given.
    pub(crate) fn first_passwords(&self) -> [Option<Password>; 2] {
        [ADMIN_PASSWORD, USER_PASSWORD]
            .map(|name| self.find(name).and_then(|value| value.to_str()).map(Password::new))
    }

    /// The master key, if given.
    pub(crate) fn master_key(&self) -> Option<&str> {
        self.find(MASTER_KEY).map(|value| value.to_str().unwrap_or_default())
    }

    /// The PIN of the token of a signer, if given.
    pub(crate) fn signer_pin(&self) -> Option<&str> {
        self.find(SIGNER_PIN).map(|value| value.to_str().unwrap_or_default())
    }

    fn find(&self, name: &str) -> Option<&OsString> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

/// The variable for a key path.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}
