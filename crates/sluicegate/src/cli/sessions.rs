//! `sluicegate session`: the sessions of a user.

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use domain::account::Session;
use domain::id::SessionId;
use serde_json::{Value, json};

use super::users;
use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List the browsers in which a user is signed in.
    #[command(after_help = "Example: sluicegate session list ada --data-dir ./data")]
    List(List),
    /// Sign a user out of one browser, or of all. Applications that the user has allowed keep their access.
    #[command(after_help = "Examples:\n  sluicegate session end ada 17 --yes --data-dir ./data\n  \
        sluicegate session end ada --all --yes --data-dir ./data")]
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
    /// The session's id, as `session list` shows it
    #[arg(value_parser = parse_id, required_unless_present = "all")]
    session: Option<SessionId>,
    /// Every session of the user
    #[arg(long, conflicts_with = "session")]
    all: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn parse_id(text: &str) -> Result<SessionId, String> {
    text.parse().map_err(|_| "an id is a whole number".to_owned())
}

pub(crate) fn run(command: SessionCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        SessionCommand::List(command) => {
            bootstrap::with_app(&command.shown.installation, environment, async |opened| {
                list(opened, &command).await
            })
        }
        SessionCommand::End(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                end(opened, &command).await
            })
        }
    }
}

async fn live(opened: &OpenedInstallation, user: &str) -> anyhow::Result<Vec<Session>> {
    let id = users::find(opened, user).await?;
    let sessions = opened.app.user_sessions().list(&opened.operator, id, &opened.origin).await;
    sessions.map_err(|refused| users::message(refused, user))
}

async fn list(opened: &OpenedInstallation, command: &List) -> anyhow::Result<()> {
    let sessions = live(opened, &command.user).await?;
    if command.shown.json {
        show_json(&sessions.iter().map(in_json).collect());
        return Ok(());
    }
    let row = |session: &Session| {
        let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
        vec![
            session.id.to_string(),
            known(&session.origin.device),
            known(&session.origin.address),
            date_time(session.auth_time),
            date_time(session.last_used_at.unwrap_or(session.auth_time)),
            date_time(session.expires_at),
        ]
    };
    table(
        &["id", "browser", "address", "signed in", "last seen", "ends"],
        &sessions.iter().map(row).collect::<Vec<_>>(),
    );
    Ok(())
}

async fn end(opened: &OpenedInstallation, command: &End) -> anyhow::Result<()> {
    let user = &command.user;
    let mut sessions = live(opened, user).await?;
    if let Some(wanted) = command.session {
        sessions.retain(|session| session.id == wanted);
        if sessions.is_empty() {
            bail!("{user} has no session {wanted}");
        }
    }
    let what = match command.session {
        Some(session) => format!("of the session {session}"),
        None if sessions.is_empty() => {
            say(&format!("{user} has no session: there is nothing to end"));
            return Ok(());
        }
        None if sessions.len() == 1 => "of the only session".to_owned(),
        None => format!("of all {} sessions", sessions.len()),
    };
    confirm(&format!("Sign {user} out {what}?"), command.yes)?;
    let id = users::find(opened, user).await?;
    let service = opened.app.user_sessions();
    if let Some(session) = command.session {
        let ended = service.end(&opened.operator, id, session, &opened.origin).await;
        ended.map_err(|refused| anyhow!("{session}: {refused}"))?;
    } else {
        let ended = service.end_all(&opened.operator, id, &opened.origin).await;
        ended.map_err(|refused| users::message(refused, user))?;
    }
    say(&format!("{user} is signed out {what}"));
    Ok(())
}

fn in_json(session: &Session) -> Value {
    json!({
        "id": session.id.get(),
        "device": session.origin.device,
        "address": session.origin.address,
        "secondFactor": session.second_factor,
        "signedInAt": date_time(session.auth_time),
        "lastUsedAt": session.last_used_at.map(date_time),
        "expiresAt": date_time(session.expires_at),
    })
}
