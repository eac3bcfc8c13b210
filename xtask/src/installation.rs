//! What the tests and the benchmark need beyond the toolchain, installed where that is possible.
//!
//! A missing tool is never a reason to skip: either it can be installed here, or the task fails and says what to install.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{self, find_program};

/// A program and the Debian package that brings it.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
    pub(crate) purpose: &'static str,
}

/// Finds each tool or installs its Debian package; the error names everything that is still missing.
pub(crate) fn provide(tools: &[Tool], root: &Path) -> Result<()> {
    let missing = |tools: &[Tool]| -> Vec<String> {
        let absent = tools.iter().filter(|tool| find_program(tool.program).is_none());
        absent.map(|tool| tool.package.to_owned()).collect()
    };
    let packages = missing(tools);
    if packages.is_empty() {
        return Ok(());
    }
    let attempt = install_packages(&packages, root);
    let absent: Vec<String> = tools
        .iter()
        .filter(|tool| find_program(tool.program).is_none())
        .map(|tool| format!("  {} (Debian package {}): {}", tool.program, tool.package, tool.purpose))
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    let why = attempt.err().map_or_else(String::new, |error| format!("\nInstalling them failed: {error:#}"));
    bail!("These programs are missing, and no test is skipped for that:\n{}{why}", absent.join("\n"))
}

/// Installs Debian packages as root or through sudo.
pub(crate) fn install_packages(packages: &[String], root: &Path) -> Result<()> {
    if find_program("apt-get").is_none() {
        bail!("there is no apt-get here");
    }
    let is_root = process::output(process::command("id", root).arg("-u"))?.trim() == "0";
    if !is_root && find_program("sudo").is_none() {
        bail!("neither root nor sudo is at hand");
    }
    let apt = |arguments: &[&str]| {
        let mut command = process::command(if is_root { "apt-get" } else { "sudo" }, root);
        if !is_root {
            command.args(["--non-interactive", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        process::run(&mut command)
    };
    apt(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(packages.iter().map(String::as_str));
    apt(&arguments)
}

/// Installs the npm packages pinned in `from` into `into`, and returns `into/node_modules`.
pub(crate) fn install_node_packages(from: &Path, into: &Path) -> Result<PathBuf> {
    let manifest = read(&from.join("package.json"))?;
    let lock = read(&from.join("package-lock.json"))?;
    let modules = into.join("node_modules");
    once_per_content(into, &format!("{manifest}{lock}"), || {
        fs::write(into.join("package.json"), &manifest)?;
        fs::write(into.join("package-lock.json"), &lock)?;
        let mut npm = process::command("npm", into);
        process::run(npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]))
    })?;
    Ok(modules)
}

/// Makes a virtual environment in `into` with the Python packages pinned in `requirements`; returns its interpreter.
pub(crate) fn install_python_packages(requirements: &Path, into: &Path, root: &Path) -> Result<PathBuf> {
    let interpreter = into.join("bin/python");
    once_per_content(into, &read(requirements)?, || {
        let make =
            || process::run(process::command("python3", root).args(["-m", "venv", "--clear"]).arg(into));
        if make().is_err() {
            install_packages(&["python3-venv".to_owned()], root)?;
            make()?;
        }
        let mut pip = process::command(&interpreter, root);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        process::run(pip.arg(requirements))
    })?;
    Ok(interpreter)
}

/// Runs `install` unless it has already succeeded in this folder for the same content.
fn once_per_content(folder: &Path, content: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.with_extension("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == content) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    install()?;
    fs::write(&stamp, content).with_context(|| format!("cannot write {}", stamp.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
