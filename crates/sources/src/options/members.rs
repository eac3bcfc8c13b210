//! JSON objects whose members have the names of tables or columns.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The members of an object in their order in the text. A map would keep only one of two members with the
/// same name.
#[derive(Debug)]
pub(crate) struct NamedMembers<T>(Vec<(String, T)>);

impl<T> NamedMembers<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, T)> {
        self.0.iter()
    }

    /// Refuses two names of the same table or column, which the database `folds` to the same text.
    ///
    /// # Errors
    /// A description of the fault, as the end of a sentence.
    pub(crate) fn refuse_twins(&self, folds: fn(&str) -> String) -> Result<(), String> {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        match twins(&names, folds) {
            Some((one, other)) => {
                Err(format!("names {} and {}, which are the same name here", shown(one), shown(other)))
            }
            None => Ok(()),
        }
    }
}

/// The first two names that are folded to the same text.
pub(crate) fn twins<'n>(names: &[&'n str], folds: fn(&str) -> String) -> Option<(&'n str, &'n str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    names.iter().find_map(|name| Some((seen.insert(folds(name), name)?, *name)))
}

/// A name as shown in a message: shortened, and without control characters.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(64).collect()
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NamedMembers<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedMembersVisitor(PhantomData))
    }
}

struct NamedMembersVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedMembersVisitor<T> {
    type Value = NamedMembers<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(NamedMembers(members))
    }
}
