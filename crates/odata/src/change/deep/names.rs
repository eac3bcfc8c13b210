//! The navigation properties by which entities are nested.

use std::collections::BTreeMap;

use crate::encode::text;
use crate::error::{Error, Reason};
use crate::syntax::MAX_EXPANDED;

/// The navigation properties whose entities are created or changed, and so on.
#[derive(Debug, Default)]
pub(super) struct NestedNames(BTreeMap<String, NestedNames>);

impl NestedNames {
    /// Those of the entities to which one leads.
    pub(super) fn of(&mut self, navigation: &str) -> &mut Self {
        self.0.entry(navigation.to_owned()).or_default()
    }

    /// Makes sure that a response can show all of them.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.count() > MAX_EXPANDED {
            return Err(Reason::TooManyExpanded(MAX_EXPANDED).at("body", 0));
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.0.values().map(|names| 1 + names.count()).sum()
    }

    /// The value of `$expand`, percent-encoded.
    pub(super) fn expand(&self) -> String {
        let item = |(name, names): (&String, &Self)| {
            let name = text::in_url(name);
            if names.0.is_empty() { name } else { format!("{name}($expand={})", names.expand()) }
        };
        self.0.iter().map(item).collect::<Vec<_>>().join(",")
    }
}
