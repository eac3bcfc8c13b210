//! The tasks of this repository: `cargo xtask test`, `check`, `tidy`, `docs`, `bench`, `soak`, `fuzz`.
//!
//! This crate is small on purpose, so that the first `cargo xtask` on a new machine responds within seconds:
//! code that needs the server's dependencies is in the `bench` crate or behind a subcommand of the binary.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task runner speaks to a terminal")]

mod bench;
mod check;
mod dependencies;
mod documents;
mod fuzz;
mod installation;
mod process;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

  test [ARGS]   install what the tests need, then run all of them (ARGS go to `cargo test`)
  check         format, clippy, rustdoc, fuzz targets, tidy, generated documents, dependencies
  dependencies  licences and duplicate versions alone
  tidy          the architecture and style rules of this repository alone
  docs          rewrite the generated documents under docs/
  bench [ARGS]  measure the release server; `cargo xtask bench --help` lists the options
  soak [ARGS]   kill and disturb a cluster under load for minutes or hours; `cargo xtask soak --help`
  fuzz [ARGS]   run the fuzz targets for a while; `cargo xtask fuzz --help`

Example: cargo xtask test --package oauth";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let task = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let outcome = match task.as_str() {
        "test" => test::run(&rest),
        "check" => check::run(),
        "tidy" => tidy::run(),
        "dependencies" => dependencies::check(),
        "docs" => documents::rewrite(),
        "bench" => bench::run(&rest),
        "soak" => soak::run(&rest),
        "fuzz" => fuzz::run(&rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(anyhow::anyhow!("unknown task {task:?}\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
