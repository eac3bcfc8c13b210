//! Every fuzz target says what it proves, and every module that parses requests for the whole of `web` names its target.
//!
//! Both are tables of `fuzz/README.md`: a row begins with a target, or with a module of `crates/web/src` and then names its
//! targets. A module that reads no request has a row with a dash and the reason.

use super::{Fault, Tree};

const RULE: &str = "fuzz-targets";
const PAGE: &str = "fuzz/README.md";
const TARGETS: &str = "fuzz/fuzz_targets/";
const WEB: &str = "crates/web/src/";
/// The folder of which every module has a row.
const PARSERS: &str = "crates/web/src/http/";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let page = tree.file(PAGE).map(|file| file.text.as_str()).unwrap_or_default();
    let rows: Vec<Row<'_>> = page.lines().enumerate().filter_map(Row::read).collect();
    let mut faults: Vec<Fault> = rows.iter().filter_map(|row| row.fault(tree)).collect();
    for file in &tree.files {
        let wanted = if let Some(target) = file.path.strip_prefix(TARGETS) {
            target.trim_end_matches(".rs")
        } else if file.path.starts_with(PARSERS) && !file.path.ends_with("/tests.rs") {
            &file.path[WEB.len()..]
        } else {
            continue;
        };
        let message = match rows.iter().filter(|row| row.name == wanted).count() {
            0 => format!("add a row for `{wanted}`"),
            1 => continue,
            several => format!("`{wanted}` has {several} rows: keep one"),
        };
        faults.push(Fault::new(RULE, PAGE, 0, message));
    }
    faults
}

/// A row of either table.
struct Row<'a> {
    line: usize,
    /// The target or the module in its first cell.
    name: &'a str,
    rest: &'a str,
}

impl<'a> Row<'a> {
    fn read((index, line): (usize, &'a str)) -> Option<Self> {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some(Self { line: index + 1, name, rest })
    }

    fn fault(&self, tree: &Tree) -> Option<Fault> {
        let is_target = |name: &str| tree.file(&format!("{TARGETS}{name}.rs")).is_some();
        let message = if !self.name.contains('/') {
            (!is_target(self.name)).then(|| format!("there is no target `{}`", self.name))?
        } else if tree.file(&format!("{WEB}{}", self.name)).is_none() {
            format!("there is no module `{}` in {WEB}", self.name)
        } else {
            let targets: Vec<&str> = self.rest.split('`').skip(1).step_by(2).collect();
            let is_excused = self.rest.starts_with("– (");
            let unknown = targets.iter().find(|target| !is_target(target));
            match unknown {
                Some(unknown) => format!("there is no target `{unknown}`"),
                None if targets.is_empty() && !is_excused => {
                    format!("name the target of `{}`, or a dash and why it needs none", self.name)
                }
                None => return None,
            }
        };
        Some(Fault::new(RULE, PAGE, self.line, message))
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn messages(rows: &str) -> Vec<String> {
        let page = format!("| target | property |\n|---|---|\n{rows}");
        let faults = check(&Tree::sample(&[
            ("fuzz/README.md", &page),
            ("fuzz/fuzz_targets/web_host.rs", ""),
            ("crates/web/src/http/host.rs", ""),
            ("crates/web/src/http/host/tests.rs", ""),
            ("crates/web/src/http/faults.rs", ""),
            ("crates/web/src/json/tree.rs", ""),
        ]));
        faults.into_iter().map(|fault| fault.message).collect()
    }

    const PROPERTY: &str = "| `web_host` | no host makes it panic |\n";
    const MODULES: &str = "| `http/host.rs` | `web_host` |\n| `http/faults.rs` | – (it reads no request) |\n";

    #[test]
    fn targets_and_modules_have_one_row_each() {
        assert_eq!(messages(&format!("{PROPERTY}{MODULES}")), [""; 0]);
        let missing =
            ["add a row for `web_host`", "add a row for `http/host.rs`", "add a row for `http/faults.rs`"];
        assert_eq!(messages(""), missing);
        let twice = messages(&format!("{PROPERTY}{PROPERTY}{MODULES}"));
        assert_eq!(twice, ["`web_host` has 2 rows: keep one"]);
    }

    #[test]
    fn a_row_names_what_exists() {
        for (row, message) in [
            ("| `gone` | property |", "there is no target `gone`"),
            ("| `http/gone.rs` | `web_host` |", "there is no module `http/gone.rs` in crates/web/src/"),
            ("| `json/tree.rs` | `gone` |", "there is no target `gone`"),
            (
                "| `json/tree.rs` | later |",
                "name the target of `json/tree.rs`, or a dash and why it needs none",
            ),
        ] {
            assert_eq!(messages(&format!("{PROPERTY}{MODULES}{row}\n")), [message], "{row}");
        }
        assert_eq!(messages(&format!("{PROPERTY}{MODULES}| `json/tree.rs` | `web_host` |\n")), [""; 0]);
    }
}
