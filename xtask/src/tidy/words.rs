//! The repository is only about the project: it contains no folders of a machine, no hosts of package
//! registries, no workplace.

use super::{Fault, Tree};

const RULE: &str = "words";

/// Each is written in two parts, so that this file passes its own rule. Compared in lower case.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("crates", ".io"), "name the package, not the registry's host"),
    (concat!("registry.npmjs", ".org"), "name the package, not the registry's host"),
    (concat!("pypi", ".org"), "name the package, not the registry's host"),
    (concat!("pythonhosted", ".org"), "name the package, not the registry's host"),
    (concat!("deb.debian", ".org"), "name the package, not the registry's host"),
    (concat!("helper ", "session"), "write about the project alone"),
    (concat!("issue ", "#"), "say what is meant instead of a number"),
];

/// Absolute folders of a machine; only at the start of a path.
const FOLDERS: &[&str] = &[concat!("/wo", "rk"), concat!("/ro", "ot"), concat!("/ho", "me/")];

/// Files that a package manager writes.
const GENERATED: &[&str] = &["Cargo.lock", "package-lock.json"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in &tree.files {
        if GENERATED.iter().any(|name| file.path.ends_with(name)) {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            let words = FORBIDDEN.iter().filter(|(word, _)| lower.contains(word));
            faults.extend(words.map(|(_, advice)| Fault::new(RULE, &file.path, index + 1, *advice)));
            if FOLDERS.iter().any(|folder| begins_a_path(&lower, folder)) {
                faults.push(Fault::new(
                    RULE,
                    &file.path,
                    index + 1,
                    "a path of one machine: make it relative",
                ));
            }
        }
    }
    faults
}

fn begins_a_path(line: &str, folder: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}' | ')' | '*');
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_part);
        let after = line[at + folder.len()..]
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
        !before && (folder.ends_with('/') || !after)
    })
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn absolute_paths_of_a_machine_are_faults() {
        let text = [
            "see /wo",
            "rk/main\n",
            "https://example.org/ro",
            "ot\n",
            "docs/wo",
            "rk\n",
            "`/ro",
            "ot`\n",
            "/wo",
            "rkers\n",
        ];
        let faults = check(&Tree::sample(&[("a.md", &text.concat())]));
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn hosts_of_registries_are_faults() {
        let text = ["from Crates", ".io\n"].concat();
        assert_eq!(check(&Tree::sample(&[("a.md", &text)])).len(), 1);
        assert!(check(&Tree::sample(&[("Cargo.lock", &text)])).is_empty());
    }
}
