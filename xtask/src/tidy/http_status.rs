//! A status code is chosen in `web`, and read only by what plays a client.

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "http-status";

/// Crates that answer or play a client: elsewhere nobody knows that HTTP exists.
const SPEAK_HTTP: &[&str] = &["bench", "testkit", "web", "xtask"];

const WORDS: &[&str] = &["StatusCode", "http::"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree
        .sources()
        .filter(|(file, _)| !SPEAK_HTTP.contains(&file.crate_name()))
    {
        for (line, code) in source.shipped_lines() {
            if let Some(word) = WORDS.iter().find(|word| has_word(code, word)) {
                let advice =
                    format!("`{word}` belongs to web: return a reason and let web choose the status");
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
    fn a_status_outside_web_is_a_fault() {
        let code = "use http::StatusCode;\n#[cfg(test)]\nmod tests {\n    use http::StatusCode;\n}\n";
        let tree = Tree::sample(&[("crates/app/src/a.rs", code), ("crates/web/src/a.rs", code)]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert_eq!(
            (faults[0].path.as_str(), faults[0].line),
            ("crates/app/src/a.rs", 1)
        );
    }
}
