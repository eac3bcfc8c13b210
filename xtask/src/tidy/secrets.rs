//! Secrets have a redacted `Debug`, no `Display` and no `Serialize`.
//!
//! A type is a secret if its name ends in one of the words below or if its documentation has a line `Secret.`

use super::source::{Source, has_word};
use super::{Fault, Tree};

const RULE: &str = "secrets";
const ENDINGS: &[&str] = &[
    "Secret",
    "Password",
    "Passphrase",
    "MasterKey",
    "SessionCookie",
    "CodeVerifier",
];
const LEAKS: &[&str] = &["Debug", "Display", "Serialize"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree
        .sources()
        .filter(|(file, _)| file.path.starts_with("crates/"))
    {
        for (name, line) in secret_types(&file.text, source) {
            faults.extend(derived(source, &name, line).map(|leak| {
                let advice = format!("{name} is a secret: it must not derive {leak}");
                Fault::new(RULE, &file.path, line, advice)
            }));
            for (other, parts) in tree.sources() {
                faults.extend(implemented(parts, &name).map(|(line, leak)| {
                    Fault::new(
                        RULE,
                        &other.path,
                        line,
                        format!("{name} is a secret: it must not implement {leak}"),
                    )
                }));
            }
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

/// Names and lines of the secret structs that one file defines outside its tests.
fn secret_types(text: &str, source: &Source) -> Vec<(String, usize)> {
    let documented: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (line, code) in source.shipped_lines() {
        let Some((before, rest)) = code.split_once("struct ") else {
            continue;
        };
        if !(before.trim().is_empty() || before.trim_start().starts_with("pub")) {
            continue;
        }
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let newtype = rest[name.len()..].trim_start().starts_with('(');
        let above = documented[..line - 1]
            .iter()
            .rev()
            .take_while(|above| is_attached(above));
        let marked = above.into_iter().any(|above| above.trim() == "/// Secret.");
        if marked || (newtype && ENDINGS.iter().any(|ending| name.ends_with(ending))) {
            found.push((name, line));
        }
    }
    found
}

/// Whether a line above a definition belongs to it.
fn is_attached(line: &str) -> bool {
    line.trim_start().starts_with("///") || line.trim_start().starts_with("#[")
}

fn derived<'a>(source: &'a Source, _name: &str, line: usize) -> impl Iterator<Item = &'static str> + use<'a> {
    let lines: Vec<&str> = source.code.lines().collect();
    let attributes: Vec<&str> = lines[..line - 1]
        .iter()
        .rev()
        .take_while(|above| above.trim().is_empty() || above.trim_start().starts_with("#["))
        .copied()
        .collect();
    LEAKS.iter().copied().filter(move |leak| {
        attributes
            .iter()
            .any(|a| a.contains("derive") && has_word(a, leak))
    })
}

/// `impl Display for NAME` and `impl Serialize for NAME`. A hand-written `Debug` is what redacts, so it may be.
fn implemented<'a>(
    source: &'a Source,
    name: &'a str,
) -> impl Iterator<Item = (usize, &'static str)> + use<'a> {
    source.shipped_lines().filter_map(move |(line, code)| {
        let (left, right) = code.split_once(" for ")?;
        let leaks = LEAKS.iter().filter(|leak| **leak != "Debug");
        let leak = leaks.copied().find(|leak| has_word(left, leak))?;
        (left.trim_start().starts_with("impl") && has_word(right, name)).then_some((line, leak))
    })
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn messages(text: &str) -> Vec<String> {
        check(&Tree::sample(&[("crates/vault/src/a.rs", text)]))
            .into_iter()
            .map(|fault| fault.message)
            .collect()
    }

    #[test]
    fn a_secret_that_shows_itself_is_a_fault() {
        let text = "#[derive(Clone, Debug)]\npub struct ClientSecret(String);\nimpl fmt::Display for ClientSecret {}\n";
        let expected = [
            "ClientSecret is a secret: it must not derive Debug",
            "ClientSecret is a secret: it must not implement Display",
        ];
        assert_eq!(messages(text), expected);
    }

    #[test]
    fn a_redacted_secret_is_fine() {
        assert!(
            messages("#[derive(Clone)]\npub struct Password(String);\nimpl fmt::Debug for Password {}\n")
                .is_empty()
        );
    }

    #[test]
    fn a_marked_type_is_a_secret() {
        let text = "/// A key.\n///\n/// Secret.\n#[derive(Serialize)]\npub struct Sealer {\n    key: [u8; 32],\n}\n";
        assert_eq!(
            messages(text),
            ["Sealer is a secret: it must not derive Serialize"]
        );
    }

    #[test]
    fn a_record_about_a_secret_is_no_secret() {
        assert!(messages("#[derive(Debug)]\npub struct StoredSecret {\n    hint: String,\n}\n").is_empty());
    }
}
