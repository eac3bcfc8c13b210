//! `oauth` and `odata` are pure: everything from outside is an argument.

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "purity";
const PURE: &[&str] = &["domain", "oauth", "odata"];

const IMPURE: &[(&str, &str)] = &[
    ("async", "asynchrony"),
    ("await", "asynchrony"),
    ("tokio", "asynchrony"),
    ("SystemTime", "a clock"),
    ("Instant", "a clock"),
    ("Timestamp::now", "a clock"),
    ("Zoned::now", "a clock"),
    ("new_v4", "randomness"),
    ("now_v7", "randomness"),
    ("rand", "randomness"),
    ("getrandom", "randomness"),
    ("RandomState", "randomness"),
    ("std::env", "the environment"),
    ("std::fs", "input or output"),
    ("std::net", "input or output"),
    ("std::process", "input or output"),
    ("std::thread", "input or output"),
    ("stdin", "input or output"),
    ("println!", "input or output"),
    ("eprintln!", "input or output"),
];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources().filter(|(file, _)| PURE.contains(&file.crate_name())) {
        for (line, code) in source.shipped_lines() {
            for (word, what) in IMPURE.iter().filter(|(word, _)| has_word(code, word)) {
                let advice =
                    format!("`{word}` brings {what} into {}: make it an argument", file.crate_name());
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
    fn a_clock_in_the_protocol_is_a_fault() {
        let code = "/// Not async.\nfn f() { let now = SystemTime::now(); }\nfn operand() {}\n";
        let faults = check(&Tree::sample(&[("crates/oauth/src/a.rs", code), ("crates/app/src/a.rs", code)]));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].line, 2);
    }
}
