//! Public types have unique names, so that a word has the same meaning in every crate.

use std::collections::BTreeMap;

use super::{Fault, Tree};

const RULE: &str = "type-names";

/// The backends of the system database share their structure and their names.
const BACKENDS: &str = "store-";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        let is_shipped = file.path.starts_with("crates/") && file.path.contains("/src/");
        if !is_shipped || file.crate_name() == "testkit" {
            continue;
        }
        for (line, name) in source.shipped_lines().filter_map(|(line, code)| Some((line, type_of(code)?))) {
            let first = *seen.entry(name.to_owned()).or_insert(file.crate_name());
            let is_backend = |name: &str| name.starts_with(BACKENDS);
            if first != file.crate_name() && !(is_backend(first) && is_backend(file.crate_name())) {
                let message = format!("`{name}` is also the name of a type in {first}: rename one of them");
                faults.push(Fault::new(RULE, &file.path, line, message));
            }
        }
    }
    faults
}

/// The name of the public type that a line declares.
fn type_of(code: &str) -> Option<&str> {
    let rest = code.trim_start().strip_prefix("pub ")?;
    let rest =
        ["struct ", "enum ", "trait ", "type ", "union "].iter().find_map(|kind| rest.strip_prefix(kind))?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    // A macro gives the name of `pub struct $name`.
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_type_name_used_by_two_crates_is_a_fault() {
        let tree = Tree::sample(&[
            ("crates/oauth/src/a.rs", "pub struct Subject<'a>;\npub(crate) struct Own;"),
            ("crates/odata/src/b.rs", "pub enum Subject {}\npub(crate) enum Own {}"),
            ("crates/store-sqlite/src/c.rs", "pub struct Options;"),
            ("crates/store-postgres/src/c.rs", "pub struct Options;"),
            ("crates/web/src/d.rs", "#[cfg(test)]\nmod tests {\n    pub struct Subject;\n}\n"),
        ]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].path.as_str(), faults[0].line), ("crates/odata/src/b.rs", 1));
    }
}
