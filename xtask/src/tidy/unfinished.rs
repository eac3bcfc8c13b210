//! The code contains nothing unfinished: it is done, or it is in the list of issues.

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "unfinished";
const MACROS: &[&str] = &["todo!", "unimplemented!"];
const MARKS: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
const PHRASE: &str = "for now";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        let calls = source.lines().filter(|(_, code)| MACROS.iter().any(|name| has_word(code, name)));
        faults.extend(calls.map(|(line, _)| Fault::new(RULE, &file.path, line, "finish it or take it out")));
        for piece in &source.comments {
            for (offset, text) in piece.text.lines().enumerate() {
                let lower = text.to_lowercase();
                if MARKS.iter().any(|mark| has_word(text, mark)) || has_word(&lower, PHRASE) {
                    let advice = "a comment says what is, not what is still to be done";
                    faults.push(Fault::new(RULE, &file.path, piece.line + offset, advice));
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn unfinished_code_is_a_fault() {
        let text = [
            "fn a() { todo",
            "!() }\n// FIX",
            "ME later\n// good enough for ",
            "now\n// a todo list\nlet x = \"XXX\";\n",
        ];
        let faults = check(&Tree::sample(&[("a.rs", &text.concat())]));
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
