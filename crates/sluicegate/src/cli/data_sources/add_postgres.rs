//! `sluicegate data-source add-postgres`.

use clap::Args;
use sources::postgres;

use super::server_source::ServerSource;
use crate::bootstrap::OpenedInstallation;

#[derive(Debug, Args)]
pub(crate) struct AddPostgres {
    #[command(flatten)]
    pub(super) source: ServerSource,
    /// The port of the server
    #[arg(long, default_value_t = 5432)]
    port: u16,
    /// The schemas to serve, separated by commas; all by default
    #[arg(long)]
    schemas: Option<String>,
}

/// Adds the data source, after connecting once.
pub(super) async fn run(opened: &OpenedInstallation, command: &AddPostgres) -> anyhow::Result<()> {
    let schemas = command.schemas.as_deref().map(|schemas| ("Schemas", schemas));
    command.source.add(opened, postgres::STORE.id, command.port, schemas.as_slice()).await
}
