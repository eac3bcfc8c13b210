//! `sluicegate initial-access-token`: tokens that allow clients to register themselves.

use anyhow::anyhow;
use app::management::administration::AdministrationError;
use clap::{Args, Subcommand};
use domain::id::InitialAccessTokenId;
use domain::time::Timestamp;
use oauth::client_registration::{InitialAccessToken, InitialAccessTokenDraft};
use serde_json::{Value, json};

use super::audit::parse_time;
use crate::arguments::{InstallationArgs, ShowArgs, whole_number};
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::{date_time, of_administration};
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum InitialAccessTokenCommand {
    /// List all initial access tokens; a token itself is never shown again.
    #[command(after_help = "Example: sluicegate initial-access-token list --data-dir ./data")]
    List(ShowArgs),
    /// Show one initial access token, without its value.
    #[command(after_help = "Example: sluicegate initial-access-token show 2 --data-dir ./data")]
    Show(One),
    /// Create an initial access token, printed once. The clients that register with it belong to the first active
    /// Administrator.
    #[command(
        after_help = "Example: sluicegate initial-access-token create --description 'Build agents' \\\n  \
        --max-uses 20 --data-dir ./data"
    )]
    Create(Create),
    /// Delete an initial access token; clients that registered with it stay.
    #[command(after_help = "Example: sluicegate initial-access-token delete 2 --yes --data-dir ./data")]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The token's id, as `initial-access-token list` shows it
    #[arg(value_parser = parse_id)]
    token: InitialAccessTokenId,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// For whom it is
    #[arg(long, default_value = "")]
    description: String,
    /// When it ends, at most 366 days from now, as a time in UTC such as 2026-12-31T00:00:00Z [default: in a day]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: Option<Timestamp>,
    /// How many clients may register with it; 0 for any number [default: 1]
    #[arg(long, value_name = "N", value_parser = whole_number)]
    max_uses: Option<i64>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The token's id, as `initial-access-token list` shows it
    #[arg(value_parser = parse_id)]
    token: InitialAccessTokenId,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn parse_id(text: &str) -> Result<InitialAccessTokenId, String> {
    text.parse().map_err(|_| "an id is a whole number, as `initial-access-token list` shows it".to_owned())
}

pub(crate) fn run(command: InitialAccessTokenCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        InitialAccessTokenCommand::List(shown) => {
            bootstrap::with_app(&shown.installation, environment, async |opened| {
                list(opened, shown.json).await
            })
        }
        InitialAccessTokenCommand::Show(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                show(&find(opened, one.token).await?, one.shown.json);
                Ok(())
            })
        }
        InitialAccessTokenCommand::Create(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                create(opened, &command).await
            })
        }
        InitialAccessTokenCommand::Delete(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                delete(opened, &command).await
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let tokens = opened.app.initial_access_tokens().list(&opened.operator, &opened.origin).await;
    let tokens = tokens.map_err(of_administration)?;
    if as_json {
        show_json(&tokens.iter().map(in_json).collect());
        return Ok(());
    }
    let row = |token: &InitialAccessToken| {
        vec![
            token.id.to_string(),
            token.description.clone(),
            creator(token),
            date_time(token.expires_at),
            uses(token),
        ]
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    table(&["id", "description", "created by", "expires", "uses"], &rows);
    Ok(())
}

fn creator(token: &InitialAccessToken) -> String {
    token.created_by_name.clone().unwrap_or_else(|| "a deleted user".to_owned())
}

fn uses(token: &InitialAccessToken) -> String {
    match token.most_uses {
        Some(most) => format!("{} of {most}", token.uses),
        None => token.uses.to_string(),
    }
}

fn show(token: &InitialAccessToken, as_json: bool) {
    if as_json {
        return show_json(&in_json(token));
    }
    say(&format!("id           {}", token.id));
    say(&format!("description  {}", token.description));
    say(&format!("created by   {}", creator(token)));
    say(&format!("created      {}", date_time(token.created_at)));
    say(&format!("expires      {}", date_time(token.expires_at)));
    say(&format!("uses         {}", uses(token)));
}

async fn create(opened: &OpenedInstallation, command: &Create) -> anyhow::Result<()> {
    let draft = InitialAccessTokenDraft {
        description: command.description.clone(),
        expires_at: command.expires,
        max_uses: command.max_uses,
    };
    let tokens = opened.app.initial_access_tokens();
    let created = tokens.create(&opened.operator, &draft, &opened.origin).await;
    let created = created.map_err(of_administration)?;
    say(&format!("the initial access token has id {}", created.stored.id));
    say(&format!("token  {} (it is shown only now)", created.token.expose()));
    Ok(())
}

async fn delete(opened: &OpenedInstallation, command: &Delete) -> anyhow::Result<()> {
    let token = find(opened, command.token).await?;
    let named = token.name();
    confirm(&format!("Delete the initial access token {named}?"), command.yes)?;
    let tokens = opened.app.initial_access_tokens();
    let deleted = tokens.delete(&opened.operator, token.id, &opened.origin).await;
    deleted.map_err(|refused| message(refused, token.id))?;
    say(&format!("the initial access token {named} is deleted"));
    Ok(())
}

async fn find(opened: &OpenedInstallation, id: InitialAccessTokenId) -> anyhow::Result<InitialAccessToken> {
    let found = opened.app.initial_access_tokens().find(&opened.operator, id, &opened.origin).await;
    found.map_err(|refused| message(refused, id))
}

/// A token as JSON, with the members of the management API.
fn in_json(token: &InitialAccessToken) -> Value {
    json!({
        "id": token.id.get(),
        "description": token.description,
        "createdBy": token.created_by_name,
        "createdAt": date_time(token.created_at),
        "expiresAt": date_time(token.expires_at),
        "maxUses": token.most_uses.unwrap_or(0),
        "uses": token.uses,
    })
}

fn message(refused: AdministrationError, id: InitialAccessTokenId) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => anyhow!(
            "there is no initial access token {id}; `sluicegate initial-access-token list` shows them"
        ),
        other => of_administration(other),
    }
}
