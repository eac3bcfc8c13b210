//! Measures the release server, compared with the floor and with another product. `docs/performance.md`
//! explains the figures.
//!
//! `fixture.rs` contains the fixture, `workloads.rs` the workloads, `load.rs` the measurement.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the tables are printed")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod browser;
mod call;
mod fixture;
mod floor;
mod load;
mod machine;
mod peer;
mod prover;
mod report;
mod sample;
mod server;
mod startup;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;

use report::Report;
use testkit::postgres::PostgresServer;

/// Measures the release server; run it as `cargo xtask bench`.
///
/// Example: cargo xtask bench --seconds 5 --only refresh
#[derive(Parser, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(name = "cargo xtask bench")]
struct Options {
    /// The duration of each workload in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Two seconds for each workload, and smaller amounts of data.
    #[arg(long)]
    quick: bool,
    /// Only the workloads whose name contains this; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// Skips the floor and the peer.
    #[arg(long)]
    alone: bool,
    /// Counts the instructions of a request under valgrind instead of measuring time.
    #[arg(long, conflicts_with_all = ["write", "database"])]
    instructions: bool,
    /// Keeps what callgrind counted in this folder, one file for each workload and thread, for `callgrind_annotate`.
    #[arg(long, requires = "instructions")]
    keep: Option<PathBuf>,
    /// Measures data sources of each kind instead: SQLite, PostgreSQL and MariaDB, the latter two started for the measurement.
    #[arg(long, conflicts_with_all = ["instructions", "database"])]
    sources: bool,
    /// Writes the tables into docs/performance.md.
    #[arg(long)]
    write: bool,
    /// The kind of system database.
    #[arg(long, value_enum, default_value_t = Database::Embedded)]
    database: Database,
    /// The folder with the built programs.
    #[arg(long, default_value = "target/release", hide = true)]
    programs: PathBuf,
}

/// A kind of system database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Database {
    /// The file of a single node.
    Embedded,
    /// PostgreSQL with one node and with two, started for the measurement.
    Postgres,
}

impl Options {
    fn duration(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { self.seconds.max(1) })
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if !options.programs.join("sluicegate").is_file() {
        bail!("there is no release server in {}: run `cargo xtask bench`", options.programs.display());
    }
    // Started before the load is confined to its core, so that it can use all cores.
    let postgres = (options.database == Database::Postgres).then(workloads::shared::start_postgres);
    let servers = options.sources.then(workloads::sources::Servers::start);
    machine::keep_load_off_the_server()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let report = runtime.block_on(measure(options, postgres.as_ref(), servers.as_ref()))?;
    if options.write {
        let marks = match (&postgres, &servers) {
            (Some(_), _) => report::SHARED,
            (_, Some(_)) => report::SOURCES,
            _ => report::EMBEDDED,
        };
        report.write(std::path::Path::new("docs/performance.md"), marks)?;
    }
    Ok(())
}

async fn measure(
    options: &Options,
    postgres: Option<&PostgresServer>,
    servers: Option<&workloads::sources::Servers>,
) -> Result<Report> {
    let mut report = Report::new(machine::describe()?);
    let folder = machine::scratch_folder()?;
    let outcome = async {
        if let Some(postgres) = postgres {
            return workloads::shared::run(options, postgres, &folder, &mut report).await;
        }
        if let Some(servers) = servers {
            return workloads::sources::run(options, servers, &folder, &mut report).await;
        }
        if options.instructions {
            return workloads::instructions::run(options, &folder, &mut report).await;
        }
        workloads::run_all(options, &folder, &mut report).await?;
        startup::run(options, &folder, &mut report).await
    };
    let outcome = outcome.await;
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    outcome.map(|()| report)
}
