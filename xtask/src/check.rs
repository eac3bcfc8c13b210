//! `cargo xtask check`: everything that can be checked without a server.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{dependencies, documents, fuzz, process, tidy, workspace};

/// Runs every step, even after a failure, so that one run reports everything.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let steps: &[(&str, &dyn Fn() -> Result<()>)] = &[
        ("toolchain", &|| toolchain(&root)),
        ("format", &|| process::run(process::command("cargo", &root).args(["fmt", "--all", "--check"]))),
        ("tidy", &tidy::run),
        ("dependencies", &dependencies::check),
        ("clippy", &|| clippy(&root)),
        ("rustdoc", &|| rustdoc(&root)),
        ("fuzz", &fuzz::smoke),
        ("documents", &documents::compare),
    ];
    let mut failed = Vec::new();
    for (name, step) in steps {
        println!("── {name}");
        if let Err(error) = step() {
            println!("{error:#}");
            failed.push(*name);
        }
    }
    if failed.is_empty() {
        println!("── all {} checks passed", steps.len());
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}

fn clippy(root: &Path) -> Result<()> {
    let mut cargo = process::command("cargo", root);
    process::run(cargo.args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn rustdoc(root: &Path) -> Result<()> {
    let mut cargo = process::command("cargo", root);
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    process::run(cargo.args(["doc", "--locked", "--no-deps", "--workspace", "--document-private-items"]))
}

/// Formatting and lints change from release to release, so the compiler must be of the release in the
/// manifest. `docs/decisions/toolchain.md` says why there is no toolchain file.
fn toolchain(root: &Path) -> Result<()> {
    let metadata = workspace::metadata(root)?;
    let wanted =
        metadata["packages"][0]["rust_version"].as_str().context("the workspace names no rust-version")?;
    let version = process::output(process::command("rustc", root).arg("--version"))?;
    let present = version.split(' ').nth(1).unwrap_or_default();
    if present == wanted || present.starts_with(&format!("{wanted}.")) {
        return Ok(());
    }
    bail!("this is rustc {present}; formatting and lints are checked with {wanted}")
}
