//! Modules are named after their content, and `foo.rs` is beside `foo/`.

use super::{Fault, Tree};

const RULE: &str = "module-names";

const EMPTY_WORDS: &[&str] = &["utils", "util", "helpers", "helper", "common", "types", "manager", "misc"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        let stem = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or_default();
        if stem == "mod" {
            faults.push(Fault::new(
                RULE,
                &file.path,
                0,
                "move it beside its folder: `foo.rs`, not `foo/mod.rs`",
            ));
        }
        if EMPTY_WORDS.contains(&stem) {
            faults.push(Fault::new(
                RULE,
                &file.path,
                0,
                format!("`{stem}` says nothing: name it for what it holds"),
            ));
        }
        for (line, code) in source.lines() {
            let name = code.split("mod ").nth(1).and_then(|rest| rest.split_once(" {")).map(|(name, _)| name);
            if let Some(name) = name.filter(|name| EMPTY_WORDS.contains(name)) {
                faults.push(Fault::new(
                    RULE,
                    &file.path,
                    line,
                    format!("`{name}` says nothing: name it for what it holds"),
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn meaningless_module_names_are_faults() {
        let tree = Tree::sample(&[
            ("crates/a/src/mod.rs", ""),
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/b.rs", "mod helpers {\n}\nmod tests {\n}\n"),
        ]);
        assert_eq!(check(&tree).len(), 3);
    }
}
