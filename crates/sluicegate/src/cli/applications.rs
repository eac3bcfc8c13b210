//! `sluicegate application`.

use anyhow::anyhow;
use app::applications::{ListRequest, Refused};
use clap::{ArgGroup, Args, Subcommand};
use oauth::application::{Application, GrantType};
use oauth::id::ApplicationId;
use oauth::registration::{ApplicationPayload, Warning};
use oauth::scope::Scope;
use serde_json::{Value, json};

use super::terminal::{confirm, say, show_json, table};
use super::users::actor;
use super::{Place, Shown, given, moment, secrets, sentence};
use crate::config::Environment;
use crate::wiring::{self, Opened};

#[derive(Debug, Subcommand)]
pub(super) enum ApplicationCommand {
    /// List registered applications. When they were last used is written down once a minute.
    #[command(after_help = "Example: sluicegate application list --owner ada --data-dir ./data")]
    List(List),
    /// Show one application. When it was last used is written down once a minute.
    #[command(after_help = "Example: sluicegate application show 3 --data-dir ./data")]
    Show(One),
    /// Register an application; its secret is printed once.
    #[command(after_help = "Example: sluicegate application register Reports --owner ada \
        --redirect-url https://reports.example.org/callback --data-dir ./data")]
    Register(Register),
    /// Change the settings of an application; what is left out stays as it is.
    #[command(after_help = "Example: sluicegate application update 3 \
        --redirect-url https://reports.example.org/back --data-dir ./data")]
    Update(Update),
    /// Replace the secret; all access that was granted to the application ends.
    #[command(after_help = "Example: sluicegate application reset-secret 3 --yes --data-dir ./data")]
    ResetSecret(Ended),
    /// Delete an application; all access that was granted to it ends.
    #[command(after_help = "Example: sluicegate application delete 3 --yes --data-dir ./data")]
    Delete(Ended),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those of this user
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    id: ApplicationId,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
pub(super) struct Ended {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    id: ApplicationId,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn parse_id(text: &str) -> Result<ApplicationId, String> {
    text.parse().map_err(|_| "an id is a whole number, which `application list` shows".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct Register {
    /// The application's name, 1 to 128 characters
    name: String,
    /// For people, at most 256 characters
    #[arg(long, default_value = "")]
    description: String,
    #[command(flatten)]
    details: Details,
    /// It runs on its user's device and cannot keep a secret
    #[arg(long)]
    public: bool,
    /// The user to whom it belongs
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// The arguments of [`Update`] that change something.
const CHANGES: [&str; 9] = [
    "name",
    "description",
    "redirect_urls",
    "grant_types",
    "scopes",
    "profile",
    "access_token_lifetime",
    "contacts",
    "logo_url",
];

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("changes").args(CHANGES).required(true).multiple(true)))]
pub(super) struct Update {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    id: ApplicationId,
    /// Its new name, 1 to 128 characters
    #[arg(long)]
    name: Option<String>,
    /// For people, at most 256 characters
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    details: Details,
    #[command(flatten)]
    place: Place,
}

/// What may be said of a new application and of one that there is. A list replaces the one before.
#[derive(Debug, Args)]
struct Details {
    /// Where a user's browser may be sent back to; may be given several times
    #[arg(long = "redirect-url", value_name = "URL")]
    redirect_urls: Vec<String>,
    /// How tokens may be obtained; may be given several times
    #[arg(long = "grant-type", value_name = "TYPE")]
    grant_types: Vec<String>,
    /// What tokens may be for; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How strictly it is treated: compatible or oauth21
    #[arg(long)]
    profile: Option<String>,
    /// Seconds that its access tokens live
    #[arg(long, value_name = "SECONDS", value_parser = super::whole_number)]
    access_token_lifetime: Option<i64>,
    /// Whom to ask about it; may be given several times
    #[arg(long = "contact", value_name = "ADDRESS")]
    contacts: Vec<String>,
    /// Its picture; an empty one takes the picture away
    #[arg(long, value_name = "URL")]
    logo_url: Option<String>,
}

impl Details {
    fn payload(&self, name: String, description: String) -> ApplicationPayload {
        let listed = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
        ApplicationPayload {
            name: Some(name),
            description: Some(description),
            redirect_urls: listed(&self.redirect_urls),
            profile: self.profile.clone(),
            grant_types: listed(&self.grant_types),
            scopes: listed(&self.scopes),
            access_token_lifetime: self.access_token_lifetime,
            contacts: listed(&self.contacts),
            logo_url: self.logo_url.clone(),
            ..ApplicationPayload::default()
        }
    }
}

impl Register {
    fn payload(&self) -> ApplicationPayload {
        let payload = self.details.payload(self.name.clone(), self.description.clone());
        ApplicationPayload {
            redirect_urls: Some(self.details.redirect_urls.clone()),
            client_type: self.public.then(|| "public".to_owned()),
            ..payload
        }
    }
}

pub(super) fn run(command: ApplicationCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        ApplicationCommand::List(command) => {
            wiring::with_app(&command.shown.place, environment, async |opened| list(opened, &command).await)
        }
        ApplicationCommand::Show(one) => wiring::with_app(&one.shown.place, environment, async |opened| {
            show(&find(opened, one.id).await?, opened.app.now(), one.shown.json);
            Ok(())
        }),
        ApplicationCommand::Register(command) => {
            wiring::with_app(&command.place, environment, async |opened| register(opened, &command).await)
        }
        ApplicationCommand::Update(command) => {
            wiring::with_app(&command.place, environment, async |opened| update(opened, &command).await)
        }
        ApplicationCommand::ResetSecret(ended) => {
            wiring::with_app(&ended.place, environment, async |opened| reset_secret(opened, &ended).await)
        }
        ApplicationCommand::Delete(ended) => wiring::with_app(&ended.place, environment, async |opened| {
            let name = find(opened, ended.id).await?.settings.name;
            confirm(&format!("Delete {name}, and end all access that was granted to it?"), ended.yes)?;
            let actor = actor(opened, None).await?;
            let deleted = opened.app.delete_application(&actor, ended.id, &opened.origin).await;
            deleted.map_err(|refused| told(refused, ended.id))?;
            say(&format!("{name} (application {}) is deleted, and all its access has ended", ended.id));
            Ok(())
        }),
    }
}

async fn reset_secret(opened: &Opened, ended: &Ended) -> anyhow::Result<()> {
    let name = find(opened, ended.id).await?.settings.name;
    let question = format!("Replace the secret of {name}, and end all access that was granted to it?");
    confirm(&question, ended.yes)?;
    let actor = actor(opened, None).await?;
    let reset = opened.app.reset_secret(&actor, ended.id, &opened.origin).await;
    let (application, secret) = reset.map_err(|refused| told(refused, ended.id))?;
    say(&format!("{name} has a new secret, and all earlier access has ended"));
    say(&format!("clientId      {}", application.client_id));
    say(&format!("clientSecret  {} (it is shown only now)", secret.expose()));
    Ok(())
}

async fn list(opened: &Opened, command: &List) -> anyhow::Result<()> {
    let owner = command.owner.as_deref();
    let actor = actor(opened, owner).await?;
    let mut applications = opened.app.list_applications(&actor, ListRequest::default()).await?;
    if owner.is_some() {
        applications.retain(|application| application.owner == actor.subject().user.id);
    }
    if command.shown.json {
        let now = opened.app.now();
        show_json(&applications.iter().map(|application| in_json(application, now)).collect());
        return Ok(());
    }
    let row = |application: &Application| {
        vec![
            application.id.to_string(),
            application.settings.name.clone(),
            application.client_id.to_string(),
            application.owner_name.clone(),
            application.settings.profile.as_str().to_owned(),
            application.last_used_at.map_or_else(|| "never".to_owned(), moment),
        ]
    };
    let rows: Vec<_> = applications.iter().map(row).collect();
    table(&["id", "name", "clientId", "owner", "profile", "last used"], &rows);
    Ok(())
}

fn show(application: &Application, now: oauth::time::Timestamp, as_json: bool) {
    if as_json {
        return show_json(&in_json(application, now));
    }
    let settings = &application.settings;
    let grant_types: Vec<&str> = settings.grant_types.iter().copied().map(GrantType::as_str).collect();
    let last_used = application.last_used_at.map_or_else(|| "never".to_owned(), moment);
    let lines = [
        ("id", application.id.to_string()),
        ("name", settings.name.clone()),
        ("description", settings.description.clone()),
        ("clientId", application.client_id.to_string()),
        ("type", settings.client_type.as_str().to_owned()),
        ("profile", settings.profile.as_str().to_owned()),
        ("owner", application.owner_name.clone()),
        ("redirect URLs", settings.redirect_urls.join(" ")),
        ("grant types", grant_types.join(" ")),
        ("scopes", settings.scopes.to_string()),
        ("contacts", settings.contacts.join(" ")),
        ("registered", moment(application.created_at)),
        ("last used", format!("{last_used} (written down once a minute)")),
    ];
    for (name, value) in lines {
        say(&format!("{name:14} {value}"));
    }
    for secret in application.live_secrets(now) {
        let end = secret.expires_at.map_or_else(String::new, |end| format!(", ends {}", moment(end)));
        say(&format!("secret {:7} …{}, made {}{end}", secret.id, secret.hint, moment(secret.created_at)));
    }
}

/// An application, in the members of the management API.
fn in_json(application: &Application, now: oauth::time::Timestamp) -> Value {
    let settings = &application.settings;
    json!({
        "id": application.id.get(),
        "name": settings.name,
        "description": settings.description,
        "redirectUrls": settings.redirect_urls,
        "clientId": application.client_id.as_str(),
        "profile": settings.profile.as_str(),
        "clientType": settings.client_type.as_str(),
        "grantTypes": settings.grant_types.iter().copied().map(GrantType::as_str).collect::<Vec<_>>(),
        "scopes": settings.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "tokenFormat": settings.token_format.as_str(),
        "accessTokenLifetime": settings.access_token_lifetime_secs,
        "contacts": settings.contacts,
        "logoUrl": settings.logo_url,
        "createdAt": moment(application.created_at),
        "updatedAt": moment(application.updated_at),
        "createdBy": application.owner_name,
        "lastUsedAt": application.last_used_at.map(moment),
        "secrets": application.live_secrets(now).map(secrets::in_json).collect::<Vec<_>>(),
    })
}

async fn register(opened: &Opened, command: &Register) -> anyhow::Result<()> {
    let actor = actor(opened, command.owner.as_deref()).await?;
    let accepted = opened.app.accept_registration(&actor, &command.payload());
    let accepted =
        accepted.map_err(|faults| sentence(faults.into_iter().map(|fault| (fault.field, fault.message))))?;
    accepted.warnings().iter().for_each(warn);
    let registered = opened.app.register_application(&actor, accepted, &opened.origin).await?;
    let application = &registered.application;
    say(&format!("{} is registered with id {}", application.settings.name, application.id));
    say(&format!("clientId      {}", application.client_id));
    if let Some(secret) = &registered.secret {
        say(&format!("clientSecret  {} (it is shown only now)", secret.expose()));
    }
    Ok(())
}

async fn update(opened: &Opened, command: &Update) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let current = find(opened, command.id).await?;
    let own = &current.settings;
    let name = command.name.clone().unwrap_or_else(|| own.name.clone());
    let description = command.description.clone().unwrap_or_else(|| own.description.clone());
    let mut payload = command.details.payload(name, description);
    payload.redirect_urls.get_or_insert_with(|| own.redirect_urls.clone());
    let updated = opened.app.update_application(&actor, &current, payload, &opened.origin).await;
    let (updated, warnings) = updated.map_err(|refused| told(refused, command.id))?;
    warnings.iter().for_each(warn);
    say(&format!("{} (application {}) is changed", updated.settings.name, updated.id));
    Ok(())
}

fn warn(warning: &Warning) {
    say(&format!("warning: {} {}", given(&warning.field), warning.message));
}

/// The application of that id.
pub(super) async fn find(opened: &Opened, id: ApplicationId) -> anyhow::Result<Application> {
    let actor = actor(opened, None).await?;
    let found = opened.app.reachable_application(&actor, id, &opened.origin).await;
    found.map_err(|refused| told(refused, id))
}

/// A refusal in words for a terminal.
pub(super) fn told(refused: Refused, id: ApplicationId) -> anyhow::Error {
    match refused {
        Refused::Unknown => anyhow!("there is no application {id}"),
        Refused::Invalid(faults) => sentence(faults.into_iter().map(|fault| (fault.field, fault.message))),
        other => other.into(),
    }
}
