//! Tools that the tests and the benchmark need besides the toolchain, installed if possible.
//!
//! A missing tool is never a reason to skip a test: either it can be installed, or the task fails and says
//! what to install. No installed package starts a service, and PostgreSQL creates no database cluster of its
//! own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{self, find_program};

/// The folder of PostgreSQL's server in Debian: one subfolder for each release, none of them on the search
/// path.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// The setting for what PostgreSQL's package does when it is installed.
const CLUSTERS: &str = "/etc/postgresql-common/createcluster.conf";

/// Every package calls it before it starts a service; 101 forbids that.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// A program and the Debian package that contains it.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
    pub(crate) purpose: &'static str,
}

impl Tool {
    /// Also searches folders that are not on the search path of Debian users other than root.
    fn is_there(&self) -> bool {
        find_program(self.program).is_some()
            || Path::new("/usr/sbin").join(self.program).is_file()
            || releases_of_postgresql().any(|release| release.join("bin").join(self.program).is_file())
    }
}

fn releases_of_postgresql() -> impl Iterator<Item = PathBuf> {
    fs::read_dir(POSTGRESQL).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Finds each tool or installs its Debian package; the error lists everything that is still missing.
pub(crate) fn provide(tools: &[Tool], root: &Path) -> Result<()> {
    let packages: Vec<String> =
        tools.iter().filter(|tool| !tool.is_there()).map(|tool| tool.package.to_owned()).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let attempt = install_packages(&packages, root);
    let absent: Vec<String> = tools
        .iter()
        .filter(|tool| !tool.is_there())
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
    let privileged = Privileged::find(root)?;
    let services = privileged.forbid_services()?;
    let installed = privileged.update_and_install(packages);
    privileged.allow_services(&services)?;
    installed
}

/// Whether this process created the file that forbids services, and must delete it.
enum Services {
    ForbiddenHere,
    ForbiddenBefore,
}

/// A way to act as root.
struct Privileged<'a> {
    is_root: bool,
    root: &'a Path,
}

impl<'a> Privileged<'a> {
    fn find(root: &'a Path) -> Result<Self> {
        let is_root = process::output(process::command("id", root).arg("-u"))?.trim() == "0";
        if !is_root && find_program("sudo").is_none() {
            bail!("neither root nor sudo is at hand");
        }
        Ok(Self { is_root, root })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = process::command(if self.is_root { program } else { "sudo" }, self.root);
        if !self.is_root {
            command.args(["--non-interactive", "env", "DEBIAN_FRONTEND=noninteractive", program]);
        }
        process::run(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    }

    fn apt(&self, arguments: &[&str]) -> Result<()> {
        self.run("apt-get", arguments)
    }

    /// Finishes an interrupted installation first, because it would make this one fail.
    fn update_and_install(&self, packages: &[String]) -> Result<()> {
        self.run("dpkg", &["--configure", "-a"])?;
        self.apt(&["update", "--quiet"])?;
        if packages.iter().any(|package| package == "postgresql") {
            self.install_postgresql_tools()?;
        }
        self.install(packages)
    }

    fn install(&self, packages: &[String]) -> Result<()> {
        let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
        arguments.extend(packages.iter().map(String::as_str));
        self.apt(&arguments)
    }

    /// Installs the tools before the server, and configures them not to create and start the cluster of the
    /// server's package. If the tools are already installed, their owner has decided.
    fn install_postgresql_tools(&self) -> Result<()> {
        if Path::new(CLUSTERS).exists() {
            return Ok(());
        }
        self.install(&["postgresql-common".to_owned()])?;
        self.run(
            "sed",
            &["--in-place", "s/^#*create_main_cluster *=.*/create_main_cluster = false/", CLUSTERS],
        )
    }

    fn forbid_services(&self) -> Result<Services> {
        if Path::new(POLICY).exists() {
            return Ok(Services::ForbiddenBefore);
        }
        let script = format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}");
        self.run("sh", &["-c", &script])?;
        Ok(Services::ForbiddenHere)
    }

    fn allow_services(&self, services: &Services) -> Result<()> {
        match services {
            Services::ForbiddenHere => self.run("rm", &["-f", POLICY]),
            Services::ForbiddenBefore => Ok(()),
        }
    }
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
