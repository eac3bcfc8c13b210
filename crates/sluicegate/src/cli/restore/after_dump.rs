//! `sluicegate restore --after-pg-restore`: makes a restored database safe, which no node opens before.

use anyhow::Context;
use app::node::clock::{Clock, SystemClock};
use app::node::restore::RestoreDecision;
use domain::time::Timestamp;
use store::{Credentials, Restored};
use store_postgres::{DatabaseUrl, RestoredDump};
use vault::Vault;

use super::super::setup;
use super::{ALL_ENDED, RestoreArguments, TRUSTED};
use crate::bootstrap;
use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::messages::date_time;
use crate::terminal::say;

/// Makes a database safe that `pg_restore` has filled. There is nothing to compare with, because the previous
/// content was overwritten.
///
/// # Errors
/// Why this failed; the database is unchanged then.
pub(super) fn run(
    arguments: &RestoreArguments,
    settings: &Settings,
    environment: &Environment,
    url: &DatabaseUrl,
) -> anyhow::Result<()> {
    let database = Database::of(settings);
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let master = database.master_key(&data_directory, environment)?;
    let credentials = if arguments.danger_trust_credentials_of_backup {
        Credentials::TrustBackup
    } else {
        Credentials::Distrust
    };
    let runtime = bootstrap::command_runtime()?;
    let message = || format!("{} cannot be restored; nothing was changed", database.location());
    let dump = runtime.block_on(RestoredDump::open(url)).with_context(message)?;
    let keys = runtime.block_on(dump.keys()).with_context(message)?;
    let vault = super::open_vault(&master, &keys).context(
        "the master key of this node is not the one of the dump; nothing was changed. Put the key that belongs to the dump \
        in its place, or use another dump",
    )?;
    let appointed = arguments.appoint(credentials, environment)?;
    let taken_at = runtime.block_on(dump.taken_at()).with_context(message)?;
    let restored = runtime.block_on(async {
        let highest = keys.iter().map(|key| key.id).max().unwrap_or_default();
        end(dump, &vault, highest, decide(credentials, appointed.as_ref(), taken_at)).await
    })?;
    print_report(&database, taken_at, credentials, &restored);
    super::print_appointed(appointed.as_ref());
    say("The nodes may start, with the same SLUICEGATE_DATABASE and the same master key as before.");
    super::print_next_steps(&data_directory, credentials);
    Ok(())
}

fn decide(
    credentials: Credentials,
    appointed: Option<&(String, setup::Chosen)>,
    taken_at: Timestamp,
) -> RestoreDecision {
    let administrator = appointed.map(|(name, chosen)| (name.clone(), chosen.password.clone()));
    RestoreDecision { credentials, administrator, backup_of: date_time(taken_at) }
}

async fn end(
    dump: RestoredDump,
    vault: &Vault,
    highest_key: u32,
    decision: RestoreDecision,
) -> anyhow::Result<Restored> {
    let orders = app::node::restore::orders(vault, SystemClock.now(), highest_key, decision).await?;
    Ok(dump.revoke(&orders).await?)
}

fn print_report(database: &Database, taken_at: Timestamp, credentials: Credentials, restored: &Restored) {
    say(&format!("{} is safe to use: it contains the state of {}", database.location(), date_time(taken_at)));
    say(ALL_ENDED);
    say(match credentials {
        Credentials::TrustBackup => TRUSTED,
        _ => {
            "No credential of the dump is trusted, because what was there before is overwritten and cannot show what \
             ended since:"
        }
    });
    super::print_counts(restored);
}
