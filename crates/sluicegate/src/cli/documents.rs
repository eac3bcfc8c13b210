//! `sluicegate generate-docs`: the generated documents.

use std::path::Path;

use anyhow::Context;

use crate::config::document;
use crate::terminal::say;

mod profiles;

/// The name and the text of each generated document.
fn all() -> [(&'static str, String); 5] {
    [
        ("configuration.md", document::markdown()),
        ("configuration.schema.json", document::schema()),
        ("errors.md", web::errors::reference()),
        ("openapi.json", web::reference::OPENAPI.to_owned()),
        ("profiles.md", profiles::page()),
    ]
}

/// Writes every document into the folder.
///
/// # Errors
/// If the folder cannot be written.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (name, text) in all() {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(())
}
