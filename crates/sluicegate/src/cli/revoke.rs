//! `sluicegate revoke`: revokes everything of a user, of an application, of both together, or of a time.

use anyhow::bail;
use app::management::administration::AdministrationError;
use app::management::global_revocation::AccessOf;
use clap::{ArgGroup, Args};
use domain::id::ApplicationId;
use domain::time::Timestamp;

use super::applications::parse_id;
use super::audit::parse_time;
use super::users;
use crate::arguments::InstallationArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::{date_time, of_administration};
use crate::terminal::{confirm, say};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["user", "application", "issued_before"]).required(true).multiple(true)))]
pub(crate) struct Revoke {
    /// Revoke everything issued for this user, and end the user's sessions
    #[arg(long, value_name = "NAME", conflicts_with = "issued_before")]
    user: Option<String>,
    /// Revoke everything issued to this application; with --user, only what that user has allowed it
    #[arg(long, value_name = "ID", value_parser = parse_id, conflicts_with = "issued_before")]
    application: Option<ApplicationId>,
    /// Revoke every token, code and session that is older than this past time, such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    issued_before: Option<Timestamp>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

pub(crate) fn run(command: &Revoke, environment: &Environment) -> anyhow::Result<()> {
    bootstrap::with_app(&command.installation, environment, async |opened| revoke(opened, command).await)
}

async fn revoke(opened: &OpenedInstallation, command: &Revoke) -> anyhow::Result<()> {
    let (access, what) = chosen(opened, command).await?;
    confirm(&format!("Revoke {what}?"), command.yes)?;
    match opened.app.global_revocation().revoke(&opened.operator, access, &opened.origin).await {
        Ok(()) => say(&format!("revoked {what}")),
        Err(AdministrationError::Unknown) => bail!("there is nothing to revoke: {what}"),
        Err(refused) => return Err(of_administration(refused)),
    }
    Ok(())
}

/// What the arguments name, and the same in words.
async fn chosen(opened: &OpenedInstallation, command: &Revoke) -> anyhow::Result<(AccessOf, String)> {
    let user = match &command.user {
        Some(name) => Some((users::find(opened, name).await?, name)),
        None => None,
    };
    Ok(match (user, command.application, command.issued_before) {
        (_, _, Some(instant)) => {
            (AccessOf::IssuedBefore(instant), format!("everything issued before {}", date_time(instant)))
        }
        (Some((user, name)), Some(application), None) => {
            let what = format!("what {name} has allowed application {application}");
            (AccessOf::UserAtApplication { user, application }, what)
        }
        (Some((user, name)), None, None) => {
            (AccessOf::User(user), format!("all access and sessions of {name}"))
        }
        (None, Some(application), None) => {
            (AccessOf::Application(application), format!("all access of application {application}"))
        }
        (None, None, None) => bail!("say what to revoke: --user, --application, both, or --issued-before"),
    })
}
