//! JSON objects whose members have the names of tables or columns.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The members of an object in their order in the text. A map would keep only one of two members with the
/// same name.
#[derive(Debug)]
pub(super) struct Members<T>(Vec<(String, T)>);

impl<T> Members<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &(String, T)> {
        self.0.iter()
    }

    /// Refuses two names of the same table or column: SQLite ignores the case of ASCII letters.
    ///
    /// # Errors
    /// A description of the fault, as the end of a sentence.
    pub(super) fn refuse_twins(&self) -> Result<(), String> {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        match twins(&names) {
            Some((one, other)) => {
                Err(format!("names {} and {}, which are the same name here", shown(one), shown(other)))
            }
            None => Ok(()),
        }
    }
}

/// The first two names that are the same for SQLite.
pub(super) fn twins<'n>(names: &[&'n str]) -> Option<(&'n str, &'n str)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    names.iter().find_map(|name| Some((seen.insert(name.to_ascii_lowercase(), name)?, *name)))
}

/// A name as shown in a message: shortened, and without control characters.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(64).collect()
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
    type Value = Members<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
