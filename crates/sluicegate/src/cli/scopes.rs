//! `sluicegate scope`: what access to a resource server may be limited to.

use anyhow::anyhow;
use app::management::administration::AdministrationError;
use app::management::scopes::{DescribedScope, ScopeDraft};
use clap::{ArgGroup, Args, Subcommand};
use oauth::scope::{Scope, ScopeRegistry};
use serde_json::{Value, json};

use super::resource_servers;
use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::{date_time, of_administration};
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum ScopeCommand {
    /// List the scopes of all resource servers.
    #[command(after_help = "Example: sluicegate scope list --data-dir ./data")]
    List(ShowArgs),
    /// Show one scope.
    #[command(after_help = "Example: sluicegate scope show orders.read --data-dir ./data")]
    Show(One),
    /// Add a scope to a resource server.
    #[command(
        after_help = "Example: sluicegate scope add https://orders.example.com orders.read 'Read your orders' \
        --assignable-by anyone --data-dir ./data"
    )]
    Add(Add),
    /// Change a scope; omitted values are kept. Only the description of a built-in scope may change.
    #[command(after_help = "Example: sluicegate scope update orders.read --risk elevated --data-dir ./data")]
    Update(Update),
    /// Delete a scope for which no application is registered and that no other implies. Access that users have granted with
    /// it ends.
    #[command(after_help = "Example: sluicegate scope delete orders.read --yes --data-dir ./data")]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The name of the scope
    name: String,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The resource server, by identifier or number
    server: String,
    /// The name by which applications ask for it, such as orders.read
    name: String,
    /// What the scope allows, in words; the consent page shows it
    description: String,
    /// low, elevated or high [default: low]
    #[arg(long)]
    risk: Option<String>,
    /// Who may assign the scope to an application: anyone, or the name of a permission [default: Administrator]
    #[arg(long, value_name = "WHO")]
    assignable_by: Option<String>,
    /// A scope of the same resource server that it implies; may be repeated
    #[arg(long, value_name = "SCOPE")]
    implies: Vec<String>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(["new_name", "description", "risk", "assignable_by", "implies", "implies_nothing"]).required(true).multiple(true)),
    override_usage = "sluicegate scope update [OPTIONS] <NAME>"
)]
pub(crate) struct Update {
    /// The name of the scope
    name: String,
    /// The new name
    #[arg(long, value_name = "NAME")]
    new_name: Option<String>,
    /// What the scope allows, in words
    #[arg(long)]
    description: Option<String>,
    /// low, elevated or high
    #[arg(long)]
    risk: Option<String>,
    /// Who may assign the scope to an application: anyone, or the name of a permission
    #[arg(long, value_name = "WHO")]
    assignable_by: Option<String>,
    /// A scope of the same resource server that it implies; may be repeated. Replaces those that it implied before
    #[arg(long, value_name = "SCOPE", conflicts_with = "implies_nothing")]
    implies: Vec<String>,
    /// Let it imply no other scope
    #[arg(long)]
    implies_nothing: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The name of the scope
    name: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

pub(crate) fn run(command: ScopeCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        ScopeCommand::List(shown) => bootstrap::with_app(&shown.installation, environment, async |opened| {
            list(&*opened.app.scopes().registry().await?, shown.json);
            Ok(())
        }),
        ScopeCommand::Show(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                show(&find(opened, &one.name).await?, one.shown.json);
                Ok(())
            })
        }
        ScopeCommand::Add(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                add(opened, &command).await
            })
        }
        ScopeCommand::Update(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                update(opened, &command).await
            })
        }
        ScopeCommand::Delete(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                delete(opened, &command).await
            })
        }
    }
}

fn list(registry: &ScopeRegistry, as_json: bool) {
    let scopes = registry.scopes();
    if as_json {
        return show_json(
            &scopes.iter().map(|scope| in_json(&DescribedScope::new(scope.clone(), registry))).collect(),
        );
    }
    let server = |scope: &Scope| {
        let found = registry.servers().iter().find(|server| server.id == scope.resource_server);
        found.map_or_else(String::new, |server| server.identifier.clone())
    };
    let row = |scope: &Scope| {
        vec![
            scope.id.to_string(),
            scope.name.clone(),
            server(scope),
            scope.risk.as_str().to_owned(),
            scope.assignment.as_str().to_owned(),
            registry.implied_by(scope).join(" "),
            scope.description.clone(),
        ]
    };
    let heads = ["id", "name", "resource server", "risk", "assignable by", "implies", "description"];
    table(&heads, &scopes.iter().map(row).collect::<Vec<_>>());
}

fn show(described: &DescribedScope, as_json: bool) {
    if as_json {
        return show_json(&in_json(described));
    }
    let DescribedScope { scope, implies } = described;
    say(&format!("id               {}", scope.id));
    say(&format!("name             {}", scope.name));
    say(&format!("resource server  {}", scope.resource_server));
    say(&format!("description      {}", scope.description));
    say(&format!("risk             {}", scope.risk.as_str()));
    say(&format!("assignable by    {}", scope.assignment.as_str()));
    if !implies.is_empty() {
        say(&format!("implies          {}", implies.join(" ")));
    }
}

async fn add(opened: &OpenedInstallation, command: &Add) -> anyhow::Result<()> {
    let server = resource_servers::find(opened, &command.server).await?;
    let draft = ScopeDraft {
        name: command.name.clone(),
        description: command.description.clone(),
        risk: command.risk.clone(),
        assignable_by: command.assignable_by.clone(),
        implies: command.implies.clone(),
    };
    let scope = opened.app.scopes().create_scope(&opened.operator, server.id, draft, &opened.origin).await;
    let scope = scope.map_err(of_administration)?.scope;
    say(&format!("the scope {} is added with id {}", scope.name, scope.id));
    Ok(())
}

async fn update(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let DescribedScope { scope: current, implies } = find(opened, &command.name).await?;
    let keeps = command.implies.is_empty() && !command.implies_nothing;
    let (risk, assignment) = (current.risk.as_str(), current.assignment.as_str());
    let draft = ScopeDraft {
        name: command.new_name.clone().unwrap_or(current.name),
        description: command.description.clone().unwrap_or(current.description),
        risk: Some(command.risk.clone().unwrap_or_else(|| risk.to_owned())),
        assignable_by: Some(command.assignable_by.clone().unwrap_or_else(|| assignment.to_owned())),
        implies: if keeps { implies } else { command.implies.clone() },
    };
    let (server, id) = (current.resource_server, current.id);
    let updated = opened.app.scopes().update_scope(&opened.operator, server, id, draft, &opened.origin).await;
    let updated = updated.map_err(|refused| message(refused, &command.name))?;
    say(&format!("the scope {} is changed", updated.scope.name));
    Ok(())
}

async fn delete(opened: &OpenedInstallation, command: &Delete) -> anyhow::Result<()> {
    let scope = find(opened, &command.name).await?.scope;
    confirm(&format!("Delete the scope {}?", scope.name), command.yes)?;
    let scopes = opened.app.scopes();
    let deleted =
        scopes.delete_scope(&opened.operator, scope.resource_server, scope.id, &opened.origin).await;
    deleted.map_err(|refused| message(refused, &command.name))?;
    say(&format!("the scope {} is deleted", scope.name));
    Ok(())
}

async fn find(opened: &OpenedInstallation, name: &str) -> anyhow::Result<DescribedScope> {
    let registry = opened.app.scopes().registry().await?;
    let found = registry.named(name).map(|scope| DescribedScope::new(scope.clone(), &registry));
    found.map_err(|_| message(AdministrationError::Unknown, name))
}

/// A scope as JSON, with the members of the management API and its resource server.
fn in_json(DescribedScope { scope, implies }: &DescribedScope) -> Value {
    json!({
        "id": scope.id.get(),
        "resourceServer": scope.resource_server.get(),
        "name": scope.name,
        "description": scope.description,
        "risk": scope.risk.as_str(),
        "assignableBy": scope.assignment.as_str(),
        "implies": implies,
        "builtIn": scope.is_built_in(),
        "createdAt": date_time(scope.created_at),
        "updatedAt": date_time(scope.updated_at),
    })
}

fn message(refused: AdministrationError, name: &str) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => {
            anyhow!("there is no scope {name}; `sluicegate scope list` shows them")
        }
        other => of_administration(other),
    }
}
