//! `sluicegate limit`.

use anyhow::anyhow;
use app::management::administration::AdministrationError;
use clap::{Args, Subcommand};
use domain::limit::Limit;
use serde_json::{Value, json};

use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::of_administration;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum LimitCommand {
    /// List all limits with their current values.
    #[command(after_help = "Example: sluicegate limit list --data-dir ./data")]
    List(ShowArgs),
    /// Show one limit.
    #[command(after_help = "Example: sluicegate limit show MaxFetchRows --data-dir ./data")]
    Show(One),
    /// Set a limit; it takes effect at once.
    #[command(after_help = "Example: sluicegate limit set MaxFetchRows 10000 --data-dir ./data")]
    Set(Set),
    /// Reset a limit to its default.
    #[command(after_help = "Example: sluicegate limit reset MaxFetchRows --yes --data-dir ./data")]
    Reset(Reset),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The limit, by name or number
    #[arg(value_parser = parse)]
    limit: Limit,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The limit, by name or number
    #[arg(value_parser = parse)]
    limit: Limit,
    /// A whole number
    #[arg(allow_negative_numbers = true, value_parser = crate::arguments::whole_number)]
    value: i64,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The limit, by name or number
    #[arg(value_parser = parse)]
    limit: Limit,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn parse(text: &str) -> Result<Limit, String> {
    let named = Limit::ALL.iter().copied().find(|limit| limit.as_str().eq_ignore_ascii_case(text));
    let numbered = || text.parse().ok().and_then(Limit::from_id);
    named.or_else(numbered).ok_or_else(|| {
        let all: Vec<&str> = Limit::ALL.iter().map(|limit| limit.as_str()).collect();
        format!("there is no such limit; there are: {}", all.join(", "))
    })
}

pub(crate) fn run(command: LimitCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        LimitCommand::List(how) => {
            bootstrap::with_app(&how.installation, environment, async |opened| list(opened, how.json).await)
        }
        LimitCommand::Show(command) => {
            bootstrap::with_app(&command.shown.installation, environment, async |opened| {
                let found =
                    opened.app.limits().find(&opened.operator, command.limit.id(), &opened.origin).await;
                show(found.map_err(message)?, command.shown.json);
                Ok(())
            })
        }
        LimitCommand::Set(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                let id = command.limit.id();
                let set = opened.app.limits().set(&opened.operator, id, command.value, &opened.origin).await;
                let (limit, value) = set.map_err(message)?;
                say(&format!("{} is {value}", limit.as_str()));
                Ok(())
            })
        }
        LimitCommand::Reset(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                let (name, default) = (command.limit.as_str(), command.limit.default_value());
                confirm(&format!("Reset {name} to its default, {default}?"), command.yes)?;
                let id = command.limit.id();
                opened.app.limits().reset(&opened.operator, id, &opened.origin).await.map_err(message)?;
                say(&format!("{name} is {default}, its default"));
                Ok(())
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let limits = opened.app.limits().list(&opened.operator, &opened.origin).await.map_err(message)?;
    if as_json {
        show_json(&limits.into_iter().map(in_json).collect());
        return Ok(());
    }
    let row = |(limit, value): &(Limit, i64)| {
        vec![
            limit.id().to_string(),
            limit.as_str().to_owned(),
            value.to_string(),
            limit.default_value().to_string(),
            range(*limit),
        ]
    };
    table(&["id", "name", "value", "default", "may be"], &limits.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn show(found: (Limit, i64), as_json: bool) {
    if as_json {
        return show_json(&in_json(found));
    }
    let (limit, value) = found;
    say(&format!("id       {}", limit.id()));
    say(&format!("name     {}", limit.as_str()));
    say(&format!("value    {value}"));
    say(&format!("default  {}", limit.default_value()));
    say(&format!("may be   {}", range(limit)));
}

fn range(limit: Limit) -> String {
    format!("{} to {}", limit.range().start(), limit.range().end())
}

fn in_json((limit, value): (Limit, i64)) -> Value {
    json!({
        "id": limit.id(),
        "name": limit.as_str(),
        "value": value,
        "default": limit.default_value(),
        "minimum": limit.range().start(),
        "maximum": limit.range().end(),
    })
}

fn message(refused: AdministrationError) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => anyhow!("there is no such limit"),
        other => of_administration(other),
    }
}
