//! `sluicegate personal-access-token`: the tokens that a user has made for programs that cannot sign in.

use anyhow::bail;
use app::management::personal_access_tokens::{EndRefusal, NamedPersonalAccessToken};
use clap::{Args, Subcommand};
use domain::id::PersonalAccessTokenId;
use oauth::scope::ScopeRegistry;
use serde_json::{Value, json};

use super::allowed::in_words;
use super::users::actor;
use crate::arguments::{InstallationArgs, ShowArgs};
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum PersonalAccessTokenCommand {
    /// List the personal access tokens of a user; a token itself is never shown again.
    #[command(after_help = "Example: sluicegate personal-access-token list ada --data-dir ./data")]
    List(List),
    /// End a personal access token of a user.
    #[command(after_help = "Example: sluicegate personal-access-token end ada 2 --yes --data-dir ./data")]
    End(End),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The user's name
    user: String,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct End {
    /// The user's name
    user: String,
    /// The token's id, as `personal-access-token list` shows it
    #[arg(value_parser = parse_id)]
    token: PersonalAccessTokenId,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn parse_id(text: &str) -> Result<PersonalAccessTokenId, String> {
    text.parse().map_err(|_| "an id is a whole number, as `personal-access-token list` shows it".to_owned())
}

pub(crate) fn run(command: PersonalAccessTokenCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        PersonalAccessTokenCommand::List(command) => {
            bootstrap::with_app(&command.shown.installation, environment, async |opened| {
                list(opened, &command).await
            })
        }
        PersonalAccessTokenCommand::End(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                end(opened, &command).await
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, command: &List) -> anyhow::Result<()> {
    let actor = actor(opened, Some(&command.user)).await?;
    let tokens = opened.app.personal_access_tokens().list(&actor).await?;
    let registry = opened.app.scopes().registry().await?;
    if command.shown.json {
        show_json(&tokens.iter().map(|one| in_json(one, &registry)).collect());
        return Ok(());
    }
    let row = |NamedPersonalAccessToken { token, data }: &NamedPersonalAccessToken| {
        vec![
            token.id.to_string(),
            token.name.clone(),
            registry.text(&token.scopes),
            in_words(data),
            date_time(token.expires_at),
            token.last_used_at.map_or_else(|| "never".to_owned(), date_time),
        ]
    };
    let heads = ["id", "name", "scopes", "data", "expires", "last used"];
    table(&heads, &tokens.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

/// A token as JSON, with the members of the management API.
fn in_json(named: &NamedPersonalAccessToken, registry: &ScopeRegistry) -> Value {
    let NamedPersonalAccessToken { token, data } = named;
    let sources = data.sources.iter().map(|one| json!({ "name": one.name })).collect::<Vec<_>>();
    json!({
        "id": token.id.get(),
        "name": token.name,
        "scopes": registry.names(&token.scopes),
        "dataSources": sources,
        "unavailableDataSources": data.unavailable,
        "laterDataSources": data.later,
        "exceptDataSources": data.except,
        "changeableDataSources": data.changes,
        "createdAt": date_time(token.created_at),
        "expiresAt": date_time(token.expires_at),
        "lastUsedAt": token.last_used_at.map(date_time),
    })
}

async fn end(opened: &OpenedInstallation, command: &End) -> anyhow::Result<()> {
    let (user, id) = (&command.user, command.token);
    let actor = actor(opened, Some(user)).await?;
    let tokens = opened.app.personal_access_tokens();
    let Some(found) = tokens.find(&actor, id).await? else {
        bail!("{user} has no token {id}; `sluicegate personal-access-token list {user}` shows the ids");
    };
    let name = found.token.in_words();
    confirm(&format!("End the personal access token {name} of {user}?"), command.yes)?;
    match tokens.end(&actor, id, &opened.origin).await {
        Err(EndRefusal::Unknown) => bail!("the personal access token {name} of {user} has ended already"),
        ended => ended?,
    }
    say(&format!("the personal access token {name} of {user} has ended"));
    Ok(())
}
