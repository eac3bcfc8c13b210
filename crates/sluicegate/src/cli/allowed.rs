//! `sluicegate allowed`: the applications that a user has given access.

use anyhow::bail;
use app::management::allowed::{AllowedApplication, ReachedData, ReachedSource, RevokeAllowedError};
use clap::{Args, Subcommand};
use domain::id::ApplicationId;
use oauth::scope::ScopeRegistry;
use serde_json::{Value, json};

use super::applications::parse_id;
use super::users::actor;
use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::terminal::{confirm, say, show_json, table};

/// How many applications one read returns.
const BATCH: u32 = 500;

#[derive(Debug, Subcommand)]
pub(crate) enum AllowedCommand {
    /// List the applications that a user has allowed.
    #[command(after_help = "Example: sluicegate allowed list ada --data-dir ./data")]
    List(List),
    /// Revoke the access of an application to a user's data.
    #[command(after_help = "Example: sluicegate allowed revoke ada 3 --yes --data-dir ./data")]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The user's name
    user: String,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The user's name
    user: String,
    /// The application's id, as `allowed list` shows it
    #[arg(value_parser = parse_id)]
    application: ApplicationId,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

pub(crate) fn run(command: AllowedCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        AllowedCommand::List(command) => {
            bootstrap::with_app(&command.shown.installation, environment, async |opened| {
                list(opened, &command).await
            })
        }
        AllowedCommand::Revoke(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                revoke(opened, &command).await
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, command: &List) -> anyhow::Result<()> {
    let actor = actor(opened, Some(&command.user)).await?;
    let (mut allowed, mut after) = (Vec::new(), None);
    loop {
        let batch = opened.app.allowed_applications().list(&actor, after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = Some(last.allowed.application);
        allowed.extend(batch);
    }
    let registry = opened.app.scopes().registry().await?;
    if command.shown.json {
        show_json(&allowed.iter().map(|one| in_json(one, &registry)).collect());
        return Ok(());
    }
    let row = |AllowedApplication { allowed: one, data, .. }: &AllowedApplication| {
        vec![
            one.application.to_string(),
            one.name.clone(),
            one.owner_name.clone(),
            registry.text(&one.scopes),
            data.as_ref().map_or_else(String::new, in_words),
            date_time(one.since),
            one.last_used_at.map_or_else(|| "never".to_owned(), date_time),
        ]
    };
    let heads = ["id", "name", "owner", "scopes", "data", "since", "last used"];
    table(&heads, &allowed.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

/// The data that an access reaches, in a few words.
pub(super) fn in_words(data: &ReachedData) -> String {
    let mut words: Vec<String> = Vec::new();
    for source in &data.sources {
        let only = if source.entities.is_empty() { "" } else { " (in part)" };
        words.push(format!("{}{only}", source.name));
    }
    if data.unavailable > 0 {
        words.push(format!("{} not available", data.unavailable));
    }
    if data.later {
        words.push(
            if words.is_empty() { "all, now and later" } else { "all others, now and later" }.to_owned(),
        );
    }
    let except =
        if data.except.is_empty() { String::new() } else { format!(", except {}", data.except.join(", ")) };
    let changes = if data.changes.is_empty() {
        String::new()
    } else {
        format!("; may change {}", data.changes.join(", "))
    };
    words.join(", ") + &except + &changes
}

fn in_json(
    AllowedApplication { allowed: one, data, .. }: &AllowedApplication,
    registry: &ScopeRegistry,
) -> Value {
    let source = |source: &ReachedSource| json!({ "name": source.name, "entities": source.entities });
    let sources = |data: &ReachedData| data.sources.iter().map(source).collect::<Vec<_>>();
    json!({
        "id": one.application.get(),
        "name": one.name,
        "scopes": registry.names(&one.scopes),
        "dataSources": data.as_ref().map(sources),
        "unavailableDataSources": data.as_ref().map(|data| data.unavailable),
        "laterDataSources": data.as_ref().map(|data| data.later),
        "exceptDataSources": data.as_ref().map(|data| &data.except),
        "owner": one.owner_name,
        "since": date_time(one.since),
        "lastUsedAt": one.last_used_at.map(date_time),
    })
}

async fn revoke(opened: &OpenedInstallation, command: &Revoke) -> anyhow::Result<()> {
    let (user, id) = (&command.user, command.application);
    let actor = actor(opened, Some(user)).await?;
    let Some(allowed) = opened.app.allowed_applications().find(&actor, id).await? else {
        bail!(
            "{user} has not allowed any application with id {id}; `sluicegate allowed list {user}` shows the ids"
        );
    };
    let name = allowed.allowed.name;
    confirm(&format!("Revoke the access of {name} to the data of {user}?"), command.yes)?;
    match opened.app.allowed_applications().revoke(&actor, id, &opened.origin).await {
        Err(RevokeAllowedError::NotAllowed) => bail!("{name} no longer had access to the data of {user}"),
        revoked => revoked?,
    }
    say(&format!("{name} no longer has access to the data of {user}"));
    Ok(())
}
