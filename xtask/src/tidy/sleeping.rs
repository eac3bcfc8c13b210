//! Tests advance the clock; they do not wait.

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "sleeping";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        let asleep = source.lines().filter(|(line, code)| source.is_test(*line) && has_word(code, "sleep("));
        faults.extend(asleep.map(|(line, _)| {
            Fault::new(
                RULE,
                &file.path,
                line,
                "a test does not sleep: advance the manual clock or wait for the event",
            )
        }));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_sleeping_test_is_a_fault() {
        let code = "fn f() { thread::sleep(d); }\n";
        let tree = Tree::sample(&[("crates/a/tests/b.rs", code), ("crates/a/src/b.rs", code)]);
        assert_eq!(check(&tree).len(), 1);
    }
}
