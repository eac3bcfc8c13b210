//! `sluicegate role`.

use anyhow::anyhow;
use app::management::administration::AdministrationError;
use app::management::roles::RoleDraft;
use clap::{ArgGroup, Args, Subcommand};
use domain::account::{Permission, Role};
use serde_json::{Value, json};

use super::users;
use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::of_administration;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// List all roles.
    #[command(after_help = "Example: sluicegate role list --data-dir ./data")]
    List(ShowArgs),
    /// Show one role with its permissions.
    #[command(after_help = "Example: sluicegate role show User --data-dir ./data")]
    Show(One),
    /// List the permissions that a role may have.
    #[command(after_help = "Example: sluicegate role permissions --data-dir ./data")]
    Permissions(ShowArgs),
    /// Add a role.
    #[command(
        after_help = "Example: sluicegate role add Auditor --permission ViewUsers --permission ViewRole --data-dir ./data"
    )]
    Add(Written),
    /// Change a role; omitted values are kept. The change applies to its users from their next
    /// request on.
    #[command(
        after_help = "Example: sluicegate role update Auditor --permission ViewUsers --data-dir ./data"
    )]
    Update(Update),
    /// Delete a role that nobody has.
    #[command(after_help = "Example: sluicegate role delete Auditor --yes --data-dir ./data")]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The role, by name or number
    role: String,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Written {
    /// The role's name
    name: String,
    /// A description for people
    #[arg(long, default_value = "")]
    description: String,
    /// A permission, by name or number; may be given several times
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Whether its users must have a second factor: true or false
    #[arg(long, value_name = "BOOL")]
    require_second_factor: Option<bool>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(["name", "description", "permissions", "require_second_factor"]).required(true).multiple(true)),
    override_usage = "sluicegate role update [OPTIONS] <ROLE>"
)]
pub(crate) struct Update {
    /// The role, by name or number
    role: String,
    /// The new name
    #[arg(long)]
    name: Option<String>,
    /// A description for people
    #[arg(long)]
    description: Option<String>,
    /// A permission, by name or number; may be given several times, and replaces all previous ones
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Whether its users must have a second factor: true or false
    #[arg(long, value_name = "BOOL")]
    require_second_factor: Option<bool>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The role, by name or number
    role: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

pub(crate) fn run(command: RoleCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        RoleCommand::List(shown) => bootstrap::with_app(&shown.installation, environment, async |opened| {
            list(opened, shown.json).await
        }),
        RoleCommand::Show(one) => bootstrap::with_app(&one.shown.installation, environment, async |opened| {
            show(&find(opened, &one.role).await?, one.shown.json);
            Ok(())
        }),
        RoleCommand::Permissions(shown) => {
            bootstrap::with_app(&shown.installation, environment, async |opened| {
                permissions(opened, shown.json).await
            })
        }
        RoleCommand::Add(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                add(opened, &command).await
            })
        }
        RoleCommand::Update(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                update(opened, &command).await
            })
        }
        RoleCommand::Delete(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                let role = find(opened, &command.role).await?;
                confirm(&format!("Delete the role {}?", role.name), command.yes)?;
                let deleted = opened.app.roles().delete(&opened.operator, role.id, &opened.origin).await;
                deleted.map_err(|refused| message(refused, &role.name))?;
                say(&format!("the role {} is deleted", role.name));
                Ok(())
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let roles = opened.app.roles().list(&opened.operator, &opened.origin).await;
    let roles = roles.map_err(|refused| message(refused, "roles"))?;
    if as_json {
        show_json(&roles.iter().map(in_json).collect());
        return Ok(());
    }
    let row = |role: &Role| {
        vec![
            role.id.to_string(),
            role.name.clone(),
            role.permissions.len().to_string(),
            role.description.clone(),
        ]
    };
    table(&["id", "name", "permissions", "description"], &roles.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn show(role: &Role, as_json: bool) {
    if as_json {
        return show_json(&in_json(role));
    }
    say(&format!("id           {}", role.id));
    say(&format!("name         {}", role.name));
    say(&format!("description  {}", role.description));
    if role.requires_second_factor {
        say("its users need a second factor");
    }
    for permission in &role.permissions {
        say(&format!("permission   {} ({})", permission.as_str(), permission.id()));
    }
}

async fn permissions(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let known = opened.app.roles().permissions(&opened.operator, &opened.origin).await;
    let known = known.map_err(|refused| message(refused, "permissions"))?;
    if as_json {
        let shown = |permission: &Permission| json!({ "id": permission.id(), "name": permission.as_str() });
        show_json(&known.iter().map(shown).collect());
        return Ok(());
    }
    let row = |permission: &Permission| vec![permission.id().to_string(), permission.as_str().to_owned()];
    table(&["id", "name"], &known.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn add(opened: &OpenedInstallation, command: &Written) -> anyhow::Result<()> {
    let draft = RoleDraft {
        name: command.name.clone(),
        description: command.description.clone(),
        permissions: numbers(&command.permissions)?,
        requires_second_factor: command.require_second_factor,
    };
    let role = opened.app.roles().create(&opened.operator, draft, &opened.origin).await;
    let role = role.map_err(|refused| message(refused, &command.name))?;
    say(&format!("the role {} is added with id {}", role.name, role.id));
    Ok(())
}

async fn update(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let role = find(opened, &command.role).await?;
    let own = || role.permissions.iter().map(|permission| permission.id()).collect();
    let draft = RoleDraft {
        name: command.name.clone().unwrap_or_else(|| role.name.clone()),
        description: command.description.clone().unwrap_or_else(|| role.description.clone()),
        permissions: if command.permissions.is_empty() { own() } else { numbers(&command.permissions)? },
        requires_second_factor: command.require_second_factor,
    };
    let updated = opened.app.roles().update(&opened.operator, role.id, draft, &opened.origin).await;
    let updated = updated.map_err(|refused| message(refused, &role.name))?;
    say(&format!("the role {} is changed", updated.name));
    Ok(())
}

/// Converts permissions given by name or number to numbers.
fn numbers(given: &[String]) -> anyhow::Result<Vec<i64>> {
    let number = |text: &String| {
        let named = Permission::ALL.iter().find(|permission| permission.as_str().eq_ignore_ascii_case(text));
        named.map(|permission| permission.id()).or_else(|| text.parse().ok()).ok_or_else(|| {
            anyhow!("there is no permission {text}; `sluicegate role permissions` lists the available ones")
        })
    };
    given.iter().map(number).collect()
}

async fn find(opened: &OpenedInstallation, named: &str) -> anyhow::Result<Role> {
    let roles = opened.app.roles().list(&opened.operator, &opened.origin).await;
    let roles = roles.map_err(|refused| message(refused, named))?;
    let id = users::role(&roles, named)?;
    roles.into_iter().find(|role| role.id == id).ok_or_else(|| anyhow!("there is no role {named}"))
}

fn in_json(role: &Role) -> Value {
    let permissions: Vec<i64> = role.permissions.iter().map(|permission| permission.id()).collect();
    json!({
        "id": role.id.get(),
        "name": role.name,
        "description": role.description,
        "permissions": permissions,
        "requireSecondFactor": role.requires_second_factor,
    })
}

fn message(refused: AdministrationError, named: &str) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => anyhow!("there is no role {named}"),
        AdministrationError::NameTaken => {
            anyhow!("another role is called {named}; names are compared without case")
        }
        AdministrationError::StillInUse => {
            anyhow!("users have the role {named}: give them another one first")
        }
        AdministrationError::BuiltIn => anyhow!("the role {named} is built in and cannot be deleted"),
        other => of_administration(other),
    }
}
