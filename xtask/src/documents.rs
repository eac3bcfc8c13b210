//! The generated documents below `docs/`, compared with the output of the binary.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// The documents that `sluicegate generate-docs DIR` must write at least; others are compared too.
const EXPECTED: &[&str] =
    &["configuration.md", "configuration.schema.json", "errors.md", "openapi.json", "profiles.md"];

/// Fails with the first differing line of each outdated document.
pub(crate) fn compare() -> Result<()> {
    let root = workspace::root();
    let mut stale = Vec::new();
    for (name, generated) in generate(&root)? {
        let committed = fs::read_to_string(root.join("docs").join(&name)).unwrap_or_default();
        if let Some(difference) = first_difference(&committed, &generated) {
            stale.push(format!("docs/{name}:{difference}"));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    bail!("{}\nRun `cargo xtask docs` and commit the result.", stale.join("\n"))
}

/// Replaces the committed documents by the generated ones.
pub(crate) fn rewrite() -> Result<()> {
    let root = workspace::root();
    for (name, generated) in generate(&root)? {
        let path = root.join("docs").join(&name);
        fs::write(&path, generated).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote docs/{name}");
    }
    Ok(())
}

fn generate(root: &Path) -> Result<Vec<(String, String)>> {
    let folder = root.join("target/generated-docs");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut cargo = process::command("cargo", root);
    cargo.args(["run", "--quiet", "--locked", "--package", "sluicegate", "--bin", "sluicegate", "--"]);
    process::run(cargo.arg("generate-docs").arg(&folder))?;
    let mut documents = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path: PathBuf = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        documents.push((name, fs::read_to_string(&path)?));
    }
    documents.sort();
    for expected in EXPECTED {
        if !documents.iter().any(|(name, _)| name == expected) {
            bail!("`sluicegate generate-docs` wrote no {expected}");
        }
    }
    Ok(documents)
}

/// `LINE: what` of the first line that differs, if any.
fn first_difference(committed: &str, generated: &str) -> Option<String> {
    if committed == generated {
        return None;
    }
    let mut lines = committed.lines();
    for (index, expected) in generated.lines().enumerate() {
        if lines.next() != Some(expected) {
            return Some(format!("{}: the code says: {expected}", index + 1));
        }
    }
    Some(format!("{}: has more than the code says", generated.lines().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n").as_deref(), Some("2: the code says: c"));
        assert_eq!(first_difference("a\nb\n", "a\n").as_deref(), Some("2: has more than the code says"));
        assert_eq!(first_difference("", "a\n").as_deref(), Some("1: the code says: a"));
    }
}
