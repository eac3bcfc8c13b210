//! Only `web` chooses status codes, and only code that acts as a client reads them.

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "http-status";

/// Crates that respond to HTTP or act as a client; no other crate knows that HTTP exists.
const SPEAK_HTTP: &[&str] = &["bench", "fetch", "fuzz", "testkit", "web", "xtask"];

const WORDS: &[&str] = &["StatusCode", "http::"];

/// The binary accepts connections and therefore names requests; its client, which the demo plays, reads statuses.
const BINARY: &str = "sluicegate";
const CLIENT_IN_THE_BINARY: &[&str] =
    &["crates/sluicegate/src/demo/", "crates/sluicegate/src/http_client.rs"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources().filter(|(file, _)| !SPEAK_HTTP.contains(&file.crate_name())) {
        let words = match file.crate_name() {
            BINARY if CLIENT_IN_THE_BINARY.iter().any(|client| file.path.starts_with(client)) => &[],
            BINARY => &WORDS[..1],
            _ => WORDS,
        };
        for (line, code) in source.shipped_lines() {
            if let Some(word) = words.iter().find(|word| has_word(code, word)) {
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
        let binary = Tree::sample(&[
            ("crates/sluicegate/src/accept.rs", "use http::Request;\nlet s = StatusCode::OK;\n"),
            ("crates/sluicegate/src/demo/client.rs", code),
        ]);
        assert_eq!(check(&binary).iter().map(|fault| fault.line).collect::<Vec<_>>(), [2]);
        assert_eq!((faults[0].path.as_str(), faults[0].line), ("crates/app/src/a.rs", 1));
    }
}
