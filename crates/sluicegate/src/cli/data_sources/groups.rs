//! Groups of data sources.

use anyhow::anyhow;
use app::identity::acting::Actor;
use app::management::data_sources::{
    DataSourceDraft, DataSourceError, MaxAuthenticationAge, MemberDraft, MembersDraft, SeenSource,
    SourceFilter,
};
use app::management::lists::ListRequest;
use clap::Args;
use domain::account::data_source::GroupMember;
use serde_json::{Value, json};

use super::{find, in_json};
use crate::arguments::{InstallationArgs, ShowArgs};
use crate::bootstrap::{self, OpenedInstallation};
use crate::cli::users::actor;
use crate::config::Environment;
use crate::messages::of_data_source;
use crate::terminal::{say, show_json, table};

#[derive(Debug, Args)]
pub(crate) struct AddGroup {
    /// The name: letters, digits, underscore, dash
    name: String,
    /// A data source of the same user, and the prefix of its entity sets; may be given several times
    #[arg(long = "member", value_name = "SOURCE=PREFIX", value_parser = parse_member)]
    members: Vec<(String, String)>,
    /// A description for people
    #[arg(long, default_value = "")]
    description: String,
    /// The longest time since the sign-in of a reader, in seconds; any by default
    #[arg(long, value_name = "SECONDS")]
    max_authentication_age: Option<i64>,
    /// Whether readers must have signed in with a second factor: true or false
    #[arg(long, value_name = "BOOL")]
    require_second_factor: Option<bool>,
    /// The user who owns the group
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    #[command(flatten)]
    installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Members {
    /// The name of the group
    name: String,
    /// A data source and the prefix of its entity sets; may be given several times. The members that are not given are removed
    #[arg(long = "member", value_name = "SOURCE=PREFIX", value_parser = parse_member, conflicts_with = "none")]
    sources: Vec<(String, String)>,
    /// Remove all members
    #[arg(long)]
    none: bool,
    #[command(flatten)]
    shown: ShowArgs,
}

fn parse_member(text: &str) -> Result<(String, String), String> {
    let (source, prefix) = text.split_once('=').ok_or("a member is like shop=east")?;
    Ok((source.to_owned(), prefix.to_owned()))
}

impl AddGroup {
    pub(super) fn run(&self, environment: &Environment) -> anyhow::Result<()> {
        bootstrap::with_app(&self.installation, environment, async |opened| add(opened, self).await)
    }
}

impl Members {
    pub(super) fn run(&self, environment: &Environment) -> anyhow::Result<()> {
        let installation = &self.shown.installation;
        bootstrap::with_app(installation, environment, async |opened| members(opened, self).await)
    }
}

/// Creates a group with its members.
async fn add(opened: &OpenedInstallation, command: &AddGroup) -> anyhow::Result<()> {
    let owner = actor(opened, command.owner.as_deref()).await?;
    let drafts = drafts(opened, &command.members).await?;
    let draft = DataSourceDraft {
        name: Some(command.name.clone()),
        description: command.description.clone(),
        max_authentication_age: command.max_authentication_age.map(MaxAuthenticationAge::Secs),
        requires_second_factor: command.require_second_factor,
        ..DataSourceDraft::default()
    };
    let added = opened.app.data_sources().create_group(&owner, draft, &opened.origin).await;
    let added = added.map_err(of_data_source)?;
    say(&format!("{} is added for {}, served at /api/odata4/{0}/", added.record.name, added.owner_name));
    if drafts.is_empty() {
        return Ok(());
    }
    let members = replace(opened, &added, drafts).await;
    let members = members.map_err(|error| error.context("the group has no members"))?;
    say(&format!("members      {}", in_words(opened, &members).await?));
    Ok(())
}

/// Shows the members of a group, after replacing them if others are given.
async fn members(opened: &OpenedInstallation, command: &Members) -> anyhow::Result<()> {
    let group = find(opened, &actor(opened, None).await?, &command.name).await?;
    if command.none || !command.sources.is_empty() {
        replace(opened, &group, drafts(opened, &command.sources).await?).await?;
    }
    let actor = actor(opened, None).await?;
    let members = opened.app.data_sources().members(&actor, group.record.id, &opened.origin).await;
    let named = named(opened, &members.map_err(of_data_source)?).await?;
    if command.shown.json {
        show_json(&named.iter().map(member_in_json).collect());
        return Ok(());
    }
    let rows: Vec<_> = named.iter().map(|(name, member)| vec![name.clone(), member.prefix.clone()]).collect();
    table(&["data source", "prefix"], &rows);
    Ok(())
}

/// Shows a group with its members.
pub(super) async fn show(
    opened: &OpenedInstallation,
    actor: &Actor,
    group: &SeenSource,
    as_json: bool,
) -> anyhow::Result<()> {
    let users = super::shared(opened, actor, group.record.id).await?;
    let users: Vec<&str> = users.iter().filter_map(|(_, name)| name.as_deref()).collect();
    if as_json {
        let mut shown = in_json(group);
        shown["sharedUsers"] = json!(users);
        let members = named(opened, &group.record.members).await?;
        shown["members"] = members.iter().map(member_in_json).collect();
        show_json(&shown);
        return Ok(());
    }
    say(&format!("id           {}", group.record.id));
    say(&format!("name         {}", group.record.name));
    say(&format!("description  {}", group.record.description));
    say(&format!("owner        {}", group.owner_name));
    say(&format!("shared with  {}", if users.is_empty() { "nobody".to_owned() } else { users.join(", ") }));
    say(&format!("members      {}", in_words(opened, &group.record.members).await?));
    Ok(())
}

async fn replace(
    opened: &OpenedInstallation,
    group: &SeenSource,
    drafts: Vec<MemberDraft>,
) -> anyhow::Result<Vec<GroupMember>> {
    let actor = actor(opened, None).await?;
    let members = MembersDraft::With(drafts);
    let changed =
        opened.app.data_sources().change_members(&actor, group.record.id, members, &opened.origin).await;
    changed.map_err(|refused| match refused {
        DataSourceError::IsNoGroup => anyhow!("{} is no group", group.record.name),
        other => of_data_source(other),
    })
}

/// The members with the ids of their data sources.
async fn drafts(
    opened: &OpenedInstallation,
    members: &[(String, String)],
) -> anyhow::Result<Vec<MemberDraft>> {
    let actor = actor(opened, None).await?;
    let mut drafts = Vec::with_capacity(members.len());
    for (name, prefix) in members {
        let source = find(opened, &actor, name).await?.record.id;
        drafts.push(MemberDraft { source, prefix: prefix.clone() });
    }
    Ok(drafts)
}

/// The members with the names of their data sources.
async fn named(
    opened: &OpenedInstallation,
    members: &[GroupMember],
) -> anyhow::Result<Vec<(String, GroupMember)>> {
    let actor = actor(opened, None).await?;
    let rows = opened
        .app
        .data_sources()
        .rows(&actor, ListRequest::default(), SourceFilter::default(), &opened.origin)
        .await;
    let all = rows.map_err(of_data_source)?.rest().await?;
    let name = |member: &GroupMember| {
        let found = all.iter().find(|source| source.record.id == member.source);
        Some((found?.record.name.clone(), member.clone()))
    };
    Ok(members.iter().filter_map(name).collect())
}

fn member_in_json((name, member): &(String, GroupMember)) -> Value {
    json!({ "id": member.source.get(), "name": name, "entityPrefix": member.prefix })
}

async fn in_words(opened: &OpenedInstallation, members: &[GroupMember]) -> anyhow::Result<String> {
    if members.is_empty() {
        return Ok("none".to_owned());
    }
    let named = named(opened, members).await?;
    let words = named.iter().map(|(name, member)| format!("{name} as {}", member.prefix));
    Ok(words.collect::<Vec<_>>().join(", "))
}
