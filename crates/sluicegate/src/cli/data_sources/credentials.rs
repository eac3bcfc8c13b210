//! `sluicegate data-source credentials`: the name and the password of a user for the database of a data source.

use app::management::data_sources::CredentialsDraft;
use clap::Args;

use super::find;
use crate::arguments::InstallationArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::cli::users::actor;
use crate::config::Environment;
use crate::messages::of_data_source;
use crate::terminal::{self, say};

#[derive(Debug, Args)]
pub(crate) struct Credentials {
    /// The data source's name
    name: String,
    /// The user of this server
    #[arg(long, value_name = "USER")]
    of: String,
    /// The user of the database; the password is read from the first line of standard input
    #[arg(long, value_name = "NAME", required_unless_present = "delete", conflicts_with = "delete")]
    user: Option<String>,
    /// Delete the name and the password
    #[arg(long)]
    delete: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

impl Credentials {
    /// Stores or deletes them.
    pub(super) fn run(&self, environment: &Environment) -> anyhow::Result<()> {
        bootstrap::with_app(&self.installation, environment, async |opened| self.change(opened).await)
    }

    async fn change(&self, opened: &OpenedInstallation) -> anyhow::Result<()> {
        let actor = actor(opened, Some(&self.of)).await?;
        let id = find(opened, &actor, &self.name).await?.record.id;
        let (sources, origin) = (opened.app.data_sources(), &opened.origin);
        let Some(user) = &self.user else {
            sources.delete_credentials(&actor, id, origin).await.map_err(of_data_source)?;
            say(&format!("{} has no credentials for {} any more", self.of, self.name));
            return Ok(());
        };
        let draft = CredentialsDraft::new(user, terminal::read_password()?.expose());
        sources.store_credentials(&actor, id, &draft, origin).await.map_err(of_data_source)?;
        say(&format!("{} signs in to the database of {} as {user}", self.of, self.name));
        Ok(())
    }
}
