//! `sluicegate resource-server`: the APIs that access tokens protect.

use anyhow::anyhow;
use app::management::administration::AdministrationError;
use app::management::scopes::ResourceServerDraft;
use clap::{ArgGroup, Args, Subcommand};
use oauth::scope::ResourceServer;
use serde_json::{Value, json};

use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::{date_time, of_administration};
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum ResourceServerCommand {
    /// List all resource servers.
    #[command(after_help = "Example: sluicegate resource-server list --data-dir ./data")]
    List(ShowArgs),
    /// Show one resource server.
    #[command(
        after_help = "Example: sluicegate resource-server show https://orders.example.com --data-dir ./data"
    )]
    Show(One),
    /// Add a resource server.
    #[command(
        after_help = "Example: sluicegate resource-server add https://orders.example.com Orders --data-dir ./data"
    )]
    Add(Add),
    /// Change a resource server; omitted values are kept.
    #[command(after_help = "Example: sluicegate resource-server update 2 --name Orders --data-dir ./data")]
    Update(Update),
    /// Delete a resource server that has no scopes.
    #[command(after_help = "Example: sluicegate resource-server delete 2 --yes --data-dir ./data")]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The resource server, by identifier or number
    server: String,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// An absolute URI without a fragment, such as `https://orders.example.com`
    identifier: String,
    /// The name for people
    name: String,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(["identifier", "name"]).required(true).multiple(true)),
    override_usage = "sluicegate resource-server update [OPTIONS] <SERVER>"
)]
pub(crate) struct Update {
    /// The resource server, by identifier or number
    server: String,
    /// The new identifier
    #[arg(long)]
    identifier: Option<String>,
    /// The new name for people
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The resource server, by identifier or number
    server: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

pub(crate) fn run(command: ResourceServerCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        ResourceServerCommand::List(shown) => {
            bootstrap::with_app(&shown.installation, environment, async |opened| {
                list(opened, shown.json).await
            })
        }
        ResourceServerCommand::Show(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                show(&find(opened, &one.server).await?, one.shown.json);
                Ok(())
            })
        }
        ResourceServerCommand::Add(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                add(opened, &command).await
            })
        }
        ResourceServerCommand::Update(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                update(opened, &command).await
            })
        }
        ResourceServerCommand::Delete(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                delete(opened, &command).await
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let servers = opened.app.scopes().list_servers(&opened.operator, &opened.origin).await;
    let servers = servers.map_err(of_administration)?;
    if as_json {
        show_json(&servers.iter().map(in_json).collect());
        return Ok(());
    }
    let row =
        |server: &ResourceServer| vec![server.id.to_string(), server.identifier.clone(), server.name.clone()];
    table(&["id", "identifier", "name"], &servers.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn show(server: &ResourceServer, as_json: bool) {
    if as_json {
        return show_json(&in_json(server));
    }
    say(&format!("id          {}", server.id));
    say(&format!("identifier  {}", server.identifier));
    say(&format!("name        {}", server.name));
}

async fn add(opened: &OpenedInstallation, command: &Add) -> anyhow::Result<()> {
    let draft = ResourceServerDraft { identifier: command.identifier.clone(), name: command.name.clone() };
    let server = opened.app.scopes().create_server(&opened.operator, draft, &opened.origin).await;
    let server = server.map_err(|refused| message(refused, &command.identifier))?;
    say(&format!("the resource server {} is added with id {}", server.identifier, server.id));
    Ok(())
}

async fn update(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let current = find(opened, &command.server).await?;
    let draft = ResourceServerDraft {
        identifier: command.identifier.clone().unwrap_or(current.identifier),
        name: command.name.clone().unwrap_or(current.name),
    };
    let scopes = opened.app.scopes();
    let updated = scopes.update_server(&opened.operator, current.id, draft, &opened.origin).await;
    let updated = updated.map_err(|refused| message(refused, &command.server))?;
    say(&format!("the resource server {} is changed", updated.identifier));
    Ok(())
}

async fn delete(opened: &OpenedInstallation, command: &Delete) -> anyhow::Result<()> {
    let server = find(opened, &command.server).await?;
    confirm(&format!("Delete the resource server {}?", server.identifier), command.yes)?;
    let deleted = opened.app.scopes().delete_server(&opened.operator, server.id, &opened.origin).await;
    deleted.map_err(|refused| message(refused, &command.server))?;
    say(&format!("the resource server {} is deleted", server.identifier));
    Ok(())
}

/// Finds a resource server by its identifier or its number.
pub(super) async fn find(opened: &OpenedInstallation, named: &str) -> anyhow::Result<ResourceServer> {
    let servers = opened.app.scopes().list_servers(&opened.operator, &opened.origin).await;
    let mut servers = servers.map_err(of_administration)?.into_iter();
    let found = servers.find(|server| server.identifier == named || server.id.to_string() == named);
    found.ok_or_else(|| message(AdministrationError::Unknown, named))
}

/// A resource server as JSON, with the members of the management API.
fn in_json(server: &ResourceServer) -> Value {
    json!({
        "id": server.id.get(),
        "identifier": server.identifier,
        "name": server.name,
        "builtIn": server.id == oauth::scope::BUILT_IN_SERVER,
        "createdAt": date_time(server.created_at),
        "updatedAt": date_time(server.updated_at),
    })
}

fn message(refused: AdministrationError, named: &str) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => {
            anyhow!("there is no resource server {named}; `sluicegate resource-server list` shows them")
        }
        other => of_administration(other),
    }
}
