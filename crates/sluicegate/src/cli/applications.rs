//! `sluicegate application`.

use std::sync::Arc;

use anyhow::anyhow;
use app::management::applications::{ApplicationError, UpdatedApplication};
use clap::Subcommand;
use domain::id::ApplicationId;
use oauth::application::Application;
use oauth::registration::Warning;
use web::application_in_json;

use self::arguments::{Ended, List, One, Register, Update};
use self::output::show;
use super::users::actor;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::messages::{given, sentence};
use crate::terminal::{confirm, say, show_json, table};

mod arguments;
mod output;
mod requests;

pub(super) use arguments::parse_id;

#[derive(Debug, Subcommand)]
pub(crate) enum ApplicationCommand {
    /// List registered applications. Last-use times are written once a minute.
    #[command(after_help = "Example: sluicegate application list --owner ada --data-dir ./data")]
    List(List),
    /// Show one application. Its last-use time is written once a minute.
    #[command(after_help = "Example: sluicegate application show 3 --data-dir ./data")]
    Show(One),
    /// Register an application; its secret is printed once.
    #[command(after_help = "Example: sluicegate application register Reports --owner ada \
        --redirect-url https://reports.example.org/callback --data-dir ./data")]
    Register(Register),
    /// Change the settings of an application; settings that are not given stay as they are.
    #[command(after_help = "Example: sluicegate application update 3 \
        --redirect-url https://reports.example.org/back --data-dir ./data")]
    Update(Update),
    /// Replace the secret and revoke all access that was granted to the application.
    #[command(after_help = "Example: sluicegate application reset-secret 3 --yes --data-dir ./data")]
    ResetSecret(Ended),
    /// Delete an application and revoke all access that was granted to it.
    #[command(after_help = "Example: sluicegate application delete 3 --yes --data-dir ./data")]
    Delete(Ended),
}

pub(crate) fn run(command: ApplicationCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        ApplicationCommand::List(command) => {
            bootstrap::with_app(&command.shown.installation, environment, async |opened| {
                list(opened, &command).await
            })
        }
        ApplicationCommand::Show(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                let registry = opened.app.scopes().registry().await?;
                let application = find(opened, one.id).await?;
                show(&application, opened.app.node().now(), &registry, one.shown.json);
                Ok(())
            })
        }
        ApplicationCommand::Register(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                register(opened, &command).await
            })
        }
        ApplicationCommand::Update(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                update(opened, &command).await
            })
        }
        ApplicationCommand::ResetSecret(ended) => {
            bootstrap::with_app(&ended.installation, environment, async |opened| {
                reset_secret(opened, &ended).await
            })
        }
        ApplicationCommand::Delete(ended) => {
            bootstrap::with_app(&ended.installation, environment, async |opened| {
                let name = find(opened, ended.id).await?.settings.name;
                confirm(&format!("Delete {name}, and revoke all access that was granted to it?"), ended.yes)?;
                let actor = actor(opened, None).await?;
                let deleted = opened.app.applications().delete(&actor, ended.id, &opened.origin).await;
                deleted.map_err(|refused| message(refused, ended.id))?;
                say(&format!("{name} (application {}) is deleted, and all its access is revoked", ended.id));
                Ok(())
            })
        }
    }
}

async fn reset_secret(opened: &OpenedInstallation, ended: &Ended) -> anyhow::Result<()> {
    let name = find(opened, ended.id).await?.settings.name;
    let question = format!("Replace the secret of {name}, and revoke all access that was granted to it?");
    confirm(&question, ended.yes)?;
    let actor = actor(opened, None).await?;
    let reset = opened.app.applications().reset_secret(&actor, ended.id, &opened.origin).await;
    let (application, secret) = reset.map_err(|refused| message(refused, ended.id))?;
    say(&format!("{name} has a new secret, and all earlier access is revoked"));
    say(&format!("clientId      {}", application.client_id));
    say(&format!("clientSecret  {} (it is shown only now)", secret.expose()));
    Ok(())
}

async fn list(opened: &OpenedInstallation, command: &List) -> anyhow::Result<()> {
    let owner = command.owner.as_deref();
    let actor = actor(opened, owner).await?;
    let mut applications = opened.app.applications().list(&actor).await?;
    if owner.is_some() {
        applications.retain(|application| application.owner == actor.subject().user.id);
    }
    if command.shown.json {
        let now = opened.app.node().now();
        let registry = opened.app.scopes().registry().await?;
        let shown = |application| application_in_json(application, now, Arc::clone(&registry));
        show_json(&applications.iter().map(shown).collect());
        return Ok(());
    }
    let row = |application: &Application| {
        vec![
            application.id.to_string(),
            application.settings.name.clone(),
            application.client_id.to_string(),
            application.owner_name.clone(),
            application.settings.profile.as_str().to_owned(),
            application.last_used_at.map_or_else(|| "never".to_owned(), date_time),
        ]
    };
    let rows: Vec<_> = applications.iter().map(row).collect();
    table(&["id", "name", "clientId", "owner", "profile", "last used"], &rows);
    Ok(())
}

async fn register(opened: &OpenedInstallation, command: &Register) -> anyhow::Result<()> {
    let actor = actor(opened, command.owner.as_deref()).await?;
    let rules = opened.app.applications().rules(&actor).await?;
    let accepted = rules.accept_registration(&command.payload());
    let accepted =
        accepted.map_err(|faults| sentence(faults.into_iter().map(|fault| (fault.field, fault.message))))?;
    accepted.warnings().iter().for_each(warn);
    let registered = opened.app.applications().register(&actor, accepted, &opened.origin).await?;
    let application = &registered.application;
    say(&format!("{} is registered with id {}", application.settings.name, application.id));
    say(&format!("clientId      {}", application.client_id));
    if let Some(secret) = &registered.secret {
        say(&format!("clientSecret  {} (it is shown only now)", secret.expose()));
    }
    Ok(())
}

async fn update(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let current = find(opened, command.id).await?;
    let own = &current.settings;
    let name = command.name.clone().unwrap_or_else(|| own.name.clone());
    let description = command.description.clone().unwrap_or_else(|| own.description.clone());
    let mut payload = command.details.payload(name, description);
    payload.redirect_urls.get_or_insert_with(|| own.redirect_urls.clone());
    let updated = opened.app.applications().update(&actor, &current, payload, &opened.origin).await;
    let UpdatedApplication { application, warnings, secret } =
        updated.map_err(|refused| message(refused, command.id))?;
    warnings.iter().for_each(warn);
    say(&format!("{} (application {}) is changed", application.settings.name, application.id));
    if let Some(secret) = &secret {
        say(&format!(
            "clientSecret  {} (it replaces the earlier ones, and is shown only now)",
            secret.expose()
        ));
    }
    Ok(())
}

fn warn(warning: &Warning) {
    say(&format!("warning: {} {}", given(&warning.field), warning.message));
}

/// Finds an application by id.
pub(super) async fn find(opened: &OpenedInstallation, id: ApplicationId) -> anyhow::Result<Application> {
    let actor = actor(opened, None).await?;
    let found = opened.app.applications().find(&actor, id, &opened.origin).await;
    found.map_err(|refused| message(refused, id))
}

/// Converts a refusal to a message for the terminal.
pub(super) fn message(refused: ApplicationError, id: ApplicationId) -> anyhow::Error {
    match refused {
        ApplicationError::Unknown => anyhow!("there is no application {id}"),
        ApplicationError::Invalid(faults) => {
            sentence(faults.into_iter().map(|fault| (fault.field, fault.message)))
        }
        other => other.into(),
    }
}
