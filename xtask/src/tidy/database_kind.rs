//! No code branches on the kind of database, except for the backends, the drivers, the dialects and the
//! bootstrap.

use super::{Fault, Tree};

const RULE: &str = "database-kind";

/// Crates whose code must not name a database at all; names in strings and comments are allowed.
const BLIND: &[&str] = &["app", "domain", "oauth", "store", "vault", "web"];

const KINDS: &[&str] = &["sqlite", "postgres", "mysql"];

/// Configuration keys that contain the name of a database: they are passed on, never branched on.
const SETTINGS: &[&str] = &["sqlite_folders"];

/// The dialects of `odata`.
const DIALECTS: &[&str] = &["crates/odata/src/sql.rs", "crates/odata/src/sql/"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources().filter(|(file, _)| file.path.starts_with("crates/")) {
        let blind = BLIND.contains(&file.crate_name());
        let odata =
            file.crate_name() == "odata" && !DIALECTS.iter().any(|place| file.path.starts_with(place));
        if !blind && !odata {
            continue;
        }
        for (line, code) in source.shipped_lines() {
            let lower = SETTINGS.iter().fold(code.to_lowercase(), |code, key| code.replace(key, ""));
            if let Some(kind) = KINDS.iter().find(|kind| lower.contains(**kind)) {
                let advice =
                    format!("{kind} is named here: ask the dialect, the driver or the store instead");
                faults.push(Fault::new(RULE, &file.path, line, advice));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn only_dialects_and_backends_name_a_database() {
        let code = "match kind { Kind::Sqlite => \"x\" } // sqlite\n";
        let faults = check(&Tree::sample(&[
            ("crates/app/src/a.rs", code),
            ("crates/app/src/b.rs", "let name = \"sqlite\";\nlet x = settings.sqlite_folders;"),
            ("crates/odata/src/plan.rs", code),
            ("crates/odata/src/sql/emit.rs", code),
            ("crates/sources/src/lib.rs", code),
            ("crates/store-sqlite/src/lib.rs", code),
        ]));
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["crates/app/src/a.rs", "crates/odata/src/plan.rs"]);
    }
}
