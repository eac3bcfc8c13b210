//! The options of one data source.

use std::collections::BTreeMap;

use super::{DataStore, Secret};

/// The options of one data source by key. Secret values are kept apart, so that whatever shows or stores the
/// others cannot contain them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionValues {
    /// The values that may be shown.
    pub plain: BTreeMap<String, String>,
    /// The secret values.
    pub secrets: BTreeMap<String, Secret>,
}

impl OptionValues {
    /// Separates secret values from the others. An empty secret counts as none.
    pub fn of(store: &DataStore, given: BTreeMap<String, String>) -> Self {
        let mut values = Self::default();
        for (key, value) in given {
            if !store.option(&key).is_some_and(|option| option.secret) {
                values.plain.insert(key, value);
            } else if !value.is_empty() {
                values.secrets.insert(key, Secret::new(value));
            }
        }
        values
    }

    /// A value that may be shown.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.plain.get(key).map(String::as_str)
    }

    /// A secret value.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.secrets.get(key)
    }
}
