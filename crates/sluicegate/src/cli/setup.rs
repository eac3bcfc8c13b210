//! `sluicegate init`, `migrate` and `check-config`.

use anyhow::bail;
use app::node::setup::FIRST_ACCOUNTS;
use domain::secret::Password;

use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::database::Database;
use crate::terminal::{self, say};
use crate::{bootstrap, installation, logging};

/// Creates a new installation. With `if_needed`, a complete one is left as it is, and that is a success.
///
/// # Errors
/// Why this is impossible; nothing was changed then.
pub(crate) fn init(settings: &Settings, environment: &Environment, if_needed: bool) -> anyhow::Result<()> {
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    let runtime = bootstrap::command_runtime()?;
    let database = Database::of(settings);
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    let made = if database.is_shared() {
        database.location()
    } else {
        data_directory.folder().display().to_string()
    };
    // Checked here so that the message appears before anybody is asked for passwords.
    let exists = if database.is_shared() {
        runtime.block_on(is_initialised(&database))?
    } else {
        !data_directory.is_empty(environment)?
    };
    if exists && if_needed {
        runtime.block_on(refuse_half_of_one(&database, &data_directory, environment))?;
        say(&format!("{made} is initialised already; nothing was changed"));
        return Ok(());
    }
    if exists && database.is_shared() {
        bail!("{made} is initialised already; nothing was changed");
    } else if exists {
        data_directory.begin(environment)?;
    }
    let chosen = choose(environment)?;
    let passwords = chosen.each_ref().map(|one| one.password.clone());
    runtime.block_on(installation::create(settings, environment, passwords))?;
    say(&format!("{made} is initialised"));
    report(&chosen);
    if database.is_shared() {
        say("Every node needs the same master key and SLUICEGATE_DATABASE, and a data directory of its own");
    }
    say(&format!("Start it with: sluicegate serve --data-dir {}", data_directory.folder().display()));
    Ok(())
}

async fn is_initialised(database: &Database) -> anyhow::Result<bool> {
    Ok(database.pending().await?.first().is_none_or(|first| first.number > 1))
}

/// Checks that an existing installation is complete: its master key is there, and its first accounts were made. Those of a
/// shared database are made after its tables, so an interruption may leave it without them.
async fn refuse_half_of_one(
    database: &Database,
    data_directory: &DataDirectory,
    environment: &Environment,
) -> anyhow::Result<()> {
    database.master_key(data_directory, environment)?;
    if database.is_shared() {
        let store = database.open().await?;
        let has_users = !store.list_users(None, 1).await?.is_empty();
        store.close().await?;
        if !has_users {
            bail!(
                "{} is only half initialised: another process is initialising it now, or one was interrupted. Try again; if \
                 that does not help, drop the database, create an empty one and initialise that",
                database.location()
            );
        }
    }
    Ok(())
}

/// Prints the passwords that were generated.
fn report(chosen: &[Chosen; 2]) {
    for (account, chosen) in FIRST_ACCOUNTS.iter().zip(chosen) {
        if chosen.made_up {
            say(&format!(
                "{} has the password {} (it is shown only now)",
                account.0,
                chosen.password.expose()
            ));
        }
    }
}

/// A password, and whether it must be printed.
pub(crate) struct Chosen {
    pub(super) password: Password,
    pub(super) made_up: bool,
}

/// The passwords of the first accounts: from the environment, from the terminal, or generated.
fn choose(environment: &Environment) -> anyhow::Result<[Chosen; 2]> {
    let [admin, user] = environment.first_passwords();
    Ok([choose_one(FIRST_ACCOUNTS[0].0, admin)?, choose_one(FIRST_ACCOUNTS[1].0, user)?])
}

/// The password of one account: as given, from the terminal, or generated.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn choose_one(name: &str, given: Option<Password>) -> anyhow::Result<Chosen> {
    let chosen = match given {
        Some(password) => Chosen { password, made_up: false },
        None if terminal::has_terminal() => {
            Chosen { password: terminal::ask_new_password(name)?, made_up: false }
        }
        None => Chosen { password: installation::generate_password(), made_up: true },
    };
    check(name, &chosen.password)?;
    Ok(chosen)
}

/// Checks a password against the rules.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn check(user: &str, password: &Password) -> anyhow::Result<()> {
    match domain::account::password::check(password.expose(), user) {
        Ok(()) => Ok(()),
        Err(fault) => bail!("the password of {user} cannot be used: {fault}"),
    }
}

/// Migrates the database to the schema of this version.
///
/// # Errors
/// Why this failed.
pub(crate) fn migrate(settings: &Settings, environment: &Environment, check: bool) -> anyhow::Result<()> {
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    let database = Database::of(settings);
    database.master_key(&DataDirectory::at(&settings.general.data_dir), environment)?;
    let steps = bootstrap::command_runtime()?
        .block_on(async { if check { database.pending().await } else { database.migrate().await } })?;
    let verb = if check { "would do" } else { "did" };
    for step in &steps {
        say(&format!("{verb} migration {}, {}", step.number, step.name));
    }
    if steps.is_empty() {
        say("the database has the schema of this version");
    }
    Ok(())
}

/// Prints that the configuration is valid, and which settings weaken security.
pub(crate) fn print_configuration(settings: &Settings) {
    for (key, warning) in settings.warnings() {
        say(&format!("warning: {key} weakens security: {warning}"));
    }
    say("the configuration is valid");
}
