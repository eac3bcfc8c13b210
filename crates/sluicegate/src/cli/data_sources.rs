//! `sluicegate data-source`.

use anyhow::{Context, anyhow};
use app::identity::acting::Actor;
use app::management::data_sources::{
    DataSourceDraft, DataSourceError, MaxAuthenticationAge, SeenSource, SharedUser, SharingChange,
    SourceFilter, UserReference,
};
use app::management::lists::ListRequest;
use clap::Subcommand;
use domain::id::DataSourceId;
use serde_json::{Value, json};
use sources::sqlite;

use self::add_mysql::AddMysql;
use self::add_postgres::AddPostgres;
use self::arguments::{Add, Delete, One, Share, ShowOne};
use self::create::create;
use self::credentials::Credentials;
use self::groups::{AddGroup, Members};
use self::model::ModelCommand;
use self::update::Update;
use super::users::{self, actor};
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::messages::{of_data_source, place_in_list};
use crate::terminal::{confirm, say, show_json, table};

mod add_mysql;
mod add_postgres;
mod arguments;
mod create;
mod credentials;
mod groups;
mod model;
mod server_source;
mod structure;
mod testing;
mod update;

#[derive(Debug, Subcommand)]
pub(crate) enum DataSourceCommand {
    /// Add a SQLite file as a data source.
    #[command(after_help = "Examples:\n  \
        sluicegate data-source add shop /srv/shop.sqlite --owner ada --data-dir ./data\n  \
        sluicegate data-source add shop /srv/shop.sqlite --key Recent=Id --storage-form Orders.At=unix-seconds \
        --data-dir ./data")]
    Add(Add),
    /// Add a database of a PostgreSQL server as a data source.
    #[command(
        after_help = "Example: echo \"$PASSWORD\" | sluicegate data-source add-postgres sales --host db.example.com \
        --database-name sales --user reader --password-stdin --owner ada --data-dir ./data"
    )]
    AddPostgres(AddPostgres),
    /// Add a database of a MySQL or MariaDB server as a data source.
    #[command(
        after_help = "Example: echo \"$PASSWORD\" | sluicegate data-source add-mysql sales --host db.example.com \
        --database-name sales --user reader --password-stdin --owner ada --data-dir ./data"
    )]
    AddMysql(AddMysql),
    /// Add a group: data sources of one user that are served together at one address.
    #[command(
        after_help = "Example: sluicegate data-source add-group all --member shop=east --member sales=west --owner ada \
        --data-dir ./data"
    )]
    AddGroup(AddGroup),
    /// Show the members of a group, or replace them.
    #[command(after_help = "Examples:\n  sluicegate data-source members all --data-dir ./data\n  \
        sluicegate data-source members all --member shop=east --data-dir ./data\n  \
        sluicegate data-source members all --none --data-dir ./data")]
    Members(Members),
    /// List all data sources.
    #[command(after_help = "Example: sluicegate data-source list --data-dir ./data")]
    List(ShowArgs),
    /// Show one data source: its tables, and everything that cannot be served.
    #[command(after_help = "Example: sluicegate data-source show shop --data-dir ./data")]
    Show(ShowOne),
    /// Change a data source; omitted values are kept.
    #[command(after_help = "Examples:\n  \
        sluicegate data-source update shop --storage-form Orders.At=unix-seconds --data-dir ./data\n  \
        echo \"$PASSWORD\" | sluicegate data-source update sales --option ServerName=db2.example.com --password-stdin \
        --data-dir ./data")]
    Update(Update),
    /// Test a data source: connect to its database once, and say what is wrong or what is served.
    #[command(after_help = "Example: sluicegate data-source test shop --data-dir ./data")]
    Test(ShowOne),
    /// List the tables and columns of the database, also those that are not served.
    #[command(after_help = "Example: sluicegate data-source tables shop --data-dir ./data")]
    Tables(ShowOne),
    /// The document that shapes what is served.
    #[command(
        subcommand,
        after_help = "Example: sluicegate data-source model export shop --data-dir ./data > shop.json"
    )]
    Model(ModelCommand),
    /// Read the structure of the database again, on every node.
    #[command(after_help = "Example: sluicegate data-source reload shop --data-dir ./data")]
    Reload(One),
    /// Share a data source with other users.
    #[command(after_help = "Examples:\n  sluicegate data-source share shop ada grace --data-dir ./data\n  \
        sluicegate data-source share shop ada --stop --data-dir ./data")]
    Share(Share),
    /// Store the name and the password with which a user signs in to the database, or delete them.
    #[command(after_help = "Examples:\n  \
        echo \"$PASSWORD\" | sluicegate data-source credentials sales --of ada --user ada_db --data-dir ./data\n  \
        sluicegate data-source credentials sales --of ada --delete --data-dir ./data")]
    Credentials(Credentials),
    /// Delete a data source; its database is not changed.
    #[command(after_help = "Example: sluicegate data-source delete shop --yes --data-dir ./data")]
    Delete(Delete),
}

pub(crate) fn run(command: DataSourceCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        DataSourceCommand::Add(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                add(opened, &command).await
            })
        }
        DataSourceCommand::AddPostgres(command) => {
            bootstrap::with_app(&command.source.installation, environment, async |opened| {
                add_postgres::run(opened, &command).await
            })
        }
        DataSourceCommand::AddMysql(command) => {
            bootstrap::with_app(&command.source.installation, environment, async |opened| {
                add_mysql::run(opened, &command).await
            })
        }
        DataSourceCommand::AddGroup(command) => command.run(environment),
        DataSourceCommand::Members(command) => command.run(environment),
        DataSourceCommand::List(shown) => {
            bootstrap::with_app(&shown.installation, environment, async |opened| {
                list(opened, shown.json).await
            })
        }
        DataSourceCommand::Show(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| show(opened, &one).await)
        }
        DataSourceCommand::Update(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                update::run(opened, &command).await
            })
        }
        DataSourceCommand::Test(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                testing::run(opened, &one).await
            })
        }
        DataSourceCommand::Tables(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                structure::run(opened, &one).await
            })
        }
        DataSourceCommand::Model(command) => model::run(command, environment),
        DataSourceCommand::Reload(one) => {
            bootstrap::with_app(&one.installation, environment, async |opened| {
                reload(opened, &one.name).await
            })
        }
        DataSourceCommand::Share(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                share(opened, &command).await
            })
        }
        DataSourceCommand::Credentials(command) => command.run(environment),
        DataSourceCommand::Delete(one) => {
            bootstrap::with_app(&one.installation, environment, async |opened| {
                let actor = actor(opened, None).await?;
                let id = find(opened, &actor, &one.name).await?.record.id;
                confirm(&format!("Delete the data source {}? Its database stays.", one.name), one.yes)?;
                opened.app.data_sources().delete(&actor, id, &opened.origin).await.map_err(of_data_source)?;
                say(&format!("{} is deleted; its database is still there", one.name));
                Ok(())
            })
        }
    }
}

async fn add(opened: &OpenedInstallation, command: &Add) -> anyhow::Result<()> {
    let path = std::path::absolute(&command.path).context("the path cannot be understood")?;
    let mut options = command.declared.options()?;
    options.insert("path".to_owned(), path.to_str().context("the path must be UTF-8")?.to_owned());
    let draft = DataSourceDraft {
        name: Some(command.name.clone()),
        data_store: Some(sqlite::STORE.id),
        description: command.description.clone(),
        options: Some(options),
        max_authentication_age: command.max_authentication_age.map(MaxAuthenticationAge::Secs),
        requires_second_factor: command.require_second_factor,
        writable: Some(command.writable),
    };
    create(opened, command.owner.as_deref(), draft, &path.display()).await
}

async fn reload(opened: &OpenedInstallation, name: &str) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, name).await?.record.id;
    let seen = opened.app.data_sources().reload_model(&actor, id, &opened.origin).await;
    let model = seen.map_err(of_data_source)?.compiled;
    let (tables, findings) = model.map_or((0, 0), |model| (model.entity_types.len(), model.findings.len()));
    say(&format!("{name} serves {tables} tables; `data-source show` lists {findings} findings"));
    Ok(())
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let rows = opened
        .app
        .data_sources()
        .rows(&actor, ListRequest::default(), SourceFilter::default(), &opened.origin)
        .await;
    let sources = rows.map_err(of_data_source)?.rest().await?;
    if as_json {
        show_json(&sources.iter().map(in_json).collect());
        return Ok(());
    }
    let row = |source: &SeenSource| {
        let record = &source.record;
        vec![
            record.id.to_string(),
            record.name.clone(),
            source.owner_name.clone(),
            record.shared_with.len().to_string(),
            if record.writable { "yes" } else { "no" }.to_owned(),
            if record.is_group() { "a group".to_owned() } else { options(source) },
        ]
    };
    let rows: Vec<_> = sources.iter().map(row).collect();
    table(&["id", "name", "owner", "shared with", "writable", "options"], &rows);
    Ok(())
}

fn options(source: &SeenSource) -> String {
    let options = source.record.options.iter().map(|(key, value)| format!("{key}={}", on_one_line(value)));
    options.collect::<Vec<_>>().join(" ")
}

/// The value of an option on one line: of certificates the first line. `--json` shows the whole.
fn on_one_line(value: &str) -> String {
    match value.trim_end().split_once(['\r', '\n']) {
        Some((first, _)) => format!("{first}…"),
        None => value.trim_end().to_owned(),
    }
}

fn in_json(source: &SeenSource) -> Value {
    let record = &source.record;
    json!({
        "id": record.id.get(),
        "name": record.name,
        "description": record.description,
        "dataStore": record.data_store,
        "connectionType": "Cloud",
        "isGroup": record.is_group(),
        "options": record.options,
        "maxAuthenticationAge": record.max_authentication_age,
        "requireSecondFactor": record.requires_second_factor,
        "writable": record.writable,
        "createdBy": source.created_by(),
        "handedOverTo": record.handed_over.as_ref().map(|_| &source.owner_name),
        "handedOverAt": record.handed_over.as_ref().map(|handover| date_time(handover.at)),
        "sharedWith": record.shared_with.iter().map(|id| id.get()).collect::<Vec<_>>(),
        "createdAt": date_time(record.created_at),
        "updatedAt": date_time(record.updated_at),
    })
}

async fn show(opened: &OpenedInstallation, one: &ShowOne) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let source = find(opened, &actor, &one.name).await?;
    if source.record.is_group() {
        return groups::show(opened, &actor, &source, one.shown.json).await;
    }
    let model = opened
        .app
        .data_sources()
        .model(&actor, source.record.id, &opened.origin)
        .await
        .map_err(of_data_source)?;
    let tables: Vec<&str> = model.entity_types.iter().map(|entity| entity.name.as_str()).collect();
    let users = shared(opened, &actor, source.record.id).await?;
    let users: Vec<&str> = users.iter().filter_map(|(_, name)| name.as_deref()).collect();
    if one.shown.json {
        let findings = model.findings.iter();
        let mut shown = in_json(&source);
        shown["sharedUsers"] = json!(users);
        shown["entitySets"] = json!(tables);
        shown["findings"] = findings
            .map(|finding| json!({ "subject": finding.subject, "message": finding.message }))
            .collect();
        show_json(&shown);
        return Ok(());
    }
    say(&format!("id           {}", source.record.id));
    say(&format!("name         {}", source.record.name));
    say(&format!("description  {}", source.record.description));
    say(&format!("owner        {}", source.owner_name));
    if let Some(handover) = &source.record.handed_over {
        say(&format!("handed over  {}, created by {}", date_time(handover.at), handover.created_by));
    }
    say(&format!(
        "changes      {}",
        if source.record.writable { "allowed" } else { "none: it is read-only" }
    ));
    say(&format!("options      {}", options(&source)));
    say(&format!("shared with  {}", if users.is_empty() { "nobody".to_owned() } else { users.join(", ") }));
    say(&format!("served       {}", tables.join(", ")));
    for finding in &model.findings {
        say(&format!("finding      {}: {}", finding.subject, finding.message));
    }
    Ok(())
}

async fn share(opened: &OpenedInstallation, command: &Share) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, &command.name).await?.record.id;
    for sharing in command.changes(opened).await? {
        let outcome = opened.app.data_sources().share(&actor, id, sharing, &opened.origin).await;
        outcome.map_err(|refused| command.message(refused))?;
    }
    let names: Vec<String> =
        shared(opened, &actor, id).await?.into_iter().filter_map(|(_, name)| name).collect();
    if names.is_empty() {
        say(&format!("{} is not shared", command.name));
    } else {
        say(&format!("{} is shared with {}", command.name, names.join(", ")));
    }
    Ok(())
}

/// Everybody with whom it is shared.
async fn shared(
    opened: &OpenedInstallation,
    actor: &Actor,
    id: DataSourceId,
) -> anyhow::Result<Vec<SharedUser>> {
    let app = &opened.app;
    let rows = app
        .data_sources()
        .shared_users(actor, id, ListRequest::default(), &opened.origin)
        .await
        .map_err(of_data_source)?;
    Ok(rows.rest().await?)
}

impl Share {
    /// Converts a refusal to a message that names the users who do not exist.
    fn message(&self, refused: DataSourceError) -> anyhow::Error {
        let DataSourceError::Invalid(faults) = &refused else { return of_data_source(refused) };
        let unknown = faults.iter().filter_map(|fault| self.users.get(place_in_list(&fault.field)?));
        let unknown: Vec<&str> = unknown.map(String::as_str).collect();
        if unknown.is_empty() {
            return of_data_source(refused);
        }
        anyhow!("there is no user {}; `sluicegate user list` shows the names", unknown.join(" and no user "))
    }

    async fn changes(&self, opened: &OpenedInstallation) -> anyhow::Result<Vec<SharingChange>> {
        if !self.stop {
            return Ok(vec![SharingChange::Also(
                self.users.iter().cloned().map(UserReference::Name).collect(),
            )]);
        }
        let mut changes = Vec::new();
        for name in &self.users {
            changes.push(SharingChange::Without(users::find(opened, name).await?));
        }
        Ok(changes)
    }
}

async fn find(opened: &OpenedInstallation, actor: &Actor, name: &str) -> anyhow::Result<SeenSource> {
    let named = ListRequest { query: Some(name.to_owned()), ..ListRequest::default() };
    let rows = opened
        .app
        .data_sources()
        .rows(actor, named, SourceFilter::default(), &opened.origin)
        .await
        .map_err(of_data_source)?;
    let found = rows.rest().await?.into_iter().find(|source| source.record.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        anyhow!("there is no data source {name}; give a name, as `sluicegate data-source list` shows it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_a_source_are_on_one_line() {
        for (value, line) in [
            ("/srv/a b.sqlite", "/srv/a b.sqlite"),
            (
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                "-----BEGIN CERTIFICATE-----…",
            ),
            ("-----BEGIN CERTIFICATE-----\r\nMIIB\r\n", "-----BEGIN CERTIFICATE-----…"),
            ("one\n", "one"),
            ("", ""),
        ] {
            assert_eq!(on_one_line(value), line, "{value:?}");
        }
    }
}
