//! The keys that the signer of this node holds.

use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of complaints that are remembered; then each is logged once more.
const MOST_COMPLAINTS: usize = 256;

/// The keys, those that passed the test, and what was logged about others.
#[derive(Debug, Default)]
pub(super) struct HeldKeys {
    /// The name of each key in the signer, by `kid`.
    names: BTreeMap<String, String>,
    tested: BTreeSet<String>,
    complaints: BTreeSet<(String, String)>,
}

impl HeldKeys {
    /// What the signer calls the key.
    pub(super) fn name_of(&self, key_id: &str) -> Option<String> {
        self.names.get(key_id).cloned()
    }

    pub(super) fn key_ids(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    /// Replaces the names, and returns whether there are other keys than before.
    pub(super) fn replace(&mut self, names: BTreeMap<String, String>) -> bool {
        let others = !names.keys().eq(self.names.keys());
        self.tested.retain(|key_id| names.contains_key(key_id));
        self.names = names;
        others
    }

    pub(super) fn is_tested(&self, key_id: &str) -> bool {
        self.tested.contains(key_id)
    }

    pub(super) fn passed(&mut self, key_id: &str) {
        self.tested.insert(key_id.to_owned());
    }

    /// The key must pass the test again.
    pub(super) fn forget(&mut self, key_id: &str) {
        self.tested.remove(key_id);
    }

    pub(super) fn is_new_complaint(&mut self, name: &str, why: &str) -> bool {
        if self.complaints.len() >= MOST_COMPLAINTS {
            self.complaints.clear();
        }
        self.complaints.insert((name.to_owned(), why.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(key_ids: &[&str]) -> BTreeMap<String, String> {
        key_ids.iter().map(|key_id| ((*key_id).to_owned(), format!("name of {key_id}"))).collect()
    }

    #[test]
    fn a_key_that_was_gone_is_tested_again() {
        let mut held = HeldKeys::default();
        held.passed("a");
        assert!(held.replace(names(&["a", "b"])));
        assert!(!held.replace(names(&["a", "b"])), "the same keys");
        assert_eq!(held.name_of("b").unwrap(), "name of b");
        assert!(held.is_tested("a") && !held.is_tested("b"));
        assert!(held.replace(names(&["b"])));
        assert!(!held.is_tested("a"));
        assert_eq!(held.key_ids(), ["b"]);
    }

    #[test]
    fn a_complaint_is_logged_once() {
        let mut held = HeldKeys::default();
        assert!(held.is_new_complaint("a", "is weak"));
        assert!(!held.is_new_complaint("a", "is weak"));
        assert!(held.is_new_complaint("a", "is listed twice"));
    }
}
