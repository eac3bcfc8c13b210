//! `sluicegate restore`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use app::node::clock::{Clock, SystemClock};
use app::node::restore::RestoreDecision;
use app::node::setup::FIRST_ACCOUNTS;
use clap::Args;
use domain::secret::Password;
use store::{Credentials, Restored, StoredKey};
use store_sqlite::{Current, DatabaseLock, Figures, StagedRestore};
use vault::{HashingSettings, MasterKey, SystemEntropy, Vault};

use super::{backup, setup};
use crate::arguments::InstallationArgs;
use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::messages::date_time;
use crate::terminal::{progress, say};
use crate::{bootstrap, logging};

mod after_dump;

/// The examples at the end of the help.
pub(super) const EXAMPLES: &str = "Examples:
  sluicegate restore --data-dir ./data --from /srv/backup/sluicegate-monday.db
  SLUICEGATE_ADMIN_PASSWORD=… sluicegate restore --data-dir ./data --from monday.db --administrator ada
  SLUICEGATE_DATABASE=postgres://… sluicegate restore --data-dir ./node --after-pg-restore

Stop the server first. Every token, code and session is revoked, and everything that was revoked, deleted or changed since
the backup stays so, as far as the current database knows. Without a current database, every client secret is revoked too,
and every user except one Administrator is disabled. The current database is kept under another name.

A PostgreSQL database is restored by pg_restore; no node opens it before this command has revoked what must be revoked.";

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    installation: InstallationArgs,
    /// The backup file
    #[arg(long, value_name = "FILE", required_unless_present = "after_pg_restore")]
    from: Option<PathBuf>,
    /// Make a PostgreSQL database safe that was restored from a dump
    #[arg(long, conflicts_with = "from")]
    after_pg_restore: bool,
    /// The user who gets a new password and becomes an Administrator [default: d2cadmin, if nobody else could
    /// sign in]
    #[arg(long, value_name = "USER")]
    administrator: Option<String>,
    /// Accept every secret and every password of the backup again, including those that were revoked since
    /// because they leaked
    #[arg(long)]
    danger_trust_credentials_of_backup: bool,
}

/// Replaces the database by the backup.
///
/// # Errors
/// Why this failed; the database is unchanged then.
pub(crate) fn run(arguments: &RestoreArguments, environment: &Environment) -> anyhow::Result<()> {
    let settings = arguments.installation.settings(environment)?;
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    match (Database::of(&settings), &arguments.from) {
        (Database::Shared(url, _), None) => after_dump::run(arguments, &settings, environment, &url),
        (Database::Embedded(_), Some(from)) => replace(arguments, from, &settings, environment),
        (database @ Database::Shared(..), Some(_)) => bail!(
            "{} is not restored from a file: restore a dump with pg_restore, then run this command with \
             --after-pg-restore",
            database.location()
        ),
        (Database::Embedded(_), None) => bail!(
            "--after-pg-restore needs the restored database: name it with --database postgres://… or \
             SLUICEGATE_DATABASE"
        ),
    }
}

/// Replaces the file of the embedded database.
fn replace(
    arguments: &RestoreArguments,
    from: &Path,
    settings: &Settings,
    environment: &Environment,
) -> anyhow::Result<()> {
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let database = data_directory.database();
    refuse_the_database_itself(from, &database)?;
    let master = data_directory.key_for_restore(environment)?;
    let _alone = DatabaseLock::alone(&database)?;
    let staging = data_directory.restore_staging()?;
    let mut prepared = StagedRestore::make(from, &staging.database(), &mut |hundredths| {
        progress("copied", hundredths);
    })
    .with_context(|| format!("{} cannot be restored; nothing was changed", from.display()))?;
    let vault = open_vault(&master, &prepared.keys()?).context(
        "the master key of this installation is not that of the backup; nothing was changed. Replace it by the key \
         of the backup, or use another backup",
    )?;
    let current = prepared.compare_with(&database, |keys| open_vault(&master, keys).is_ok())?;
    let credentials = arguments.credentials(&current);
    let appointed = arguments.appoint(credentials, environment)?;
    let figures = prepared.figures();
    let decision = RestoreDecision {
        credentials,
        administrator: appointed.as_ref().map(|(name, chosen)| (name.clone(), chosen.password.clone())),
        backup_of: date_time(figures.taken_at),
    };
    let now = SystemClock.now();
    let orders = app::node::restore::orders(&vault, now, prepared.highest_key()?, decision);
    let restored = prepared.revoke(&bootstrap::command_runtime()?.block_on(orders)?)?;
    let time = date_time(now).replace(':', "-");
    let aside = store_sqlite::keep_aside(&database, &time)?;
    prepared.put_in_place(&database)?;
    Report { from, data_directory: &data_directory, current: &current, credentials, figures, restored }
        .print_report(aside.as_deref(), appointed.as_ref());
    Ok(())
}

const ALL_ENDED: &str =
    "Every token, code, session and next link was revoked: everybody must sign in and consent again.";

const TRUSTED: &str = "WARNING: every secret and every password of the backup is valid again, including those that \
                       were reset, changed or disabled since because they leaked. Reset everything that you do not \
                       trust.";

fn refuse_the_database_itself(from: &Path, database: &Path) -> anyhow::Result<()> {
    let canonical = |path: &Path| path.canonicalize().ok();
    if canonical(from).is_some() && canonical(from) == canonical(database) {
        bail!("{} is the database itself: name a backup with --from FILE", from.display());
    }
    Ok(())
}

fn open_vault(master: &MasterKey, keys: &[StoredKey]) -> anyhow::Result<Vault> {
    if keys.is_empty() {
        bail!("the ring contains no key");
    }
    let keys = app::node::keys::keys_for_vault(keys);
    Ok(Vault::open(master, &keys, Arc::new(SystemEntropy), HashingSettings::owasp(1))?)
}

impl RestoreArguments {
    fn credentials(&self, current: &Current) -> Credentials {
        match current {
            _ if self.danger_trust_credentials_of_backup => Credentials::TrustBackup,
            Current::Comparable => Credentials::CarryOver,
            _ => Credentials::Distrust,
        }
    }

    /// The user who gets a new password: the named one, or the first account if every other one is
    /// deactivated.
    fn appoint(
        &self,
        credentials: Credentials,
        environment: &Environment,
    ) -> anyhow::Result<Option<(String, setup::Chosen)>> {
        let needed = credentials == Credentials::Distrust;
        let default = || needed.then(|| FIRST_ACCOUNTS[0].0.to_owned());
        let Some(name) = self.administrator.clone().or_else(default) else { return Ok(None) };
        let [given, _]: [Option<Password>; 2] = environment.first_passwords();
        let chosen = setup::choose_one(&name, given)?;
        Ok(Some((name, chosen)))
    }
}

/// The report for an operator who may have been woken up for this.
struct Report<'a> {
    from: &'a Path,
    data_directory: &'a DataDirectory,
    current: &'a Current,
    credentials: Credentials,
    figures: Figures,
    restored: Restored,
}

impl Report<'_> {
    fn print_report(&self, aside: Option<&Path>, appointed: Option<&(String, setup::Chosen)>) {
        let folder = self.data_directory.folder().display();
        say(&format!("{} is now the database of {folder}", self.from.display()));
        backup::print_figures(&self.figures);
        say(ALL_ENDED);
        self.print_sources_of_revocations();
        print_counts(&self.restored);
        if !self.restored.lost.is_empty() {
            say(&format!(
                "Created after the backup, and therefore missing now: {}",
                self.restored.lost.join(", ")
            ));
        }
        print_appointed(appointed);
        if let Some(aside) = aside {
            say(&format!(
                "The previous database is kept as {}: delete it when you are sure. To undo this: sluicegate restore \
                --data-dir {folder} --from {}",
                aside.display(),
                aside.display()
            ));
        }
        print_next_steps(self.data_directory, self.credentials);
    }

    fn print_sources_of_revocations(&self) {
        let why = match self.current {
            Current::Comparable => "as the operator asked".to_owned(),
            Current::Missing => "there was no database that knew what was revoked since".to_owned(),
            Current::Unreadable(why) => format!("the previous database cannot be read ({why})"),
            _ => "the previous database is not a later state of the backup".to_owned(),
        };
        say(&match self.credentials {
            Credentials::CarryOver => {
                "Everything that the previous database knows to be revoked since the backup stays revoked:"
                    .to_owned()
            }
            Credentials::Distrust => format!("No credential of the backup is trusted, because {why}:"),
            Credentials::TrustBackup => TRUSTED.to_owned(),
        });
    }
}

fn print_counts(restored: &Restored) {
    let counts = restored.counts();
    for count in &counts {
        say(&format!("  {count}"));
    }
    if counts.is_empty() {
        say("  (there was nothing to revoke)");
    }
}

fn print_appointed(appointed: Option<&(String, setup::Chosen)>) {
    let Some((name, chosen)) = appointed else { return };
    let shown = if chosen.made_up {
        format!(": {} (it is shown only now)", chosen.password.expose())
    } else {
        String::new()
    };
    say(&format!("{name} is an active Administrator with a new password{shown}"));
}

fn print_next_steps(data_directory: &DataDirectory, credentials: Credentials) {
    let folder = data_directory.folder().display();
    say("Next:");
    say(&format!("  sluicegate serve --data-dir {folder}"));
    if credentials != Credentials::Distrust {
        return;
    }
    for (command, what) in [
        ("application list", "lists the applications"),
        (
            "application reset-secret ID",
            "for each application: creates a new secret, to be given to its owner",
        ),
        ("user list", "shows which users are disabled"),
        ("user set-password NAME", "for each user"),
        ("user enable NAME", "after checking the roles: some may have been withdrawn since"),
    ] {
        say(&format!("  sluicegate {command} --data-dir {folder}   # {what}"));
    }
}
