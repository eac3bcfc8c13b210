//! Types that a whole crate or another crate sees have unique names, so that a word has one meaning.

use std::collections::BTreeMap;

use super::{Fault, Tree};

const RULE: &str = "type-names";

/// The backends of the system database share their structure and their names.
const BACKENDS: &str = "store-";

/// Names that types may share unless two crates export them, each with the reason.
const SHARED: &[(&str, &str)] = &[
    ("Facts", "each rule of `oauth` has its own facts, and callers write the module before the name"),
    ("Kind", "a kind is always that of the thing beside it"),
];

/// Folders whose types may have any name, each with the reason.
const APART: &[(&str, &str)] = &[(
    "crates/sluicegate/src/cli/",
    "the arguments of a command bear its verb, inside the module of its subject",
)];

/// A declared type.
struct Declared<'tree> {
    krate: &'tree str,
    path: &'tree str,
    exported: bool,
}

impl Declared<'_> {
    /// Whether a reader who knows one of the types would mistake the other for it.
    fn clashes(&self, other: &Self, name: &str) -> bool {
        let is_backend = |declared: &Self| declared.krate.starts_with(BACKENDS);
        let is_shared = SHARED.iter().any(|(shared, _)| *shared == name);
        let both_exported = self.exported && other.exported && self.krate != other.krate;
        let are_backends = self.krate != other.krate && is_backend(self) && is_backend(other);
        !are_backends && (both_exported || !is_shared)
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut seen: BTreeMap<&str, Vec<Declared<'_>>> = BTreeMap::new();
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        let is_shipped = file.path.starts_with("crates/") && file.path.contains("/src/");
        let is_apart = APART.iter().any(|(folder, _)| file.path.starts_with(folder));
        if !is_shipped || is_apart || file.crate_name() == "testkit" {
            continue;
        }
        for (line, (name, exported)) in
            source.shipped_lines().filter_map(|(line, code)| Some((line, type_of(code)?)))
        {
            let declared = Declared { krate: file.crate_name(), path: &file.path, exported };
            let others = seen.entry(name).or_default();
            if let Some(other) = others.iter().find(|other| declared.clashes(other, name)) {
                let message =
                    format!("`{name}` is also the name of a type in {}: rename one of them", other.path);
                faults.push(Fault { item: name.to_owned(), ..Fault::new(RULE, &file.path, line, message) });
            }
            others.push(declared);
        }
    }
    faults
}

/// The name of the type that a line declares for its crate, and whether it is declared for others too.
fn type_of(code: &str) -> Option<(&str, bool)> {
    let code = code.trim_start();
    let exported = code.starts_with("pub ");
    let rest = code.strip_prefix("pub ").or_else(|| code.strip_prefix("pub(crate) "))?;
    let rest =
        ["struct ", "enum ", "trait ", "type ", "union "].iter().find_map(|kind| rest.strip_prefix(kind))?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    // A macro gives the name of `pub struct $name`.
    (end > 0).then(|| (&rest[..end], exported))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn faults(files: &[(&str, &str)]) -> Vec<(String, usize)> {
        check(&Tree::sample(files)).into_iter().map(|fault| (fault.path, fault.line)).collect()
    }

    #[test]
    fn a_type_name_used_twice_is_a_fault() {
        let second = |text| {
            faults(&[("crates/oauth/src/a.rs", "pub struct Subject<'a>;"), ("crates/odata/src/b.rs", text)])
        };
        let fault = [("crates/odata/src/b.rs".to_owned(), 1)];
        assert_eq!(second("pub enum Subject {}"), fault);
        assert_eq!(second("pub(crate) enum Subject {}"), fault);
        assert_eq!(second("enum Subject {}\npub(super) trait Subject {}"), []);
        assert_eq!(second("#[cfg(test)]\nmod tests {\n    pub struct Subject;\n}\n"), []);
    }

    #[test]
    fn a_type_name_used_twice_inside_a_crate_is_a_fault() {
        let files = [
            ("crates/oauth/src/a.rs", "pub struct Token;"),
            ("crates/oauth/src/b.rs", "pub(crate) type Token = u8;"),
        ];
        assert_eq!(faults(&files), [("crates/oauth/src/b.rs".to_owned(), 1)]);
    }

    #[test]
    fn a_shared_name_is_a_fault_only_if_two_crates_export_it() {
        let first = ("crates/oauth/src/a.rs", "pub struct Facts;");
        assert_eq!(faults(&[first, ("crates/oauth/src/b.rs", "pub struct Facts;")]), []);
        assert_eq!(faults(&[first, ("crates/odata/src/b.rs", "pub(crate) struct Facts;")]), []);
        assert_eq!(faults(&[first, ("crates/odata/src/b.rs", "pub struct Facts;")]).len(), 1);
    }

    #[test]
    fn backends_share_names_and_commands_are_apart() {
        let backends = [
            ("crates/store-sqlite/src/c.rs", "pub struct Options;"),
            ("crates/store-postgres/src/c.rs", "pub struct Options;"),
        ];
        assert_eq!(faults(&backends), []);
        let commands = [
            ("crates/sluicegate/src/cli/a.rs", "pub(crate) struct Add;"),
            ("crates/sluicegate/src/cli/b.rs", "pub(crate) struct Add;"),
        ];
        assert_eq!(faults(&commands), []);
    }
}
