//! `sluicegate audit`.

use app::management::audit::AuditRequest;
use clap::{Args, Subcommand};
use domain::audit::{Action, AuditEvent};
use domain::id::{ApplicationId, AuditId};
use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::messages::of_administration;
use crate::terminal::{show_json, table};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List events of the audit log, newest first.
    #[command(after_help = "Examples:\n  sluicegate audit list --data-dir ./data\n  \
        sluicegate audit list --actor ada --since 2026-01-01T00:00:00Z --json --data-dir ./data")]
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The maximum number of events, 1 to 1000
    #[arg(long, default_value_t = 100, value_parser = limit)]
    limit: u32,
    /// Only events before this one, to continue where a list ended
    #[arg(long, value_name = "ID", value_parser = parse::<AuditId>)]
    before: Option<AuditId>,
    /// Only events of this user
    #[arg(long, value_name = "USER")]
    actor: Option<String>,
    /// Only events with this action, such as access.refuse
    #[arg(long, value_parser = action)]
    action: Option<Action>,
    /// Only events about this application
    #[arg(long, value_name = "ID", value_parser = parse::<ApplicationId>)]
    application: Option<ApplicationId>,
    /// Only events from this time on, such as 2026-12-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
    #[command(flatten)]
    shown: ShowArgs,
}

fn limit(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=1000).contains(number));
    number.ok_or_else(|| "it must be a whole number from 1 to 1000".to_owned())
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "an id is a whole number".to_owned())
}

fn action(text: &str) -> Result<Action, String> {
    Action::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        format!("there is no such act; there are: {}", names.join(", "))
    })
}

pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    let time: jiff::Timestamp = text.parse().map_err(|_| "a time is like 2026-12-31T00:00:00Z".to_owned())?;
    Ok(Timestamp::from_micros(time.as_microsecond()))
}

pub(crate) fn run(command: AuditCommand, environment: &Environment) -> anyhow::Result<()> {
    let AuditCommand::List(command) = command;
    bootstrap::with_app(&command.shown.installation, environment, async |opened| list(opened, &command).await)
}

async fn list(opened: &OpenedInstallation, command: &List) -> anyhow::Result<()> {
    let request = AuditRequest {
        before: command.before,
        limit: command.limit,
        actor_name: command.actor.clone(),
        account: None,
        action: command.action,
        application: command.application,
        since: command.since,
        until: command.until,
    };
    let events = opened
        .app
        .audit_log()
        .list(&opened.operator, request, &opened.origin)
        .await
        .map_err(of_administration)?;
    if command.shown.json {
        show_json(&events.iter().map(in_json).collect());
        return Ok(());
    }
    let rows: Vec<_> = events.iter().map(row).collect();
    table(&["id", "time", "act", "outcome", "actor", "subject", "detail"], &rows);
    Ok(())
}

fn row(AuditEvent { id, event }: &AuditEvent) -> Vec<String> {
    vec![
        id.to_string(),
        date_time(event.at),
        event.action.as_str().to_owned(),
        event.outcome.as_str().to_owned(),
        event.actor_name.clone().unwrap_or_default(),
        event.subject.clone().unwrap_or_default(),
        event.detail.clone().unwrap_or_default(),
    ]
}

fn in_json(AuditEvent { id, event }: &AuditEvent) -> Value {
    json!({
        "id": id.get(),
        "at": date_time(event.at),
        "action": event.action.as_str(),
        "outcome": event.outcome.as_str(),
        "actor": event.actor_name,
        "actorId": event.actor.map(domain::id::UserId::get),
        "application": event.application.map(ApplicationId::get),
        "subject": event.subject,
        "detail": event.detail,
        "address": event.address,
        "requestId": event.request_id,
    })
}
