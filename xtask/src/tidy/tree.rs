//! The repository in the form that the rules need: its files in memory, and cargo's metadata.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::source::Source;
use crate::workspace;

/// All text files of the repository.
pub(super) struct Tree {
    pub(super) files: Vec<TextFile>,
    /// `cargo metadata --no-deps`.
    pub(super) metadata: Value,
}

/// One file.
pub(super) struct TextFile {
    /// The path relative to the root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// The parsed file, if it is Rust.
    pub(super) source: Option<Source>,
}

impl Tree {
    pub(super) fn load(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for path in workspace::files(root)? {
            let bytes = std::fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile::new(&path, text));
            }
        }
        Ok(Self { files, metadata: workspace::metadata(root)? })
    }

    /// A tree for tests of rules.
    #[cfg(test)]
    pub(super) fn sample(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| TextFile::new(path, (*text).to_owned())).collect();
        Self { files, metadata: Value::Null }
    }

    pub(super) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files with their parsed content.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&TextFile, &Source)> {
        self.files.iter().filter_map(|file| file.source.as_ref().map(|source| (file, source)))
    }
}

impl TextFile {
    fn new(path: &str, text: String) -> Self {
        let is_rust = Path::new(path).extension().is_some_and(|extension| extension == "rs");
        let source = is_rust.then(|| Source::parse(&text, is_test_path(path)));
        Self { path: path.to_owned(), text, source }
    }

    /// The crate below `crates/` to which this file belongs, or its first folder.
    pub(super) fn crate_name(&self) -> &str {
        let inside = self.path.strip_prefix("crates/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or_default()
    }
}

fn is_test_path(path: &str) -> bool {
    let file_name = path.rsplit('/').next().unwrap_or(path);
    path.contains("/tests/") || path.starts_with("crates/testkit/") || file_name == "tests.rs"
}
