//! `sluicegate mail`.

use anyhow::bail;
use app::management::mail::MailTest;
use clap::{Args, Subcommand};

use crate::arguments::InstallationArgs;
use crate::bootstrap;
use crate::config::Environment;
use crate::messages::of_administration;
use crate::terminal::say;

#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Send a mail to an address, and say whether the mail server has taken it.
    #[command(after_help = "Example: sluicegate mail test --to ada@example.com --data-dir ./data")]
    Test(Test),
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The address that gets the mail
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    #[command(flatten)]
    installation: InstallationArgs,
}

pub(crate) fn run(command: MailCommand, environment: &Environment) -> anyhow::Result<()> {
    let MailCommand::Test(test) = command;
    bootstrap::with_app(&test.installation, environment, async |opened| {
        let tested = opened.app.mail().test(&opened.operator, &test.to, &opened.origin).await;
        match tested.map_err(of_administration)? {
            MailTest::Sent => say(&format!("the mail server has taken a mail for {}", test.to)),
            MailTest::NotSet => bail!("no mail server is set: set mail.host and mail.from"),
            MailTest::Failed(failure) => bail!("{failure}"),
        }
        Ok(())
    })
}
