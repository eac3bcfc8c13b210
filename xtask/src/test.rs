//! `cargo xtask test`: the whole suite, with every tool that a test may need.

mod run;
mod targets;
mod totals;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use totals::Totals;

use crate::installation::{self, Tool};
use crate::{process, workspace};

const TOOLS: &[Tool] = &[
    Tool { program: "chromium", package: "chromium", purpose: "the pages are tested in a real browser" },
    Tool { program: "node", package: "nodejs", purpose: "clients from npm are run against the server" },
    Tool { program: "npm", package: "npm", purpose: "installs the clients from npm" },
    Tool { program: "python3", package: "python3", purpose: "clients from PyPI are run against the server" },
    Tool {
        program: "pgbouncer",
        package: "pgbouncer",
        purpose: "the database is reached through a pooler too",
    },
    Tool {
        program: "softhsm2-util",
        package: "softhsm2",
        purpose: "signing keys are kept in a hardware module, which it imitates",
    },
    Tool { program: "pkcs11-tool", package: "opensc", purpose: "makes keys in that module" },
    Tool { program: "promtool", package: "prometheus", purpose: "tests the alerts" },
    Tool { program: "docker-compose", package: "docker-compose", purpose: "reads deploy/compose.yaml" },
    Tool { program: "caddy", package: "caddy", purpose: "reads deploy/Caddyfile" },
];

/// The tools of the cluster tests.
pub(crate) const DATABASE_TOOLS: &[Tool] = &[
    Tool { program: "postgres", package: "postgresql", purpose: "nodes share a database, which tests kill" },
    Tool {
        program: "mariadbd",
        package: "mariadb-server",
        purpose: "data sources are databases of its servers",
    },
    Tool { program: "faketime", package: "faketime", purpose: "the clocks of nodes are moved" },
];

/// Installs the tools, runs every test of the workspace (or those that `arguments` of `cargo test` select), and also
/// fails if a test was ignored or none ran.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let root = workspace::root();
    let clients = provide_clients(&root)?;
    let request = Request::new(arguments, clients);
    let mut totals = Totals::default();
    if request.covers_programs() {
        totals = run::all(&request, targets::build(&request, &root)?)?;
    }
    if request.covers_documents() {
        totals.add(&run::document_tests(&request, &root)?);
    }
    for failed in &totals.failed_targets {
        println!("failed: {failed}");
    }
    println!("\n{} passed, {} failed, {} ignored", totals.passed, totals.failed, totals.ignored);
    if !totals.failed_targets.is_empty() || totals.failed > 0 {
        bail!("the test suite failed");
    }
    if totals.ignored > 0 {
        bail!("{} tests were ignored; every test of this repository runs", totals.ignored);
    }
    if totals.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// What is to be tested.
#[derive(Debug)]
struct Request {
    /// Arguments of cargo, which select targets.
    selection: Vec<String>,
    /// Arguments of each test program, after `--`.
    filter: Vec<String>,
    /// The variables that name the third-party clients.
    clients: Vec<(&'static str, PathBuf)>,
}

impl Request {
    fn new(arguments: &[String], clients: Vec<(&'static str, PathBuf)>) -> Self {
        let (selection, filter) = match arguments.iter().position(|argument| argument == "--") {
            Some(at) => (&arguments[..at], &arguments[at + 1..]),
            None => (arguments, &[][..]),
        };
        Self { selection: selection.to_vec(), filter: filter.to_vec(), clients }
    }

    /// A `cargo test` of the selection.
    fn cargo(&self, root: &Path) -> Command {
        let mut cargo = process::command("cargo", root);
        cargo.args(["test", "--locked"]);
        if !self.selection.iter().any(|argument| argument == "--package" || argument == "-p") {
            cargo.arg("--workspace");
        }
        cargo.args(&self.selection);
        cargo
    }

    /// Whether test programs run, not only the examples in documentation.
    fn covers_programs(&self) -> bool {
        !self.selection.iter().any(|argument| argument == "--doc")
    }

    /// Whether the examples in documentation run too. Like cargo, they do not if targets are named.
    fn covers_documents(&self) -> bool {
        const NAMES: &[&str] = &[
            "--lib",
            "--bin",
            "--bins",
            "--test",
            "--tests",
            "--example",
            "--examples",
            "--bench",
            "--benches",
            "--all-targets",
        ];
        !self.selection.iter().any(|argument| NAMES.contains(&argument.as_str()))
    }
}

/// Installs the third-party clients below `target/clients`, and returns the variables that pass their locations to the
/// tests. These do not start with `SLUICEGATE_`, because the server refuses to start with an unknown variable of that
/// prefix.
fn provide_clients(root: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    installation::provide(DATABASE_TOOLS, root)?;
    installation::provide(TOOLS, root)?;
    let pinned = root.join("tests/clients");
    let modules = installation::install_node_packages(&pinned, &root.join("target/clients/node"))?;
    let requirements = pinned.join("requirements.txt");
    let python =
        installation::install_python_packages(&requirements, &root.join("target/clients/python"), root)?;
    let chromium =
        process::find_program("chromium").context("chromium was installed and is not on the search path")?;
    Ok(vec![("CLIENTS_NODE_MODULES", modules), ("CLIENTS_PYTHON", python), ("CLIENTS_CHROMIUM", chromium)])
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn arguments_select_targets_and_after_two_hyphens_tests() {
        let request = |arguments: &[&str]| {
            Request::new(
                &arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>(),
                Vec::new(),
            )
        };
        let all = request(&[]);
        assert!(all.selection.is_empty() && all.filter.is_empty() && all.covers_documents());
        let one = request(&["--test", "odata", "--", "expand", "--nocapture"]);
        assert_eq!(one.selection, ["--test", "odata"]);
        assert_eq!(one.filter, ["expand", "--nocapture"]);
        assert!(one.covers_programs() && !one.covers_documents());
        let documents = request(&["--doc"]);
        assert!(!documents.covers_programs() && documents.covers_documents());
    }
}
