//! The stores report what happened to rows, never the error codes of OAuth.

use super::source::has_word;
use super::{Fault, Tree};

const RULE: &str = "error-codes";

/// [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1) and
/// [§5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2),
/// [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1).
const CODES: &[&str] = &[
    "access_denied",
    "insufficient_scope",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_token",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources().filter(|(file, _)| is_store(file.crate_name())) {
        for piece in source.shipped_strings() {
            if let Some(code) = CODES.iter().find(|code| has_word(&piece.text, code)) {
                let advice =
                    format!("{code} is the protocol's word: return a value of the store's own error");
                faults.push(Fault::new(RULE, &file.path, piece.line, advice));
            }
        }
    }
    faults
}

fn is_store(name: &str) -> bool {
    name == "store" || name.starts_with("store-")
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn an_oauth_error_code_in_a_store_is_a_fault() {
        let code = "fn f() -> &'static str { \"invalid_grant\" }";
        let tree = Tree::sample(&[("crates/store-sqlite/src/a.rs", code), ("crates/oauth/src/a.rs", code)]);
        assert_eq!(check(&tree).len(), 1);
    }
}
