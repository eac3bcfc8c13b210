//! `sluicegate allow-list`: from which addresses the installation, a user or an application may be used.

use app::identity::acting::Actor;
use app::management::allow_lists::AllowListService;
use clap::{Args, Subcommand};
use domain::address_range::AddressRange;
use domain::allow_list::{AllowLists, ServerPart};
use domain::id::ApplicationId;
use serde_json::{Map, Value};

use super::users;
use crate::arguments::{InstallationArgs, ShowArgs};
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::of_administration;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum AllowListCommand {
    /// Show the lists of the installation, a user or an application.
    #[command(after_help = "Examples:\n  sluicegate allow-list show --data-dir ./data\n  \
        sluicegate allow-list show --user ada --data-dir ./data")]
    Show(Show),
    /// Replace the lists. A part of the server without a list is open to every address.
    #[command(
        after_help = "Examples:\n  sluicegate allow-list set --admin-api 10.0.0.0/8,192.0.2.7 --data-dir ./data\n  \
        sluicegate allow-list set --user ada --data-access 2001:db8::/32 --data-dir ./data"
    )]
    Set(Set),
    /// Delete the lists.
    #[command(after_help = "Example: sluicegate allow-list clear --yes --data-dir ./data")]
    Clear(Clear),
}

/// Whose lists.
#[derive(Debug, Args)]
pub(crate) struct Owner {
    /// Those of this user instead of the installation
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Those of the application with this number instead of the installation
    #[arg(long, value_name = "ID", conflicts_with = "user", value_parser = parse_id)]
    application: Option<ApplicationId>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    owner: Owner,
    /// Addresses and networks from which the management API may be used
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',', value_parser = parse_range)]
    management_api: Vec<AddressRange>,
    /// Addresses and networks from which its administrative part may be used
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',', value_parser = parse_range)]
    admin_api: Vec<AddressRange>,
    /// Addresses and networks from which data may be read and tokens obtained
    #[arg(long, value_name = "NETWORKS", value_delimiter = ',', value_parser = parse_range)]
    data_access: Vec<AddressRange>,
    /// Addresses and networks from which people may sign in
    #[arg(long = "web-ui", value_name = "NETWORKS", value_delimiter = ',', value_parser = parse_range)]
    web: Vec<AddressRange>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Clear {
    #[command(flatten)]
    owner: Owner,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn parse_id(text: &str) -> Result<ApplicationId, String> {
    text.parse().map_err(|_| "an id is a whole number".to_owned())
}

fn parse_range(text: &str) -> Result<AddressRange, String> {
    let expected = "it must be an address, or a network such as 10.0.0.0/8 without bits behind its prefix";
    text.trim().parse().map_err(|_| expected.to_owned())
}

pub(crate) fn run(command: AllowListCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        AllowListCommand::Show(Show { owner, shown }) => {
            bootstrap::with_app(&shown.installation, environment, async |opened| {
                let lists = find(opened, &owner).await?;
                show(&lists, shown.json);
                Ok(())
            })
        }
        AllowListCommand::Set(command) => {
            let lists = AllowLists::new([
                (ServerPart::ManagementApi, command.management_api),
                (ServerPart::AdminApi, command.admin_api),
                (ServerPart::DataAccess, command.data_access),
                (ServerPart::WebUi, command.web),
            ]);
            if lists.is_empty() {
                anyhow::bail!(
                    "name at least one list, such as --data-access 10.0.0.0/8; `allow-list clear` deletes all"
                );
            }
            bootstrap::with_app(&command.installation, environment, async |opened| {
                set(opened, &command.owner, lists.clone()).await?;
                show(&lists, false);
                Ok(())
            })
        }
        AllowListCommand::Clear(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                find(opened, &command.owner).await?;
                let question = format!("Delete the lists of {}?", in_words(&command.owner));
                confirm(&question, command.yes)?;
                set(opened, &command.owner, AllowLists::default()).await?;
                say(&format!("{} may be used from every address", in_words(&command.owner)));
                Ok(())
            })
        }
    }
}

fn in_words(owner: &Owner) -> String {
    match (&owner.user, owner.application) {
        (Some(user), _) => format!("the account of {user}"),
        (None, Some(id)) => format!("the application {id}"),
        (None, None) => "the installation".to_owned(),
    }
}

async fn actor(opened: &OpenedInstallation, user: Option<&str>) -> anyhow::Result<Actor> {
    if let Some(name) = user {
        // For its message about a name that nobody has.
        users::find(opened, name).await?;
    }
    Ok(opened.app.delegation().acting(opened.operator.clone(), user).await?)
}

async fn find(opened: &OpenedInstallation, owner: &Owner) -> anyhow::Result<AllowLists> {
    let lists: AllowListService = opened.app.allow_lists();
    let actor = actor(opened, owner.user.as_deref()).await?;
    let found = match (&owner.user, owner.application) {
        (Some(_), _) => lists.of_user(&actor, &opened.origin).await,
        (None, Some(id)) => lists.of_application(&actor, id, &opened.origin).await,
        (None, None) => lists.of_system(&opened.operator, &opened.origin).await,
    };
    found.map_err(|refused| message(refused, owner))
}

async fn set(opened: &OpenedInstallation, owner: &Owner, new: AllowLists) -> anyhow::Result<()> {
    let lists: AllowListService = opened.app.allow_lists();
    let actor = actor(opened, owner.user.as_deref()).await?;
    let set = match (&owner.user, owner.application) {
        (Some(_), _) => lists.set_of_user(&actor, new, &opened.origin).await,
        (None, Some(id)) => lists.set_of_application(&actor, id, new, &opened.origin).await,
        (None, None) => lists.set_of_system(&opened.operator, new, &opened.origin).await,
    };
    set.map_err(|refused| message(refused, owner))
}

fn message(refused: app::management::administration::AdministrationError, owner: &Owner) -> anyhow::Error {
    match refused {
        app::management::administration::AdministrationError::Unknown => {
            anyhow::anyhow!("there is no such entry: {}", in_words(owner))
        }
        other => of_administration(other),
    }
}

fn show(lists: &AllowLists, as_json: bool) {
    let networks = |resource: ServerPart| -> Vec<String> {
        lists.ranges(resource).iter().map(ToString::to_string).collect()
    };
    if as_json {
        let list = |resource: ServerPart| (resource.as_str().to_owned(), Value::from(networks(resource)));
        show_json(&Value::Object(ServerPart::ALL.into_iter().map(list).collect::<Map<_, _>>()));
        return;
    }
    let row = |resource: ServerPart| {
        let networks = networks(resource);
        let from = if networks.is_empty() { "every address".to_owned() } else { networks.join(", ") };
        vec![resource.as_str().to_owned(), from]
    };
    table(&["part", "may be used from"], &ServerPart::ALL.map(row));
}
