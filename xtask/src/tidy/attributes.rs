//! No lint is disabled without a reason, and no test is ignored.

use super::{Fault, Tree};

const RULE: &str = "attributes";

const FORBIDDEN: &[(&str, &str)] = &[
    ("[allow(", "use `#[expect(lint, reason = \"…\")]`"),
    ("[ignore", "a test runs or goes: remove the attribute or the test"),
];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        for (line, code) in source.lines() {
            let dense: String = code.split_whitespace().collect();
            let attribute = dense.strip_prefix('#').map_or("", |rest| rest.strip_prefix('!').unwrap_or(rest));
            let broken = FORBIDDEN.iter().filter(|(start, _)| attribute.starts_with(start));
            faults.extend(broken.map(|(_, advice)| Fault::new(RULE, &file.path, line, *advice)));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn allowed_lints_and_ignored_tests_are_faults() {
        let text = "#![allow(dead_code)]\n#[test]\n#[ignore]\nfn a() {}\n// #[allow(x)]\n#[expect(x, reason = \"y\")]\n";
        let lines: Vec<usize> =
            check(&Tree::sample(&[("a.rs", text)])).iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 3]);
    }
}
