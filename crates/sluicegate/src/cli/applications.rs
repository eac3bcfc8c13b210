//! `sluicegate application`.

use app::applications::ListRequest;
use clap::{Args, Subcommand};
use oauth::application::{Application, GrantType};
use oauth::id::ApplicationId;
use oauth::registration::ApplicationPayload;

use super::terminal::{say, table};
use super::users::actor;
use super::{Place, moment, sentence};
use crate::config::Environment;
use crate::wiring::{self, Opened};

#[derive(Debug, Subcommand)]
pub(super) enum ApplicationCommand {
    /// List registered applications.
    #[command(after_help = "Example: sluicegate application list --owner ada --data-dir ./data")]
    List(List),
    /// Show one application.
    #[command(after_help = "Example: sluicegate application show 3 --data-dir ./data")]
    Show(One),
    /// Register an application; its secret is printed once.
    #[command(after_help = "Example: sluicegate application register Reports --owner ada \
        --redirect-url https://reports.example.org/callback --data-dir ./data")]
    Register(Register),
    /// Replace the secret; all access that was granted to the application ends.
    #[command(after_help = "Example: sluicegate application reset-secret 3 --data-dir ./data")]
    ResetSecret(One),
    /// Delete an application; all access that was granted to it ends.
    #[command(after_help = "Example: sluicegate application delete 3 --data-dir ./data")]
    Delete(One),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those of this user
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    id: ApplicationId,
    #[command(flatten)]
    place: Place,
}

fn parse_id(text: &str) -> Result<ApplicationId, String> {
    text.parse().map_err(|_| "an id is a whole number".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct Register {
    /// The application's name, 1 to 128 characters
    name: String,
    /// For people, at most 256 characters
    #[arg(long, default_value = "")]
    description: String,
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
    /// It runs on its user's device and cannot keep a secret
    #[arg(long)]
    public: bool,
    /// The user to whom it belongs
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Register {
    fn payload(&self) -> ApplicationPayload {
        let listed = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
        ApplicationPayload {
            name: Some(self.name.clone()),
            description: Some(self.description.clone()),
            redirect_urls: Some(self.redirect_urls.clone()),
            profile: self.profile.clone(),
            grant_types: listed(&self.grant_types),
            scopes: listed(&self.scopes),
            client_type: self.public.then(|| "public".to_owned()),
            ..ApplicationPayload::default()
        }
    }
}

pub(super) fn run(command: ApplicationCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        ApplicationCommand::List(command) => wiring::with_app(&command.place, environment, async |opened| {
            list(opened, command.owner.as_deref()).await
        }),
        ApplicationCommand::Show(one) => wiring::with_app(&one.place, environment, async |opened| {
            let actor = actor(opened, None).await?;
            show(&opened.app.reachable_application(&actor, one.id).await?);
            Ok(())
        }),
        ApplicationCommand::Register(command) => {
            wiring::with_app(&command.place, environment, async |opened| register(opened, &command).await)
        }
        ApplicationCommand::ResetSecret(one) => wiring::with_app(&one.place, environment, async |opened| {
            let actor = actor(opened, None).await?;
            let (application, secret) = opened.app.reset_secret(&actor, one.id, &opened.origin).await?;
            say(&format!("{} has a new secret, and all earlier access has ended", application.settings.name));
            say(&format!("clientId      {}", application.client_id));
            say(&format!("clientSecret  {} (it is shown only now)", secret.expose()));
            Ok(())
        }),
        ApplicationCommand::Delete(one) => wiring::with_app(&one.place, environment, async |opened| {
            let actor = actor(opened, None).await?;
            opened.app.delete_application(&actor, one.id, &opened.origin).await?;
            say(&format!("application {} is deleted, and all its access has ended", one.id));
            Ok(())
        }),
    }
}

async fn list(opened: &Opened, owner: Option<&str>) -> anyhow::Result<()> {
    let actor = actor(opened, owner).await?;
    let mut applications = opened.app.list_applications(&actor, ListRequest::default()).await?;
    if owner.is_some() {
        applications.retain(|application| application.owner == actor.subject().user.id);
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

fn show(application: &Application) {
    let settings = &application.settings;
    let grant_types: Vec<&str> = settings.grant_types.iter().copied().map(GrantType::as_str).collect();
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
        ("registered", moment(application.created_at)),
        ("last used", application.last_used_at.map_or_else(|| "never".to_owned(), moment)),
    ];
    for (name, value) in lines {
        say(&format!("{name:14} {value}"));
    }
    for secret in &application.secrets {
        let end = secret.expires_at.map_or_else(String::new, |end| format!(", ends {}", moment(end)));
        say(&format!("secret         …{}, made {}{end}", secret.hint, moment(secret.created_at)));
    }
}

async fn register(opened: &Opened, command: &Register) -> anyhow::Result<()> {
    let actor = actor(opened, command.owner.as_deref()).await?;
    let accepted = opened.app.accept_registration(&actor, &command.payload());
    let accepted =
        accepted.map_err(|faults| sentence(faults.into_iter().map(|fault| (fault.field, fault.message))))?;
    for warning in accepted.warnings() {
        say(&format!("warning: {warning}"));
    }
    let registered = opened.app.register_application(&actor, accepted, &opened.origin).await?;
    let application = &registered.application;
    say(&format!("{} is registered with id {}", application.settings.name, application.id));
    say(&format!("clientId      {}", application.client_id));
    if let Some(secret) = &registered.secret {
        say(&format!("clientSecret  {} (it is shown only now)", secret.expose()));
    }
    Ok(())
}
