//! Prepares the walkthrough: sets passwords, adds the harbour as a data source, and removes what earlier runs
//! left.

use anyhow::Context;
use app::App;
use app::identity::acting::Actor;
use app::identity::caller::RequestOrigin;
use app::management::data_sources::{DataSourceDraft, SeenSource, SourceFilter};
use app::management::lists::ListRequest;
use app::management::users::UserDraft;
use app::node::setup::FIRST_ACCOUNTS;
use domain::secret::Password;
use sources::sqlite::{self, SqliteOptions};

use super::{sample_data, walkthrough};
use crate::config::Settings;
use crate::data_directory::DataDirectory;
use crate::messages::{of_administration, of_data_source};

/// The name of the data source.
const NAME: &str = "harbour";

/// Prepares everything for the walkthrough. If the folder was used before, the accounts get these passwords,
/// because the demo stores none.
///
/// # Errors
/// What could not be prepared.
pub(super) async fn harbour(
    app: &App,
    settings: &Settings,
    new_passwords: Option<&[Password; 2]>,
) -> anyhow::Result<()> {
    let origin = RequestOrigin::command_line();
    let operator = app
        .operator()
        .caller()
        .await?
        .context("the database of the demo has no administrator; use a fresh folder")?;
    for ((name, _), password) in FIRST_ACCOUNTS.iter().zip(new_passwords.into_iter().flatten()) {
        let account =
            app.delegation().acting(operator.clone(), Some(name)).await.context(*name)?.subject().user.id;
        let draft = UserDraft {
            password: Some(password.clone()),
            active: Some(true),
            locked: Some(false),
            ..UserDraft::default()
        };
        app.users().update(&operator, account, draft, &origin).await.map_err(of_administration)?;
    }
    let user = app.delegation().acting(operator, Some(FIRST_ACCOUNTS[1].0)).await?;
    remove_earlier_runs(app, &user, &origin).await?;
    add_sample_data(app, settings, &user, &origin).await
}

async fn remove_earlier_runs(app: &App, user: &Actor, origin: &RequestOrigin) -> anyhow::Result<()> {
    let own = app.applications().list(user).await?;
    for application in own.iter().filter(|application| application.settings.name == walkthrough::APPLICATION)
    {
        app.applications().delete(user, application.id, origin).await?;
    }
    Ok(())
}

async fn add_sample_data(
    app: &App,
    settings: &Settings,
    user: &Actor,
    origin: &RequestOrigin,
) -> anyhow::Result<()> {
    let path = DataDirectory::at(&settings.general.data_dir).sources().join("harbour.sqlite");
    if !path.exists() {
        sample_data::write(&path)?;
    }
    let real = path.canonicalize().with_context(|| format!("{} cannot be found", path.display()))?;
    let options = SqliteOptions::at(real).write().context("the path of the data directory must be UTF-8")?;
    let named = ListRequest { query: Some(NAME.to_owned()), ..ListRequest::default() };
    let rows = app
        .data_sources()
        .rows(user, named, SourceFilter::default(), origin)
        .await
        .map_err(of_data_source)?;
    let known = rows.rest().await?;
    let known = known.iter().find(|source| source.record.name == NAME);
    let is_there = |source: &SeenSource| source.record.options == options;
    match known {
        Some(source) if is_there(source) => return Ok(()),
        // The folder was moved.
        Some(source) => {
            app.data_sources().delete(user, source.record.id, origin).await.map_err(of_data_source)?;
        }
        None => {}
    }
    let draft = DataSourceDraft {
        max_authentication_age: None,
        requires_second_factor: None,
        writable: None,
        name: Some(NAME.to_owned()),
        data_store: Some(sqlite::STORE.id),
        description: "A small harbour: ships, berths, visits and their cargo".to_owned(),
        options: Some(options),
    };
    app.data_sources().create(user, draft, origin).await.map_err(of_data_source)?;
    Ok(())
}
