//! `sluicegate keys`.

use app::identity::caller::RequestOrigin;
use clap::Subcommand;
use serde_json::json;
use store::StoredKey;

use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::terminal::{say, show_json, table};

mod signing;

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List the keys, oldest first.
    #[command(after_help = "Example: sluicegate keys list --data-dir ./data")]
    List(ShowArgs),
    /// Create a new key. It seals new tokens in a few seconds; everything that older keys sealed stays valid.
    #[command(after_help = "Example: sluicegate keys rotate --data-dir ./data")]
    Rotate(InstallationArgs),
    /// Manage the keys for signatures that others verify.
    #[command(after_help = "Example: sluicegate keys signing list --data-dir ./data")]
    Signing {
        #[command(subcommand)]
        command: signing::SigningKeyCommand,
    },
}

pub(crate) fn run(command: KeyCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        KeyCommand::List(shown) => bootstrap::with_app(&shown.installation, environment, async |opened| {
            list(opened, shown.json).await
        }),
        KeyCommand::Rotate(installation) => bootstrap::with_app(&installation, environment, async |opened| {
            let id = opened.app.keys().rotate(&RequestOrigin::command_line()).await?;
            say(&format!("key {id} is created"));
            Ok(())
        }),
        KeyCommand::Signing { command } => signing::run(command, environment),
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let now = opened.app.node().now();
    let keys = opened.app.keys().list().await?;
    let active = keys.iter().rfind(|key| key.activates_at.is_past(now)).or(keys.first()).map(|key| key.id);
    let state = |id: u32| match active {
        Some(active) if id == active => "seals",
        Some(active) if id < active => "opens",
        _ => "announced",
    };
    if as_json {
        let shown = |key: &StoredKey| json!({ "id": key.id, "createdAt": date_time(key.created_at), "state": state(key.id) });
        show_json(&keys.iter().map(shown).collect());
        return Ok(());
    }
    let rows =
        keys.iter().map(|key| vec![key.id.to_string(), date_time(key.created_at), state(key.id).to_owned()]);
    table(&["key", "made", "state"], &rows.collect::<Vec<_>>());
    Ok(())
}
