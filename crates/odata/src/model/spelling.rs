//! Finding tables and columns by their names in the database: one that is spelled exactly so comes before one that differs in the
//! case of ASCII letters, which some databases ignore.

use std::collections::HashMap;

/// A table, with its schema if that matters.
type Key = (Option<String>, String);

/// Tables by their names, as indexes.
#[derive(Default)]
pub(crate) struct TablesByName {
    exact: HashMap<Key, Vec<usize>>,
    folded: HashMap<Key, Vec<usize>>,
}

impl TablesByName {
    /// The tables, each with its schema.
    pub(crate) fn of<'t>(tables: impl Iterator<Item = (Option<&'t str>, &'t str)>) -> Self {
        let mut all = Self::default();
        for (at, (schema, table)) in tables.enumerate() {
            all.add(None, table, at);
            if schema.is_some() {
                all.add(schema, table, at);
            }
        }
        all
    }

    fn add(&mut self, schema: Option<&str>, table: &str, at: usize) {
        self.folded.entry(folded(schema, table)).or_default().push(at);
        self.exact.entry((schema.map(str::to_owned), table.to_owned())).or_default().push(at);
    }

    /// The places of the tables with that name, in all schemas without one.
    pub(crate) fn find(&self, schema: Option<&str>, table: &str) -> &[usize] {
        let exact = self.exact.get(&(schema.map(str::to_owned), table.to_owned()));
        exact.or_else(|| self.folded.get(&folded(schema, table))).map(Vec::as_slice).unwrap_or_default()
    }
}

fn folded(schema: Option<&str>, table: &str) -> Key {
    (schema.map(str::to_ascii_lowercase), table.to_ascii_lowercase())
}

/// The place of a name among others.
pub(crate) fn position<'n>(names: &(impl Iterator<Item = &'n str> + Clone), name: &str) -> Option<usize> {
    let exact = names.clone().position(|other| other == name);
    exact.or_else(|| names.clone().position(|other| other.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_exactly_so_comes_first() {
        let tables =
            TablesByName::of([(Some("a"), "T"), (Some("B"), "t"), (None, "t"), (None, "U")].into_iter());
        for (schema, table, found) in [
            (None, "T", &[0][..]),
            (None, "t", &[1, 2]),
            (Some("a"), "t", &[0]),
            (Some("b"), "T", &[1]),
            (Some("c"), "T", &[]),
            (None, "u", &[3]),
        ] {
            assert_eq!(tables.find(schema, table), found, "{schema:?} {table}");
        }
        let names = ["b", "B", "c"];
        for (name, place) in [("B", Some(1)), ("b", Some(0)), ("C", Some(2)), ("d", None)] {
            assert_eq!(position(&names.into_iter(), name), place);
        }
    }
}
