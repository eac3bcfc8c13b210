//! The location of the repository, its files, and cargo's metadata.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The repository's root folder.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("xtask lies one level below the root").to_owned()
}

/// The paths, relative to the root, of all files that are tracked or would be once added. The result does not
/// depend on what is committed, so a rule has the same result before and after a commit.
pub(crate) fn files(root: &Path) -> Result<Vec<String>> {
    let mut git = process::command("git", root);
    let listed = process::output(git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))
        .context("the rules look at the files that git knows: run this in a clone")?;
    let mut files: Vec<String> =
        listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    files.retain(|path| root.join(path).is_file());
    files.sort_unstable();
    files.dedup();
    Ok(files)
}

/// Cargo's metadata about our own packages.
pub(crate) fn metadata(root: &Path) -> Result<Value> {
    let mut cargo = process::command("cargo", root);
    let printed = process::output(cargo.args(["metadata", "--format-version", "1", "--no-deps"]))?;
    serde_json::from_str(&printed).context("cargo metadata printed no JSON")
}
