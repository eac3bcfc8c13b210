//! The floor: starts `src/bin/floor.rs` with the bytes of the server's response.

use std::path::Path;

use anyhow::{Context, Result};

use crate::call::Answer;
use crate::server::Server;

/// Starts the bare server so that `/name` returns the content of `answer`.
pub(crate) fn start(programs: &Path, folder: &Path, name: &str, answer: &Answer) -> Result<Server> {
    let bodies = folder.join("floor");
    std::fs::create_dir_all(&bodies).with_context(|| format!("cannot create {}", bodies.display()))?;
    std::fs::write(bodies.join(name), &answer.body)?;
    Server::start(&programs.join("floor"), |command| {
        command.arg(&bodies);
    })
}
