//! `sluicegate copy`: migrates an installation from its embedded database to one that many nodes share.

use std::path::PathBuf;

use anyhow::bail;
use app::node::clock::{Clock, SystemClock};
use clap::Args;
use vault::{Entropy, SystemEntropy};

use crate::config::{self, ConfigError, Environment, Overrides, Settings};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::terminal::{self, say};
use crate::{bootstrap, logging};

mod compare;
mod migration;
mod progress;
#[cfg(test)]
mod tests;

use migration::{Order, Outcome, Report};
use progress::Terminal;

pub(super) const EXAMPLES: &str = "Examples:\n  \
    SLUICEGATE_DATABASE=postgres://user:password@host/name sluicegate copy --data-dir ./data\n  \
    sluicegate copy --from ./data --to postgres://user@host/name\n\n\
    Stop the server first; the named database must be empty. If a copy is interrupted in any way, run the command again to \
    continue. Every row is compared before the switch; from then on the embedded database is no longer served, so that \
    nothing is redeemed twice.";

/// The number of rows in a batch.
const BATCH: usize = 1_000;

/// The source and the target of the copy.
#[derive(Debug, Args)]
pub(crate) struct CopyArguments {
    /// The folder with the embedded database [default: sluicegate-data]
    #[arg(long, visible_alias = "from", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The empty PostgreSQL database. Other users of this machine can read the command line; if the URL
    /// contains a password, set `SLUICEGATE_DATABASE` instead
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

impl CopyArguments {
    fn settings(&self, environment: &Environment) -> Result<Settings, ConfigError> {
        let mut overrides = Overrides::default();
        overrides.set("data_dir", "--data-dir", self.data_dir.as_ref().map(|path| path.display()));
        overrides.set("database", "--to", self.to.as_ref());
        config::load(self.config.as_deref(), environment, &overrides)
    }
}

/// Copies, compares and switches over.
///
/// # Errors
/// Why this failed; unless the message says otherwise, the embedded database is still the one to serve.
pub(crate) fn run(arguments: &CopyArguments, environment: &Environment) -> anyhow::Result<()> {
    let settings = arguments.settings(environment)?;
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    let database = Database::of(&settings);
    let Database::Shared(url, options) = &database else {
        bail!("name the target of the copy: set SLUICEGATE_DATABASE, or pass --to postgres://user@host/name");
    };
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    if !data_directory.database().exists() {
        bail!(
            "{} contains no embedded database: name the folder with --data-dir DIR",
            data_directory.folder().display()
        );
    }
    let order = Order {
        path: &data_directory.database(),
        url,
        options: *options,
        batch: BATCH,
        number: fresh_number(),
    };
    let began = SystemClock.now();
    let outcome = bootstrap::command_runtime()?.block_on(async {
        let mut terminal = Terminal::new();
        tokio::select! {
            outcome = migration::migrate_installation(&order, &mut terminal) => outcome,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!(
                "interrupted; run the same command again to continue"
            )),
        }
    })?;
    match outcome {
        Outcome::Moved(report) => print_report(&report, SystemClock.now().as_micros() - began.as_micros()),
        Outcome::MovedBefore => say("it was already copied; there is nothing left to do"),
    }
    print_next_steps(&data_directory, &database);
    Ok(())
}

/// A random number that identifies a copy.
fn fresh_number() -> i32 {
    let mut bytes = [0; 4];
    SystemEntropy.fill(&mut bytes);
    (i32::from_le_bytes(bytes) & i32::MAX).max(1)
}

fn print_report(report: &Report, micros: i64) {
    let rows: Vec<Vec<String>> =
        report.rows.iter().map(|(table, rows)| vec![(*table).to_owned(), rows.to_string()]).collect();
    terminal::table(&["table", "rows"], &rows);
    let all: u64 = report.rows.iter().map(|(_, rows)| rows).sum();
    let tenths = micros / 100_000;
    say(&format!("{all} rows were copied and compared, in {}.{} s", tenths / 10, tenths % 10));
    if report.replaced > 0 {
        say(&format!(
            "in {} texts of the audit log, the character NUL was replaced by U+FFFD, because PostgreSQL cannot \
             store it",
            report.replaced
        ));
    }
}

fn print_next_steps(data_directory: &DataDirectory, database: &Database) {
    let folder = data_directory.folder().display();
    say(&format!(
        "The installation is in {}; {} keeps its rows and is no longer served",
        database.location(),
        data_directory.database().display()
    ));
    say(&format!(
        "Every node needs the same master key ({folder}/master.key, or SLUICEGATE_MASTER_KEY) and SLUICEGATE_DATABASE, and a \
         data directory of its own"
    ));
    say(&format!("Start it with: SLUICEGATE_DATABASE=postgres://… sluicegate serve --data-dir {folder}"));
}
