//! A redirect to a client can be built only from a `RedirectTarget`, which only the rules of the
//! authorization endpoint create.
//!
//! The compiler keeps private fields private; this rule keeps the type in its place and closed.

use super::source::{Source, has_word};
use super::{Fault, Tree};

const RULE: &str = "redirect-target";
const TYPE: &str = "RedirectTarget";
const HOME: &str = "crates/oauth/src/authorize";

/// Derives and conversions that could create one from anything.
const OPENINGS: &[&str] = &["Default", "Deserialize", "From<", "FromStr", "TryFrom<"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources().filter(|(file, _)| file.path.starts_with("crates/")) {
        let home = file.path.starts_with(HOME);
        for (line, code) in source.lines() {
            if !home && builds(code) {
                faults.push(Fault::new(
                    RULE,
                    &file.path,
                    line,
                    "only the authorize rules create a RedirectTarget",
                ));
            }
            if home && opens(source, line, code) {
                faults.push(Fault::new(
                    RULE,
                    &file.path,
                    line,
                    "a RedirectTarget must stay closed: private fields, no conversion",
                ));
            }
        }
    }
    faults
}

/// A literal or a definition of the type.
fn builds(code: &str) -> bool {
    let literal = |mark: &str| has_word(code, &format!("{TYPE}{mark}"));
    let returned = code.contains("->") || code.contains("impl ");
    (literal(" {") && !returned)
        || literal("(")
        || literal("::new")
        || code.contains(&format!("struct {TYPE}"))
}

fn opens(source: &Source, line: usize, code: &str) -> bool {
    let converts = code.contains("impl") && code.contains(&format!("for {TYPE}"));
    if converts && OPENINGS.iter().any(|opening| code.contains(opening)) {
        return true;
    }
    if !code.contains(&format!("struct {TYPE}")) {
        return false;
    }
    let lines: Vec<&str> = source.code.lines().collect();
    let above =
        lines[..line - 1].iter().rev().take_while(|above| !above.trim().is_empty() && !above.contains('}'));
    let derives = above
        .filter(|above| above.contains("derive"))
        .any(|above| OPENINGS.iter().any(|o| above.contains(o)));
    let body = lines[line..].iter().take_while(|inside| !inside.starts_with('}'));
    let exposed = code.contains('{')
        && !code.contains('}')
        && body.into_iter().any(|inside| inside.trim().starts_with("pub"));
    derives || exposed || code.contains("(pub")
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn only_the_authorize_rules_build_a_redirect_target() {
        let uses = "fn f(target: &RedirectTarget) -> RedirectTarget { target.clone() }\nlet x = RedirectTarget { url };\n";
        let faults = check(&Tree::sample(&[("crates/web/src/a.rs", uses)]));
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_redirect_target_has_no_public_constructor() {
        let closed = "#[derive(Debug, Clone)]\npub struct RedirectTarget {\n    url: Url,\n}\n";
        assert!(check(&Tree::sample(&[("crates/oauth/src/authorize/target.rs", closed)])).is_empty());
        let open = closed.replace("    url", "    pub url");
        assert_eq!(check(&Tree::sample(&[("crates/oauth/src/authorize/target.rs", &open)])).len(), 1);
        let derived = closed.replace("Clone", "Deserialize");
        assert_eq!(check(&Tree::sample(&[("crates/oauth/src/authorize.rs", &derived)])).len(), 1);
    }
}
