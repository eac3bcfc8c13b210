//! `sluicegate backup`.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use app::node::clock::{Clock, SystemClock};
use clap::Args;
use store_sqlite::{Backup, CopyError, Figures};

use crate::arguments::InstallationArgs;
use crate::config::Environment;
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::logging;
use crate::messages::date_time;
use crate::terminal::{progress, say};

#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    installation: InstallationArgs,
    /// The file to create; nothing is ever overwritten
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Copies the database. This does not need the master key, so whoever makes backups need not be able to read
/// it.
///
/// # Errors
/// Why there is no copy; no file is left behind then.
pub(crate) fn run(arguments: &BackupArguments, environment: &Environment) -> anyhow::Result<()> {
    let settings = arguments.installation.settings(environment)?;
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    let shared = Database::of(&settings);
    if shared.is_shared() {
        bail!(
            "{} is backed up with pg_dump --format=custom; that does not contain the master key either",
            shared.location()
        );
    }
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let database = data_directory.database();
    if !data_directory.holds_database()? {
        bail!(
            "{} contains no database: name the folder with --data-dir DIR",
            data_directory.folder().display()
        );
    }
    let event = app::node::restore::backup_event(SystemClock.now());
    let order = Backup { from: &database, to: &arguments.to, event: &event };
    let figures = store_sqlite::backup(&order, &mut |hundredths| progress("copied", hundredths))
        .map_err(message)
        .with_context(|| format!("no backup was made of {}", database.display()))?;
    data_directory.note_backup();
    say(&format!("{} is a backup of {}, checked and complete", arguments.to.display(), database.display()));
    print_figures(&figures);
    say(
        "The master key is not in it. Keep the key elsewhere: without it the backup is useless, and together they \
         give everything away.",
    );
    Ok(())
}

/// The error as shown in a terminal. The operator chooses the file of the backup, so the message advises on that.
fn message(error: CopyError) -> anyhow::Error {
    match error {
        CopyError::File { path, source } => anyhow!(
            "{} cannot be written ({source}): choose a folder that this user may write to and that has enough space",
            path.display()
        ),
        other => other.into(),
    }
}

/// Prints the content of a backup.
pub(super) fn print_figures(figures: &Figures) {
    let Figures { bytes, taken_at, users, applications, data_sources, grants, audit_events } = figures;
    say(&format!(
        "It was taken at {}, has {bytes} bytes and contains: users {users}, applications {applications}, data \
         sources \
        {data_sources}, grants {grants}, audit events {audit_events}",
        date_time(*taken_at)
    ));
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::messages::advice;

    #[test]
    fn an_unwritable_target_gets_one_piece_of_advice() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::StorageFull, io::ErrorKind::NotFound] {
            let file = CopyError::File { path: "/srv/backup.db".into(), source: kind.into() };
            let error = message(file).context("no backup was made of /data/sluicegate.db");
            let message = format!("{error:#}{}", advice(&error));
            assert!(
                message.contains("/srv/backup.db cannot be written") && message.contains("choose a folder"),
                "{message}"
            );
            assert!(!message.contains("Run this as"), "{message}");
            assert_eq!(message.matches(&io::Error::from(kind).to_string()).count(), 1, "{message}");
        }
    }
}
