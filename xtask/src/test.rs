//! `cargo xtask test`: the whole suite, with every tool that a test may need.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

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

/// Installs the tools, runs `cargo test --workspace` with `arguments`, and also fails if a test was ignored
/// or none ran.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let root = workspace::root();
    let mut cargo = process::command("cargo", &root);
    cargo.args(["test", "--locked", "--no-fail-fast"]);
    if !arguments.iter().any(|argument| argument == "--package" || argument == "-p") {
        cargo.arg("--workspace");
    }
    cargo.args(arguments);
    provide_clients(&mut cargo, &root)?;
    let (totals, success) = run_and_count(&mut cargo)?;
    println!("\n{} passed, {} failed, {} ignored", totals.passed, totals.failed, totals.ignored);
    if !success || totals.failed > 0 {
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

/// Installs the third-party clients below `target/clients` and passes their locations to the tests. The
/// variables do not start with `SLUICEGATE_`, because the server refuses to start with an unknown variable of
/// that prefix.
fn provide_clients(cargo: &mut Command, root: &Path) -> Result<()> {
    installation::provide(DATABASE_TOOLS, root)?;
    installation::provide(TOOLS, root)?;
    let pinned = root.join("tests/clients");
    let modules = installation::install_node_packages(&pinned, &root.join("target/clients/node"))?;
    let requirements = pinned.join("requirements.txt");
    let python =
        installation::install_python_packages(&requirements, &root.join("target/clients/python"), root)?;
    let chromium =
        process::find_program("chromium").context("chromium was installed and is not on the search path")?;
    cargo
        .env("CLIENTS_NODE_MODULES", modules)
        .env("CLIENTS_PYTHON", python)
        .env("CLIENTS_CHROMIUM", chromium);
    Ok(())
}

#[derive(Debug, Default, PartialEq)]
struct Totals {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Totals {
    /// Adds a summary line of the test runner: `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for count in counts.1.split("; ") {
            let Some((number, word)) = count.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Runs the command, repeats its output line by line, and adds up its summary lines.
fn run_and_count(cargo: &mut Command) -> Result<(Totals, bool)> {
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let printed = child.stdout.take().context("cargo's output was asked for as a pipe")?;
    let mut totals = Totals::default();
    for line in BufReader::new(printed).split(b'\n') {
        let line = String::from_utf8_lossy(&line.context("cannot read cargo's output")?).into_owned();
        println!("{line}");
        totals.add(&line);
    }
    Ok((totals, child.wait().context("cargo was lost")?.success()))
}

#[cfg(test)]
mod tests {
    use super::Totals;

    #[test]
    fn summary_lines_of_several_runners_are_added_up() {
        let mut totals = Totals::default();
        totals.add(
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
        );
        totals.add("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out");
        totals.add("test token::a_code_cannot_be_exchanged_twice ... ok");
        assert_eq!(totals, Totals { passed: 7, failed: 3, ignored: 1 });
    }
}
