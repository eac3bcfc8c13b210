//! The binary: command line, configuration, wiring, the accept loop, the demo.
//!
//! Everything that the program does stands in the other crates; here it is put together, started and stopped. The
//! environment is read in [`config`] and nowhere else, and only here errors are sentences instead of enums.
//!
//! Start reading at [`cli`], then [`serve`] (a server from start to end) and [`server`] (the accept loop).

use std::process::ExitCode;

mod cli;
mod config;
mod database;
mod demo;
mod installation;
mod logging;
mod serve;
mod server;
mod wiring;

/// Two to six hundredths less work for each request than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
