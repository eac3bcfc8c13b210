//! The test programs of the workspace.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Request;

/// These take longest. They start first, so that no core waits for one of them at the end.
const LONGEST: &[&str] =
    &["conformance", "cluster", "pages", "protocol", "clients", "dialects", "acknowledged"];

/// A test program.
#[derive(Debug, PartialEq)]
pub(super) struct Target {
    /// The package and the target, for example `web odata`.
    pub(super) name: String,
    /// The folder of the package, in which its tests run.
    pub(super) folder: PathBuf,
    pub(super) program: PathBuf,
}

/// Compiles what is to be tested, and lists the programs in the order in which they start.
pub(super) fn build(request: &Request, root: &Path) -> Result<Vec<Target>> {
    let mut cargo = request.cargo(root);
    cargo.args(["--no-run", "--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
    let output = cargo.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the tests do not compile");
    }
    let messages = String::from_utf8(output.stdout).context("cargo printed something that is not UTF-8")?;
    let mut targets = Vec::new();
    for message in messages.lines().filter(|line| line.starts_with('{')) {
        targets.extend(target_of(&serde_json::from_str(message)?));
    }
    targets.sort_by_key(|target| {
        let named = |longest: &&str| target.name.ends_with(&format!(" {longest}"));
        LONGEST.iter().position(named).unwrap_or(LONGEST.len())
    });
    Ok(targets)
}

/// The test program that a message of cargo announces.
fn target_of(message: &Value) -> Option<Target> {
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let program = PathBuf::from(message["executable"].as_str()?);
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let package = folder.file_name()?.to_string_lossy().into_owned();
    let target = &message["target"];
    let name = match target["kind"][0].as_str()? {
        "test" => format!("{package} {}", target["name"].as_str()?),
        kind => format!("{package} ({kind})"),
    };
    Some(Target { name, folder, program })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_named_by_package_and_target() {
        let message = |kind: &str, test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": "/w/crates/web/Cargo.toml", "profile": { "test": test },
                "target": { "kind": [kind], "name": "odata" }, "executable": "/w/target/debug/deps/odata-1",
            })
        };
        let found = target_of(&message("test", true)).unwrap();
        assert_eq!(found.name, "web odata");
        assert_eq!(found.folder, Path::new("/w/crates/web"));
        assert_eq!(found.program, Path::new("/w/target/debug/deps/odata-1"));
        assert_eq!(target_of(&message("lib", true)).unwrap().name, "web (lib)");
        assert_eq!(target_of(&message("bin", false)), None);
        assert_eq!(target_of(&serde_json::json!({ "reason": "build-finished", "success": true })), None);
    }
}
