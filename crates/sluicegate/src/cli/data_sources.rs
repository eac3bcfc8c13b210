//! `sluicegate data-source`.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use app::acting::Actor;
use app::data_sources::{DataSourceDraft, Refused, SeenSource, Sharing, UserReference};
use clap::{Args, Subcommand};
use oauth::id::DataSourceId;
use sources::SourceSpec;

use super::terminal::{say, table};
use super::users::{self, actor};
use super::{Place, sentence};
use crate::config::Environment;
use crate::wiring::{self, Opened};

#[derive(Debug, Subcommand)]
pub(super) enum DataSourceCommand {
    /// Add a SQLite file as a data source.
    #[command(
        after_help = "Example: sluicegate data-source add shop /srv/shop.sqlite --owner ada --data-dir ./data"
    )]
    Add(Add),
    /// List all data sources.
    #[command(after_help = "Example: sluicegate data-source list --data-dir ./data")]
    List(Place),
    /// Let other users read a data source too.
    #[command(after_help = "Examples:\n  sluicegate data-source share shop ada grace --data-dir ./data\n  \
        sluicegate data-source share shop ada --stop --data-dir ./data")]
    Share(Share),
    /// Delete a data source; the file behind it is left alone.
    #[command(after_help = "Example: sluicegate data-source delete shop --data-dir ./data")]
    Delete(One),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its name: letters, digits, underscore, dash
    name: String,
    /// The SQLite file; any that the server can read, except its own
    path: PathBuf,
    /// For people
    #[arg(long, default_value = "")]
    description: String,
    /// The user to whom it belongs
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct Share {
    /// The data source's name
    name: String,
    /// The users who may read it
    #[arg(required = true, value_name = "USER")]
    users: Vec<String>,
    /// They may no longer read it
    #[arg(long)]
    stop: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The data source's name
    name: String,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(command: DataSourceCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        DataSourceCommand::Add(command) => {
            wiring::with_app(&command.place, environment, async |opened| add(opened, &command).await)
        }
        DataSourceCommand::List(place) => {
            wiring::with_app(&place, environment, async |opened| list(opened).await)
        }
        DataSourceCommand::Share(command) => {
            wiring::with_app(&command.place, environment, async |opened| share(opened, &command).await)
        }
        DataSourceCommand::Delete(one) => wiring::with_app(&one.place, environment, async |opened| {
            let actor = actor(opened, None).await?;
            let id = find(opened, &actor, &one.name).await?;
            opened.app.delete_data_source(&actor, id, &opened.origin).await.map_err(told)?;
            say(&format!("{} is deleted; its file is still there", one.name));
            Ok(())
        }),
    }
}

async fn add(opened: &Opened, command: &Add) -> anyhow::Result<()> {
    let path = std::path::absolute(&command.path).context("the path cannot be understood")?;
    let spec = SourceSpec::sqlite(path);
    let draft = DataSourceDraft {
        name: Some(command.name.clone()),
        data_store: Some(spec.data_store().id),
        description: command.description.clone(),
        options: Some(spec.options().context("the path must be UTF-8")?),
    };
    let actor = actor(opened, command.owner.as_deref()).await?;
    let added = opened.app.create_data_source(&actor, draft, &opened.origin).await.map_err(told)?;
    say(&format!("{} is added for {}, served at /api/odata4/{0}/", added.record.name, added.owner_name));
    Ok(())
}

async fn list(opened: &Opened) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let sources = opened.app.list_data_sources(&actor, &opened.origin).await.map_err(told)?;
    let row = |source: &SeenSource| {
        let record = &source.record;
        let place = record.options.values().map(String::as_str).collect::<Vec<_>>().join(" ");
        vec![
            record.id.to_string(),
            record.name.clone(),
            source.owner_name.clone(),
            record.shared_with.len().to_string(),
            place,
        ]
    };
    let rows: Vec<_> = sources.iter().map(row).collect();
    table(&["id", "name", "owner", "shared with", "path"], &rows);
    Ok(())
}

async fn share(opened: &Opened, command: &Share) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, &command.name).await?;
    let mut shared = Vec::new();
    for sharing in command.changes(opened).await? {
        shared = opened.app.share_data_source(&actor, id, sharing, &opened.origin).await.map_err(told)?;
    }
    let names: Vec<String> = shared.into_iter().filter_map(|(_, name)| name).collect();
    if names.is_empty() {
        say(&format!("{} is shared with nobody", command.name));
    } else {
        say(&format!("{} is shared with {}", command.name, names.join(", ")));
    }
    Ok(())
}

impl Share {
    async fn changes(&self, opened: &Opened) -> anyhow::Result<Vec<Sharing>> {
        if !self.stop {
            return Ok(vec![Sharing::Also(self.users.iter().cloned().map(UserReference::Name).collect())]);
        }
        let mut changes = Vec::new();
        for name in &self.users {
            changes.push(Sharing::Without(users::find(opened, name).await?));
        }
        Ok(changes)
    }
}

async fn find(opened: &Opened, actor: &Actor, name: &str) -> anyhow::Result<DataSourceId> {
    let sources = opened.app.list_data_sources(actor, &opened.origin).await.map_err(told)?;
    let found = sources.into_iter().find(|source| source.record.name.eq_ignore_ascii_case(name));
    found.map(|source| source.record.id).ok_or_else(|| anyhow!("there is no data source {name}"))
}

/// A refusal in words for a terminal.
pub(crate) fn told(refused: Refused) -> anyhow::Error {
    match refused {
        Refused::Invalid(faults) | Refused::Options(faults) => {
            sentence(faults.into_iter().map(|fault| (fault.field, fault.message)))
        }
        other => other.into(),
    }
}
