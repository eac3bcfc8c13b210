//! `cargo xtask bench`: builds the measured programs and starts the measuring program.

use anyhow::Result;

use crate::installation::{self, Tool};
use crate::{process, workspace};

const TOOLS: &[Tool] = &[
    Tool {
        program: "taskset",
        package: "util-linux",
        purpose: "keeps the server and the load on a core each",
    },
    Tool { program: "node", package: "nodejs", purpose: "runs the peer from npm" },
    Tool { program: "npm", package: "npm", purpose: "installs the peer from npm" },
    Tool { program: "valgrind", package: "valgrind", purpose: "counts instructions" },
];

/// Builds the release server and the `bench` programs, installs the peer, and passes `arguments` on.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let root = workspace::root();
    let asks_for_help = arguments.iter().any(|argument| argument == "--help");
    let mut cargo = process::command("cargo", &root);
    cargo.args(["build", "--release", "--locked", "--package", "bench"]);
    if !asks_for_help {
        installation::provide(TOOLS, &root)?;
        cargo.args(["--package", "sluicegate"]);
    }
    process::run(&mut cargo)?;
    let peer = root.join("bench/peers/oidc-provider");
    let installed = root.join("target/peers/oidc-provider");
    if !asks_for_help {
        installation::install_node_packages(&peer, &installed)?;
        // Node resolves packages from the folder of the script.
        std::fs::copy(peer.join("server.mjs"), installed.join("server.mjs"))?;
    }
    let mut bench = process::command(root.join("target/release/bench"), &root);
    process::run(bench.args(arguments))
}
