//! The tables of `docs/spec/` name existing rules and tests.
//!
//! A table of clauses has a column `rule` and a column `test`, and each row names at least one of both in backticks. A
//! rule is an item of the shipped code, and a test is a function that a test run calls. A path of modules may precede the
//! name; it must lead to one item.

use super::items::{Items, Lookup};
use super::{Fault, Tree};

const RULE: &str = "spec-tables";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let items = Items::of(tree);
    let is_page = |path: &str| path.starts_with("docs/spec/") && path.ends_with("md");
    let mut faults = Vec::new();
    for page in tree.files.iter().filter(|file| is_page(&file.path)) {
        let mut columns: Option<Vec<String>> = None;
        for (index, line) in page.text.lines().enumerate() {
            if !line.trim_start().starts_with('|') {
                columns = None;
                continue;
            }
            let messages = match &columns {
                Some(_) if is_rule_below_headings(line) => Vec::new(),
                Some(headings) => row_faults(headings, &cells(line), &items),
                None => {
                    let headings = columns.insert(cells(&line.to_lowercase()));
                    heading_faults(headings)
                }
            };
            let fault = |message| Fault::new(RULE, &page.path, index + 1, message);
            faults.extend(messages.into_iter().map(fault));
        }
    }
    faults
}

const RULES: [&str; 2] = ["rule", "rules"];
const TESTS: [&str; 2] = ["test", "tests"];

fn heading_faults(headings: &[String]) -> Vec<String> {
    let has = |names: &[&str]| headings.iter().any(|heading| names.contains(&heading.as_str()));
    if !has(&["clause"]) {
        return Vec::new();
    }
    let missing =
        [("rule", has(&RULES)), ("test", has(&TESTS))].into_iter().filter(|(_, is_there)| !is_there);
    missing.map(|(name, _)| format!("a table of clauses has a column `{name}`")).collect()
}

fn row_faults(headings: &[String], cells: &[String], items: &Items) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, heading) in headings.iter().enumerate() {
        let (kind, lookup): (&str, fn(&Items, &str) -> Lookup) = match heading.as_str() {
            name if RULES.contains(&name) => ("rule", Items::rule),
            name if TESTS.contains(&name) => ("test", Items::test),
            _ => continue,
        };
        let names: Vec<&str> = cells.get(index).map_or_else(Vec::new, |cell| quoted(cell));
        if names.is_empty() {
            faults.push(format!("the row names no {kind}"));
        }
        for name in names {
            match lookup(items, name) {
                Lookup::One => {}
                Lookup::Nothing => faults.push(format!("there is no {kind} named {name}")),
                Lookup::Several(paths) => {
                    faults.push(format!("{name} may be {}: name its module", paths.join(" or ")));
                }
            }
        }
    }
    faults
}

/// The line of dashes below the headings.
fn is_rule_below_headings(line: &str) -> bool {
    line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

fn cells(line: &str) -> Vec<String> {
    let inside = line.trim().trim_start_matches('|').trim_end_matches('|');
    inside.replace("\\|", "¦").split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// The names in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    const CODE: &str = "fn code_is_unexpired() {}\nfn helper() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    \
                        fn an_old_code_is_refused() {}\n}\n";

    fn messages(rows: &str) -> Vec<String> {
        let page = format!("| clause | level | rule | test |\n|---|---|---|---|\n{rows}");
        let faults =
            check(&Tree::sample(&[("docs/spec/rfc6749.md", &page), ("crates/oauth/src/token.rs", CODE)]));
        faults.into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn a_row_that_names_its_rule_and_its_test_is_right() {
        let row =
            "| §4.1 `code` | MUST | `token::code_is_unexpired`, `helper()` | `an_old_code_is_refused` |\n";
        assert_eq!(messages(row), <[&str; 0]>::default());
    }

    #[test]
    fn a_rule_or_test_that_does_not_exist_is_a_fault() {
        let rows = "| §4.1 | MUST | `missing` | `an_old_code_is_refused`, `gone` |\n\
                    | §4.2 | MUST | `anything::helper` | `anything::an_old_code_is_refused` |\n";
        let expected = [
            "there is no rule named missing",
            "there is no test named gone",
            "there is no rule named anything::helper",
            "there is no test named anything::an_old_code_is_refused",
        ];
        assert_eq!(messages(rows), expected);
    }

    #[test]
    fn a_rule_is_no_test_and_a_test_no_rule() {
        let row = "| §4.1 | MUST | `an_old_code_is_refused` | `helper` |\n";
        assert_eq!(
            messages(row),
            ["there is no rule named an_old_code_is_refused", "there is no test named helper"]
        );
    }

    #[test]
    fn a_row_without_a_rule_or_a_test_is_a_fault() {
        let rows = "| §4.1 | MUST | `helper` | – |\n| §4.2 | MAY | – |\n";
        assert_eq!(
            messages(rows),
            ["the row names no test", "the row names no rule", "the row names no test"]
        );
    }

    #[test]
    fn a_name_must_lead_to_one_item() {
        let page = "| clause | rule | test |\n|---|---|---|\n| §1 | `parse` | `works` |\n";
        let code = "fn parse() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn works() {}\n}\n";
        let tree = Tree::sample(&[
            ("docs/spec/a.md", page),
            ("crates/oauth/src/a.rs", code),
            ("crates/oauth/src/b.rs", code),
        ]);
        let messages: Vec<String> = check(&tree).into_iter().map(|fault| fault.message).collect();
        let expected = [
            "parse may be oauth::a::parse or oauth::b::parse: name its module",
            "works may be oauth::a::tests::works or oauth::b::tests::works: name its module",
        ];
        assert_eq!(messages, expected);
    }

    #[test]
    fn a_table_of_clauses_has_both_columns() {
        let page = "| clause | rule |\n|---|---|\n| §1 | `helper` |\n\n| expression | result |\n|---|---|\n| a | b |\n";
        let faults = check(&Tree::sample(&[("docs/spec/a.md", page), ("crates/oauth/src/a.rs", CODE)]));
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(messages, ["a table of clauses has a column `test`"]);
    }
}
