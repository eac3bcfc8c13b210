//! `sluicegate init`, `migrate` and `check-config`.

use anyhow::{Context, bail};
use app::setup::FIRST_ACCOUNTS;
use oauth::secret::Password;
use vault::{Entropy, SystemEntropy};

use super::terminal::{self, say};
use crate::config::{Environment, Settings};
use crate::installation::Installation;
use crate::{logging, wiring};

/// Makes a new installation.
///
/// # Errors
/// Why there can be none; then nothing was changed.
pub(super) fn init(settings: &Settings, environment: &Environment) -> anyhow::Result<()> {
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    let installation = Installation::at(&settings.general.data_dir);
    if !installation.is_empty(environment)? {
        // The same words as below, before anybody is asked for passwords.
        installation.begin(environment)?;
    }
    let chosen = choose(environment)?;
    wiring::command_runtime()?.block_on(create(
        settings,
        environment,
        chosen.each_ref().map(|one| one.password.clone()),
    ))?;
    say(&format!("{} is initialised", installation.folder().display()));
    for (account, chosen) in FIRST_ACCOUNTS.iter().zip(&chosen) {
        if chosen.made_up {
            say(&format!(
                "{} has the password {} (it is shown only now)",
                account.0,
                chosen.password.expose()
            ));
        }
    }
    say(&format!("Start it with: sluicegate serve --data-dir {}", installation.folder().display()));
    Ok(())
}

/// Makes the installation with these passwords for the first accounts.
///
/// # Errors
/// Why it could not be made; then nothing was changed.
pub(crate) async fn create(
    settings: &Settings,
    environment: &Environment,
    passwords: [Password; 2],
) -> anyhow::Result<()> {
    let unfinished = Installation::at(&settings.general.data_dir).begin(environment)?;
    let app = wiring::create(settings, unfinished.master_key(), &unfinished.database()).await?;
    app.set_up(passwords).await.context("the first accounts could not be made")?;
    app.close().await?;
    drop(app);
    unfinished.finish()
}

struct Chosen {
    password: Password,
    made_up: bool,
}

/// The passwords of the first accounts: from the environment, from the terminal, or made up.
fn choose(environment: &Environment) -> anyhow::Result<[Chosen; 2]> {
    let [admin, user] = environment.first_passwords();
    let one = |name: &str, given: Option<Password>| {
        let chosen = match given {
            Some(password) => Chosen { password, made_up: false },
            None if terminal::somebody_is_there() => {
                Chosen { password: terminal::ask_new_password(name)?, made_up: false }
            }
            None => Chosen { password: make_up(), made_up: true },
        };
        check(name, &chosen.password)?;
        anyhow::Ok(chosen)
    };
    Ok([one(FIRST_ACCOUNTS[0].0, admin)?, one(FIRST_ACCOUNTS[1].0, user)?])
}

/// A password that nobody chose.
pub(crate) fn make_up() -> Password {
    let mut bytes = [0; 24];
    SystemEntropy.fill(&mut bytes);
    Password::new(vault::password::readable(bytes))
}

/// Holds a password against the rules.
///
/// # Errors
/// Which rule it breaks.
pub(super) fn check(user: &str, password: &Password) -> anyhow::Result<()> {
    match oauth::account::password::check(password.expose(), user) {
        Ok(()) => Ok(()),
        Err(fault) => bail!("the password of {user} cannot be used: {fault}"),
    }
}

/// Brings the database to today's form.
///
/// # Errors
/// Why it could not be done.
pub(super) fn migrate(settings: &Settings, environment: &Environment) -> anyhow::Result<()> {
    let installation = Installation::at(&settings.general.data_dir);
    installation.master_key(environment)?;
    let path = installation.database();
    let done =
        store_sqlite::migrate(&path).with_context(|| format!("{} cannot be migrated", path.display()))?;
    for migration in done {
        say(&format!("did migration {}, {}", migration.number, migration.name));
    }
    if done.is_empty() {
        say("the database is in the form that this version needs");
    }
    Ok(())
}

/// Says that the configuration is good, and what about it weakens security.
pub(super) fn tell_configuration(settings: &Settings) {
    for (key, warning) in settings.warnings() {
        say(&format!("warning: {key} weakens security: {warning}"));
    }
    say("the configuration is good");
}
