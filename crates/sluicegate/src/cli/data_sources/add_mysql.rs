//! `sluicegate data-source add-mysql`.

use clap::Args;
use sources::mysql;

use super::server_source::ServerSource;
use crate::bootstrap::OpenedInstallation;

#[derive(Debug, Args)]
pub(crate) struct AddMysql {
    #[command(flatten)]
    pub(super) source: ServerSource,
    /// The port of the server
    #[arg(long, default_value_t = 3306)]
    port: u16,
}

/// Adds the data source, after connecting once.
pub(super) async fn run(opened: &OpenedInstallation, command: &AddMysql) -> anyhow::Result<()> {
    command.source.add(opened, mysql::STORE.id, command.port, &[]).await
}
