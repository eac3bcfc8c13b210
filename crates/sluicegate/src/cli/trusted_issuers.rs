//! `sluicegate trusted-issuer`: other servers whose assertions and access tokens are accepted.

use anyhow::anyhow;
use app::management::administration::AdministrationError;
use clap::{ArgGroup, Args, Subcommand};
use oauth::jwt::parse_object;
use oauth::trusted_issuer::{IssuerSettings, NewTrustedIssuer, Purpose, TrustedIssuer};
use serde_json::{Value, json};

use super::users::{self, actor};
use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::{date_time, given, given_in, of_administration, sentence_with};
use crate::terminal::{confirm, say, show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum TrustedIssuerCommand {
    /// List all trusted issuers.
    #[command(after_help = "Example: sluicegate trusted-issuer list --data-dir ./data")]
    List(ShowArgs),
    /// Show one trusted issuer.
    #[command(
        after_help = "Example: sluicegate trusted-issuer show https://idp.example.com --data-dir ./data"
    )]
    Show(One),
    /// Trust an issuer.
    #[command(after_help = "Example: sluicegate trusted-issuer add https://idp.example.com \\\n  \
        --settings '{\"purposes\":[\"identity_assertion\"],\"clients\":[\"*\"],\"subjectIs\":\"email\",\
        \"subjectClaim\":\"email\"}' --data-dir ./data")]
    Add(Add),
    /// Change a trusted issuer; omitted values are kept.
    #[command(
        after_help = "Example: sluicegate trusted-issuer update 2 --issuer https://idp.example.net --data-dir ./data"
    )]
    Update(Update),
    /// Stop trusting an issuer.
    #[command(after_help = "Example: sluicegate trusted-issuer delete 2 --yes --data-dir ./data")]
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The issuer, by URL or number
    trusted: String,
    #[command(flatten)]
    shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The issuer exactly as its tokens name it, such as `https://idp.example.com`
    issuer: String,
    /// What is accepted of it, as a JSON object with the members of the management API
    #[arg(long, value_name = "JSON", value_parser = settings)]
    settings: IssuerSettings,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(["issuer", "settings"]).required(true).multiple(true)),
    override_usage = "sluicegate trusted-issuer update [OPTIONS] <TRUSTED>"
)]
pub(crate) struct Update {
    /// The issuer, by URL or number
    trusted: String,
    /// The new URL
    #[arg(long)]
    issuer: Option<String>,
    /// What is accepted of it, as a JSON object with the members of the management API; it replaces everything
    #[arg(long, value_name = "JSON", value_parser = settings)]
    settings: Option<IssuerSettings>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The issuer, by URL or number
    trusted: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    installation: InstallationArgs,
}

fn settings(text: &str) -> Result<IssuerSettings, String> {
    let object = parse_object(text.as_bytes()).ok_or("is not a JSON object with distinct members")?;
    serde_json::from_value(object.into()).map_err(|error| error.to_string())
}

pub(crate) fn run(command: TrustedIssuerCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        TrustedIssuerCommand::List(shown) => {
            bootstrap::with_app(&shown.installation, environment, async |opened| {
                list(opened, shown.json).await
            })
        }
        TrustedIssuerCommand::Show(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                show(&find(opened, &one.trusted).await?, one.shown.json);
                Ok(())
            })
        }
        TrustedIssuerCommand::Add(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                add(opened, &command).await
            })
        }
        TrustedIssuerCommand::Update(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                update(opened, &command).await
            })
        }
        TrustedIssuerCommand::Delete(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                delete(opened, &command).await
            })
        }
    }
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let issuers = opened.app.trusted_issuers().list(&opened.operator, &opened.origin).await;
    let issuers = issuers.map_err(of_administration)?;
    if as_json {
        show_json(&issuers.iter().map(in_json).collect());
        return Ok(());
    }
    let row =
        |trusted: &TrustedIssuer| vec![trusted.id.to_string(), trusted.issuer.clone(), purposes(trusted)];
    table(&["id", "issuer", "accepted for"], &issuers.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn purposes(trusted: &TrustedIssuer) -> String {
    let names: Vec<&str> =
        trusted.settings.purposes.iter().map(|purpose| Purpose::as_str(*purpose)).collect();
    names.join(", ")
}

fn show(trusted: &TrustedIssuer, as_json: bool) {
    if as_json {
        return show_json(&in_json(trusted));
    }
    say(&format!("id        {}", trusted.id));
    say(&format!("issuer    {}", trusted.issuer));
    say(&format!("settings  {}", trusted.settings.to_json()));
}

async fn add(opened: &OpenedInstallation, command: &Add) -> anyhow::Result<()> {
    let new = NewTrustedIssuer { issuer: command.issuer.clone(), settings: command.settings.clone() };
    let added = opened.app.trusted_issuers().create(&opened.operator, new, &opened.origin).await;
    let added = added.map_err(|refused| message(refused, &command.issuer))?;
    say(&format!("the issuer {} is trusted with id {}", added.issuer, added.id));
    warn_of_strangers(opened, &added.settings).await
}

async fn update(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let current = find(opened, &command.trusted).await?;
    let new = NewTrustedIssuer {
        issuer: command.issuer.clone().unwrap_or(current.issuer),
        settings: command.settings.clone().unwrap_or(current.settings),
    };
    let issuers = opened.app.trusted_issuers();
    let updated = issuers.update(&opened.operator, current.id, new, &opened.origin).await;
    let updated = updated.map_err(|refused| message(refused, &command.trusted))?;
    say(&format!("the trusted issuer {} is changed", updated.issuer));
    warn_of_strangers(opened, &updated.settings).await
}

async fn delete(opened: &OpenedInstallation, command: &Delete) -> anyhow::Result<()> {
    let trusted = find(opened, &command.trusted).await?;
    confirm(&format!("Stop trusting the issuer {}?", trusted.issuer), command.yes)?;
    let deleted = opened.app.trusted_issuers().delete(&opened.operator, trusted.id, &opened.origin).await;
    deleted.map_err(|refused| message(refused, &command.trusted))?;
    say(&format!("the issuer {} is not trusted any more", trusted.issuer));
    Ok(())
}

/// Warns of clients, users and scopes behind names of the issuer that do not exist. They may be added later.
async fn warn_of_strangers(opened: &OpenedInstallation, settings: &IssuerSettings) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let applications = opened.app.applications().list(&actor).await?;
    let named = settings.clients.iter().chain(settings.workloads.iter().map(|workload| &workload.client));
    let is_known = |id: &str| applications.iter().any(|application| application.client_id.as_str() == id);
    // A client that identifies itself by a document is registered nowhere.
    for id in named.filter(|id| *id != "*" && !id.contains(':') && !is_known(id)) {
        say(&format!(
            "warning: no application has the client id {id}; `sluicegate application list` shows them"
        ));
    }
    for name in settings.subjects.values() {
        if users::find(opened, name).await.is_err() {
            say(&format!("warning: there is no user {name}; `sluicegate user list` shows the names"));
        }
    }
    let registry = opened.app.scopes().registry().await?;
    for name in settings.scope_names.values() {
        if registry.named(name).is_err() {
            say(&format!("warning: there is no scope {name}; `sluicegate scope list` shows them"));
        }
    }
    Ok(())
}

/// Finds an issuer by its URL or its number.
async fn find(opened: &OpenedInstallation, named: &str) -> anyhow::Result<TrustedIssuer> {
    let issuers = opened.app.trusted_issuers().list(&opened.operator, &opened.origin).await;
    let mut issuers = issuers.map_err(of_administration)?.into_iter();
    let found = issuers.find(|trusted| trusted.issuer == named || trusted.id.to_string() == named);
    found.ok_or_else(|| message(AdministrationError::Unknown, named))
}

/// An issuer as JSON, with the members of the management API.
fn in_json(trusted: &TrustedIssuer) -> Value {
    let mut members = json!(trusted.settings);
    members["id"] = json!(trusted.id.get());
    members["issuer"] = json!(trusted.issuer);
    members["createdAt"] = json!(date_time(trusted.created_at));
    members["updatedAt"] = json!(date_time(trusted.updated_at));
    members
}

fn message(refused: AdministrationError, named: &str) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => {
            anyhow!("there is no trusted issuer {named}; `sluicegate trusted-issuer list` shows them")
        }
        AdministrationError::Invalid(faults) => {
            sentence_with(faults.into_iter().map(|fault| (fault.field, fault.message)), |field| {
                if field == "issuer" { given(field) } else { given_in("--settings", field) }
            })
        }
        other => of_administration(other),
    }
}
