//! Every dependency of the workspace has one line with its reason.

use std::collections::BTreeSet;

use super::{Fault, Tree};

const RULE: &str = "dependency-reasons";
const PAGE: &str = "docs/decisions/dependencies.md";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let manifest =
        tree.file("Cargo.toml").and_then(|file| file.text.parse::<toml::Table>().ok()).unwrap_or_default();
    let listed = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies")?.as_table());
    let page = tree.file(PAGE).map(|file| file.text.as_str()).unwrap_or_default();
    let names: Vec<&String> =
        listed.into_iter().flatten().filter(|(_, d)| d.get("path").is_none()).map(|(n, _)| n).collect();
    let mut faults: Vec<Fault> = names
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .map(|name| Fault::new(RULE, PAGE, 0, format!("say why `{name}` is a dependency")))
        .collect();
    let mut seen = BTreeSet::new();
    for (index, line) in page.lines().enumerate() {
        let Some(entry) = line.strip_prefix("- `").and_then(|rest| rest.split('`').next()) else { continue };
        let message = if !names.iter().any(|name| *name == entry) {
            format!("`{entry}` is not a dependency: delete its line")
        } else if !seen.insert(entry) {
            format!("`{entry}` is listed twice: keep one line")
        } else {
            continue;
        };
        faults.push(Fault::new(RULE, PAGE, index + 1, message));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn dependencies_and_their_reasons_match() {
        let manifest =
            "[workspace.dependencies]\noauth = { path = 'crates/oauth' }\nserde = '1'\nurl = '2'\n";
        let page = "# Dependencies\n- `serde`: reads JSON\n- `rand`: dice\n- `serde`: again\n";
        let faults =
            check(&Tree::sample(&[("Cargo.toml", manifest), ("docs/decisions/dependencies.md", page)]));
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "say why `url` is a dependency",
                "`rand` is not a dependency: delete its line",
                "`serde` is listed twice: keep one line"
            ]
        );
    }
}
