//! Creates an installation: the database, the master key and the first accounts.

use anyhow::Context;
use domain::secret::Password;
use vault::{Entropy, SystemEntropy};

use crate::bootstrap;
use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::database::Database;

/// Creates the installation with these passwords for the first accounts.
///
/// # Errors
/// Why this failed; nothing was changed then.
pub(crate) async fn create(
    settings: &Settings,
    environment: &Environment,
    passwords: [Password; 2],
) -> anyhow::Result<()> {
    let database = Database::of(settings);
    let data_directory = DataDirectory::at(&settings.general.data_dir);
    if database.is_shared() {
        let master = data_directory.key_for_shared(environment)?;
        let app = bootstrap::create(settings, &master, &database).await?;
        app.setup().run(passwords).await.context("the first accounts could not be made")?;
        return Ok(app.node().close().await?);
    }
    let unfinished = data_directory.begin(environment)?;
    let app =
        bootstrap::create(settings, unfinished.master_key(), &Database::Embedded(unfinished.database()))
            .await?;
    app.setup().run(passwords).await.context("the first accounts could not be made")?;
    app.node().close().await?;
    drop(app);
    unfinished.finish()
}

/// Generates a password.
pub(crate) fn generate_password() -> Password {
    let mut bytes = [0; 24];
    SystemEntropy.fill(&mut bytes);
    Password::new(vault::password::readable(bytes))
}
