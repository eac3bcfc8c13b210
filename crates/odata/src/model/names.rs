//! Assigns unique names. A name that is an identifier is kept; names that must be changed get what is free.

use std::collections::{HashMap, HashSet};

use crate::identifier;

/// The names in one scope: a schema or a type.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The names in `taken` that are still reserved for their owners.
    reserved: HashSet<String>,
    /// The number with which the search for a free name continues, by the name that was wanted.
    next: HashMap<String, u32>,
    /// How often a name was tried.
    #[cfg(test)]
    tried: usize,
}

impl Names {
    /// A scope in which these names are taken.
    pub(super) fn of(taken: impl IntoIterator<Item = String>) -> Self {
        Self { taken: taken.into_iter().collect(), ..Self::default() }
    }

    /// Reserves the names that are identifiers for the callers that ask for them with
    /// [`identifier`](Self::identifier).
    pub(super) fn reserve<'n>(&mut self, names: impl Iterator<Item = &'n String>) {
        for name in names.filter(|name| identifier::nearest(name) == **name) {
            if self.taken.insert(name.clone()) {
                self.reserved.insert(name.clone());
            }
        }
    }

    /// Returns the name itself if it is reserved, otherwise the nearest free identifier.
    pub(super) fn identifier(&mut self, name: &str) -> String {
        self.reserved.take(name).unwrap_or_else(|| self.unique(&identifier::nearest(name)))
    }

    /// How often a name was tried.
    #[cfg(test)]
    pub(super) fn tried(&self) -> usize {
        self.tried
    }

    /// Takes exactly this name. Returns `false` if it is taken.
    pub(super) fn take(&mut self, name: &str) -> bool {
        #[cfg(test)]
        {
            self.tried += 1;
        }
        self.taken.insert(name.to_owned())
    }

    /// Returns `wanted`, or `wanted` with the first free number, cut to the length of an identifier.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let wanted = identifier::shortened(wanted, identifier::MAX_LENGTH);
        if self.take(wanted) {
            return wanted.to_owned();
        }
        let mut number = self.next.get(wanted).copied().unwrap_or(2);
        loop {
            let name = with_suffix(wanted, &format!("_{number}"));
            number += 1;
            if self.take(&name) {
                self.next.insert(wanted.to_owned(), number);
                return name;
            }
        }
    }
}

/// A name with a suffix, shortened so that the result is an identifier.
pub(super) fn with_suffix(name: &str, suffix: &str) -> String {
    let suffix = identifier::shortened(suffix, identifier::MAX_LENGTH / 2);
    let room = identifier::MAX_LENGTH - suffix.chars().count();
    format!("{}{suffix}", identifier::shortened(name, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_called_by_an_identifier_keeps_it() {
        let asked = ["a b", "a_b", "a-b", "a_b_2", "Container", "Container_2"].map(str::to_owned);
        let mut names = Names::of(["Container".to_owned()]);
        names.reserve(asked.iter());
        let given = asked.each_ref().map(|name| names.identifier(name));
        assert_eq!(given, ["a_b_3", "a_b", "a_b_4", "a_b_2", "Container_3", "Container_2"]);
    }
}
