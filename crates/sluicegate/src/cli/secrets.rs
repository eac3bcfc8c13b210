//! `sluicegate secret`: the client secrets of an application.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use domain::id::{ApplicationId, SecretId};
use oauth::application::{Application, StoredSecret};
use serde_json::{Value, json};

use super::applications::{self, parse_id};
use super::users::actor;
use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap;
use crate::config::Environment;
use crate::messages::date_time;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// List the live secrets of an application; a secret itself is never shown again.
    #[command(after_help = "Example: sluicegate secret list 3 --data-dir ./data")]
    List(List),
    /// Add a second secret, printed once; the older one expires after the configured overlap.
    #[command(after_help = "Example: sluicegate secret add 3 --data-dir ./data")]
    Add(Add),
    /// Revoke one of two secrets; the other one remains and no longer expires.
    #[command(after_help = "Example: sluicegate secret end 3 7 --yes --data-dir ./data")]
    End(End),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    application: ApplicationId,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    application: ApplicationId,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct End {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    application: ApplicationId,
    /// The secret's id, as `secret list` shows it
    #[arg(value_parser = parse_secret)]
    secret: SecretId,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn parse_secret(text: &str) -> Result<SecretId, String> {
    text.parse().map_err(|_| "an id is a whole number".to_owned())
}

pub(crate) fn run(command: SecretCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        SecretCommand::List(command) => {
            bootstrap::with_app(&command.shown.installation, environment, async |opened| {
                let application = applications::find(opened, command.application).await?;
                list(&application, opened.app.node().now(), command.shown.json);
                Ok(())
            })
        }
        SecretCommand::Add(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                let actor = actor(opened, None).await?;
                let id = command.application;
                let added = opened.app.applications().add_secret(&actor, id, &opened.origin).await;
                let added = added.map_err(|refused| applications::message(refused, id))?;
                say(&format!("application {id} has another secret, with id {}", added.stored.id));
                say(&format!("clientSecret  {} (it is shown only now)", added.secret.expose()));
                Ok(())
            })
        }
        SecretCommand::End(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                let application = applications::find(opened, command.application).await?;
                let mut live = application.live_secrets(opened.app.node().now());
                let Some(secret) = live.find(|secret| secret.id == command.secret) else {
                    return Err(anyhow!(
                        "application {} has no live secret {}",
                        application.id,
                        command.secret
                    ));
                };
                let name = &application.settings.name;
                confirm(&format!("End the secret {} (…{}) of {name}?", secret.id, secret.hint), command.yes)?;
                let actor = actor(opened, None).await?;
                let ended = opened
                    .app
                    .applications()
                    .end_secret(&actor, application.id, secret.id, &opened.origin)
                    .await;
                ended.map_err(|refused| applications::message(refused, application.id))?;
                say(&format!("the secret {} of {name} is ended", secret.id));
                Ok(())
            })
        }
    }
}

fn list(application: &Application, now: domain::time::Timestamp, as_json: bool) {
    let live: Vec<&StoredSecret> = application.live_secrets(now).collect();
    if as_json {
        return show_json(&live.into_iter().map(in_json).collect());
    }
    let row = |secret: &&StoredSecret| {
        vec![
            secret.id.to_string(),
            format!("…{}", secret.hint),
            date_time(secret.created_at),
            secret.expires_at.map_or_else(|| "never".to_owned(), date_time),
            secret.last_used_at.map_or_else(|| "never".to_owned(), date_time),
        ]
    };
    table(&["id", "ends in", "created", "expires", "last used"], &live.iter().map(row).collect::<Vec<_>>());
}

/// A secret as JSON, without its value.
pub(super) fn in_json(secret: &StoredSecret) -> Value {
    json!({
        "id": secret.id.get(),
        "hint": secret.hint,
        "createdAt": date_time(secret.created_at),
        "expiresAt": secret.expires_at.map(date_time),
        "lastUsedAt": secret.last_used_at.map(date_time),
    })
}
