//! Secrets have a redacted `Debug`, and neither `Display` nor `Serialize`.
//!
//! A type is a secret if the macro `secrets!` creates it, if it is a newtype whose name ends in one of the
//! words below, or if its documentation has a line `Secret.`

use super::source::{Source, has_word};
use super::{Fault, Tree};

const RULE: &str = "secrets";
const ENDINGS: &[&str] = &["Secret", "Password", "Passphrase", "MasterKey", "SessionCookie", "CodeVerifier"];
const LEAKS: &[&str] = &["Debug", "Display", "Serialize"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (file, source) in tree.sources().filter(|(file, _)| file.path.starts_with("crates/")) {
        let made = macro_types(source).into_iter().map(|name| (name, None));
        let written = secret_types(&file.text, source).into_iter().map(|(name, line)| (name, Some(line)));
        for (name, defined) in made.chain(written) {
            let says = |what: &str, leak: &str| format!("{name} is a secret: it must not {what} {leak}");
            if let Some(line) = defined {
                let leaks = derived(source, line);
                faults.extend(leaks.map(|leak| Fault::new(RULE, &file.path, line, says("derive", leak))));
            }
            // A macro's `$name` is a name in that macro only.
            let everywhere = !name.starts_with('$');
            for (other, parts) in tree.sources().filter(|(other, _)| everywhere || other.path == file.path) {
                let leaks = implemented(parts, &name);
                faults.extend(
                    leaks.map(|(line, leak)| Fault::new(RULE, &other.path, line, says("implement", leak))),
                );
            }
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

/// The names and lines of the secret structs that a file defines outside its tests.
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
        let name: String =
            rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$')).collect();
        let newtype = rest[name.len()..].trim_start().starts_with('(');
        let above = documented[..line - 1].iter().rev().take_while(|above| is_attached(above));
        let marked = above.into_iter().any(|above| above.trim() == "/// Secret.");
        let in_macro = name.starts_with('$') && source.code.contains("macro_rules! secrets");
        if in_macro || marked || (newtype && ENDINGS.iter().any(|ending| name.ends_with(ending))) {
            found.push((name, line));
        }
    }
    found
}

/// The names in the braces of `secrets! { … }`.
fn macro_types(source: &Source) -> Vec<String> {
    let blocks = source.code.split("secrets! {").skip(1).filter(|block| !block.trim_start().starts_with('('));
    let names = blocks.flat_map(|block| block.split('}').next().unwrap_or_default().split(','));
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// Whether a line above a definition belongs to it.
fn is_attached(line: &str) -> bool {
    line.trim_start().starts_with("///") || line.trim_start().starts_with("#[")
}

fn derived(source: &Source, line: usize) -> impl Iterator<Item = &'static str> {
    let lines: Vec<&str> = source.code.lines().collect();
    let attributes: Vec<&str> = lines[..line - 1]
        .iter()
        .rev()
        .take_while(|above| above.trim().is_empty() || above.trim_start().starts_with("#["))
        .copied()
        .collect();
    LEAKS
        .iter()
        .copied()
        .filter(move |leak| attributes.iter().any(|a| a.contains("derive") && has_word(a, leak)))
}

/// Finds `impl Display for NAME` and `impl Serialize for NAME`. A hand-written `Debug` is allowed, because it
/// does the redaction.
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
    fn a_secret_that_can_be_printed_is_a_fault() {
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
        assert_eq!(messages(text), ["Sealer is a secret: it must not derive Serialize"]);
    }

    #[test]
    fn types_of_the_secrets_macro_are_secrets() {
        let text = "macro_rules! secrets {\n    ($($name:ident),+) => {$(\n        #[derive(Clone, Serialize)]\n        \
                    pub struct $name(Box<str>);\n    )+};\n}\nsecrets! {\n    /// A ticket.\n    Ticket,\n}\n\
                    impl fmt::Display for Ticket {}\n";
        let expected = [
            "$name is a secret: it must not derive Serialize",
            "Ticket is a secret: it must not implement Display",
        ];
        assert_eq!(messages(text), expected);
    }

    #[test]
    fn a_record_about_a_secret_is_not_a_secret() {
        assert!(messages("#[derive(Debug)]\npub struct StoredSecret {\n    hint: String,\n}\n").is_empty());
    }
}
