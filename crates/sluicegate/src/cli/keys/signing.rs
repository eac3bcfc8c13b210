//! `sluicegate keys signing`.

use app::identity::caller::RequestOrigin;
use app::node::signing_keys::{Activation, SigningKeyEntry, SigningKeyState};
use clap::Subcommand;
use oauth::signing::SigningAlgorithm;
use serde_json::json;
use vault::KeyPlace;

use crate::arguments::{InstallationArgs, ShowArgs};
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum SigningKeyCommand {
    /// List the keys, oldest first.
    #[command(after_help = "Example: sluicegate keys signing list --data-dir ./data")]
    List(ShowArgs),
    /// Create a new key. It is published for a day before it signs; what older keys signed stays valid.
    #[command(after_help = "Examples:\n  sluicegate keys signing rotate --data-dir ./data\n  \
        sluicegate keys signing rotate --algorithm ES256 --now --data-dir ./data")]
    Rotate {
        /// The algorithm: EdDSA, ES256, RS256 or PS256 [default: each of them that has no external signer]
        #[arg(long, value_name = "ALG", value_parser = algorithm)]
        algorithm: Option<SigningAlgorithm>,
        /// Let it sign in a few seconds. Others may refuse its signatures until they read the keys again
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        installation: InstallationArgs,
    },
    /// Delete all keys of an algorithm except the newest, at once. Everything that they signed becomes invalid.
    #[command(after_help = "Example: after a leak\n  \
        sluicegate keys signing rotate --algorithm ES256 --now --data-dir ./data\n  \
        sluicegate keys signing retire ES256 --data-dir ./data")]
    Retire {
        /// The algorithm: EdDSA, ES256, RS256 or PS256
        #[arg(value_name = "ALG", value_parser = algorithm)]
        algorithm: SigningAlgorithm,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        installation: InstallationArgs,
    },
}

pub(super) fn run(command: SigningKeyCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        SigningKeyCommand::List(shown) => {
            bootstrap::with_app(&shown.installation, environment, async |opened| {
                list(opened, shown.json).await
            })
        }
        SigningKeyCommand::Rotate { algorithm, now, installation } => {
            bootstrap::with_app(&installation, environment, async |opened| {
                let activation = if now { Activation::Soon } else { Activation::Announced };
                let own = opened.app.signing_keys().own_algorithms();
                let algorithms = algorithm.map_or(own, |one| vec![one]);
                for algorithm in algorithms {
                    let keys = opened.app.signing_keys();
                    let id = keys.rotate(algorithm, activation, &RequestOrigin::command_line()).await?;
                    say(&format!("{} key {id} is created", algorithm.as_str()));
                }
                Ok(())
            })
        }
        SigningKeyCommand::Retire { algorithm, yes, installation } => {
            let question = format!(
                "Everything that older {} keys signed becomes invalid. Continue?",
                algorithm.as_str()
            );
            confirm(&question, yes)?;
            bootstrap::with_app(&installation, environment, async |opened| {
                let keys = opened.app.signing_keys();
                let deleted = keys.retire(algorithm, &RequestOrigin::command_line()).await?;
                say(&format!("keys deleted: {deleted}"));
                Ok(())
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let keys = opened.app.signing_keys().list().await?;
    if as_json {
        let shown = |key: &SigningKeyEntry| {
            json!({
                "id": key.id,
                "algorithm": key.algorithm.as_str(),
                "keyId": key.key_id,
                "place": place(key.place),
                "createdAt": date_time(key.created_at),
                "activatesAt": date_time(key.activates_at),
                "state": state(key.state),
            })
        };
        show_json(&keys.iter().map(shown).collect());
        return Ok(());
    }
    let row = |key: &SigningKeyEntry| {
        let (algorithm, state) = (key.algorithm.as_str().to_owned(), state(key.state).to_owned());
        let made = date_time(key.created_at);
        vec![key.id.to_string(), algorithm, key.key_id.clone(), place(key.place).to_owned(), made, state]
    };
    table(
        &["key", "algorithm", "key id", "place", "made", "state"],
        &keys.iter().map(row).collect::<Vec<_>>(),
    );
    Ok(())
}

fn place(place: KeyPlace) -> &'static str {
    match place {
        KeyPlace::Server => "server",
        KeyPlace::Signer => "signer",
    }
}

fn state(state: SigningKeyState) -> &'static str {
    match state {
        SigningKeyState::Announced => "announced",
        SigningKeyState::Signs => "signs",
        SigningKeyState::Verifies => "verifies",
    }
}

fn algorithm(text: &str) -> Result<SigningAlgorithm, String> {
    SigningAlgorithm::from_name(text).ok_or_else(|| "it must be EdDSA, ES256, RS256 or PS256".to_owned())
}
