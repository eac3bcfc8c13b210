//! JSON objects whose members have the names of tables or columns.

use std::collections::BTreeMap;

use odata::named_members::NamedMembers;

/// Refuses two names of the same table or column, which the database `folds` to the same text.
///
/// # Errors
/// A description of the fault, as the end of a sentence.
pub(crate) fn refuse_twins<T>(members: &NamedMembers<T>, folds: fn(&str) -> String) -> Result<(), String> {
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    match twins(&names, folds) {
        Some((one, other)) => {
            Err(format!("names {} and {}, which are the same name here", shown(one), shown(other)))
        }
        None => Ok(()),
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
