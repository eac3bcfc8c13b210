//! The tables of `docs/spec/` name existing rules and tests.
//!
//! A table has a column `rule` and a column `test`. Each name in backticks must be a function (a rule may
//! also be a type), and that of a test must be test code. A path may precede the name.

use std::collections::BTreeSet;

use super::{Fault, Tree};

const RULE: &str = "spec-tables";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let known = Names::of(tree);
    let mut faults = Vec::new();
    let pages =
        tree.files.iter().filter(|file| file.path.starts_with("docs/spec/") && file.path.ends_with("md"));
    for page in pages {
        let mut columns: Option<Vec<String>> = None;
        for (index, line) in page.text.lines().enumerate() {
            if !line.trim_start().starts_with('|') {
                columns = None;
                continue;
            }
            let cells = cells(line);
            let Some(headings) = &columns else {
                columns = Some(cells.iter().map(|cell| cell.to_lowercase()).collect());
                continue;
            };
            for (heading, cell) in headings.iter().zip(&cells) {
                let unknown = quoted(cell).filter(|name| !known.has(heading, name));
                faults.extend(unknown.map(|name| {
                    Fault::new(RULE, &page.path, index + 1, format!("there is no {heading} named {name}"))
                }));
            }
        }
    }
    faults
}

struct Names {
    rules: BTreeSet<String>,
    tests: BTreeSet<String>,
}

impl Names {
    fn of(tree: &Tree) -> Self {
        let mut names = Self { rules: BTreeSet::new(), tests: BTreeSet::new() };
        for (_, source) in tree.sources() {
            for function in source.functions() {
                let is_test = source.is_test(function.first_line);
                let set = if is_test { &mut names.tests } else { &mut names.rules };
                set.insert(function.name.clone());
            }
            for (_, line) in source.shipped_lines() {
                let words: Vec<&str> = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
                let kinds = ["struct", "enum", "trait", "const"];
                let defined = words.windows(2).filter(|pair| kinds.contains(&pair[0]));
                names.rules.extend(defined.map(|pair| pair[1].to_owned()));
            }
        }
        names
    }

    fn has(&self, heading: &str, name: &str) -> bool {
        match heading {
            "rule" | "rules" => self.rules.contains(name),
            "test" | "tests" => self.tests.contains(name) || self.rules.contains(name),
            _ => true,
        }
    }
}

fn cells(line: &str) -> Vec<String> {
    let inside = line.trim().trim_start_matches('|').trim_end_matches('|');
    inside.replace("\\|", "¦").split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// The last path segment of each name in backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2).filter_map(|name| name.trim_end_matches("()").rsplit("::").next())
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_rule_or_test_that_does_not_exist_is_a_fault() {
        let page = "| clause | level | rule | test |\n|---|---|---|---|\n\
                    | §4.1 `code` | MUST | `token::code_is_unexpired` | `an_old_code_is_refused`, `gone` |\n\
                    | §4.2 | MUST | `missing` | – |\n";
        let code =
            "fn code_is_unexpired() {}\n#[cfg(test)]\nmod tests {\n    fn an_old_code_is_refused() {}\n}\n";
        let faults = check(&Tree::sample(&[("docs/spec/rfc6749.md", page), ("crates/oauth/src/a.rs", code)]));
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(messages, ["there is no test named gone", "there is no rule named missing"]);
    }
}
