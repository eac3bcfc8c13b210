//! `sluicegate cors`: the list of trusted origins, which applies while limit 5 is 2.

use anyhow::anyhow;
use app::management::administration::{AdministrationError, FieldFault};
use app::management::trusted_origins::TrustedOriginDraft;
use clap::{ArgGroup, Args, Subcommand};
use domain::id::TrustedOriginId;
use oauth::cors::TrustedOrigin;
use serde_json::{Value, json};

use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::messages::of_administration;
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum CorsCommand {
    /// List the trusted origins. The list applies while the limit `CORSBehavior` is 2.
    #[command(after_help = "Example: sluicegate cors list --data-dir ./data")]
    List(ShowArgs),
    /// Show one entry of the list.
    #[command(after_help = "Example: sluicegate cors show 3 --data-dir ./data")]
    Show(One),
    /// Add trusted origins.
    #[command(
        after_help = "Example: sluicegate cors add 'https://*.example.com' --description 'Our sites' --data-dir ./data"
    )]
    Add(Add),
    /// Change an entry of the list; omitted values are kept.
    #[command(
        after_help = "Example: sluicegate cors update 3 --origin https://app.example.com --data-dir ./data"
    )]
    Update(Update),
    /// Delete an entry of the list.
    #[command(after_help = "Example: sluicegate cors delete 3 --yes --data-dir ./data")]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The entry's id, as `cors list` shows it
    #[arg(value_parser = parse_id)]
    id: TrustedOriginId,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// `https://app.example.com`, or `https://*.example.com` for every host below a domain
    #[arg(required = true, value_name = "ORIGIN")]
    origins: Vec<String>,
    /// A description for people, at most 256 characters
    #[arg(long, default_value = "")]
    description: String,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(["origin", "description"]).required(true).multiple(true)),
    override_usage = "sluicegate cors update [OPTIONS] <ID>"
)]
pub(crate) struct Update {
    /// The entry's id, as `cors list` shows it
    #[arg(value_parser = parse_id)]
    id: TrustedOriginId,
    /// The new origin, with or without a star
    #[arg(long)]
    origin: Option<String>,
    /// A description for people, at most 256 characters
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The entry's id, as `cors list` shows it
    #[arg(value_parser = parse_id)]
    id: TrustedOriginId,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn parse_id(text: &str) -> Result<TrustedOriginId, String> {
    text.parse().map_err(|_| "an id is a whole number, which `cors list` shows".to_owned())
}

pub(crate) fn run(command: CorsCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        CorsCommand::List(shown) => bootstrap::with_app(&shown.installation, environment, async |opened| {
            list(opened, shown.json).await
        }),
        CorsCommand::Show(one) => bootstrap::with_app(&one.shown.installation, environment, async |opened| {
            show(&find(opened, one.id).await?, one.shown.json);
            Ok(())
        }),
        CorsCommand::Add(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                add(opened, &command).await
            })
        }
        CorsCommand::Update(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                update(opened, &command).await
            })
        }
        CorsCommand::Delete(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                let domain = find(opened, command.id).await?.domain;
                confirm(&format!("Delete {domain} from the list of trusted origins?"), command.yes)?;
                let deleted =
                    opened.app.trusted_origins().delete(&opened.operator, command.id, &opened.origin).await;
                deleted.map_err(|refused| message(refused, command.id))?;
                say(&format!("{domain} was deleted from the list"));
                Ok(())
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let entries = opened.app.trusted_origins().list(&opened.operator, &opened.origin).await;
    let entries = entries.map_err(of_administration)?;
    if as_json {
        show_json(&entries.iter().map(in_json).collect());
        return Ok(());
    }
    let row = |entry: &TrustedOrigin| {
        vec![
            entry.id.to_string(),
            entry.domain.clone(),
            entry.modified_by.clone(),
            date_time(entry.modified_at),
            entry.description.clone(),
        ]
    };
    let heads = ["id", "origin", "changed by", "changed", "description"];
    table(&heads, &entries.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn show(entry: &TrustedOrigin, as_json: bool) {
    if as_json {
        return show_json(&in_json(entry));
    }
    say(&format!("id           {}", entry.id));
    say(&format!("origin       {}", entry.domain));
    say(&format!("description  {}", entry.description));
    say(&format!("changed      {} by {}", date_time(entry.modified_at), entry.modified_by));
}

async fn add(opened: &OpenedInstallation, command: &Add) -> anyhow::Result<()> {
    let draft = |origin: &String| TrustedOriginDraft {
        domain: origin.clone(),
        description: command.description.clone(),
    };
    let drafts = command.origins.iter().map(draft).collect();
    let added = opened.app.trusted_origins().add(&opened.operator, drafts, &opened.origin).await;
    for entry in added.map_err(|refused| of_administration(in_words(refused)))? {
        say(&format!("{} was added to the list with id {}", entry.domain, entry.id));
    }
    Ok(())
}

async fn update(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let current = find(opened, command.id).await?;
    let draft = TrustedOriginDraft {
        domain: command.origin.clone().unwrap_or(current.domain),
        description: command.description.clone().unwrap_or(current.description),
    };
    let app = &opened.app;
    let updated = app.trusted_origins().update(&opened.operator, command.id, draft, &opened.origin).await;
    let entry = updated.map_err(|refused| message(refused, command.id))?;
    say(&format!("entry {} was changed to {}", entry.id, entry.domain));
    Ok(())
}

async fn find(opened: &OpenedInstallation, id: TrustedOriginId) -> anyhow::Result<TrustedOrigin> {
    let found = opened.app.trusted_origins().find(&opened.operator, id, &opened.origin).await;
    found.map_err(|refused| message(refused, id))
}

/// An entry as JSON, with the members of the management API.
fn in_json(entry: &TrustedOrigin) -> Value {
    json!({
        "id": entry.id.get(),
        "domain": entry.domain,
        "description": entry.description,
        "lastModifiedBy": entry.modified_by,
        "lastModifiedTime": date_time(entry.modified_at),
    })
}

fn message(refused: AdministrationError, id: TrustedOriginId) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => {
            anyhow!("there is no entry {id}; `sluicegate cors list` shows the ids")
        }
        other => of_administration(other),
    }
}

/// Converts the names of invalid fields: `whitelist[1].domain` is the second origin.
fn in_words(refused: AdministrationError) -> AdministrationError {
    let AdministrationError::Invalid(faults) = refused else { return refused };
    let named = |FieldFault { field, message }| {
        let entry = field.strip_prefix("whitelist[").and_then(|rest| rest.split_once("]."));
        let field = entry.map(|(at, member)| format!("{member}[{at}]"));
        FieldFault { field: field.unwrap_or_else(|| "whitelist".to_owned()), message }
    };
    AdministrationError::Invalid(faults.into_iter().map(named).collect())
}
