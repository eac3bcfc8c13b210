//! `sluicegate user`.

use anyhow::{anyhow, bail};
use app::identity::acting::{ActingRefusal, Actor};
use app::management::administration::AdministrationError;
use app::management::users::{UserDraft, UserListRequest};
use clap::Subcommand;
use domain::account::attributes::{Attribute, UserAttributes};
use domain::account::{Role, User};
use domain::id::{RoleId, UserId};
use serde_json::{Value, json};

use self::arguments::{Add, AttributeValue, Delete, Invite, One, ResetLink, SetPassword, ShowOne, Update};
use crate::arguments::ShowArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::config::Environment;
use crate::messages::date_time;
use crate::messages::of_administration;
use crate::terminal::{confirm, say, show_json, table};

mod arguments;
mod links;
mod password;

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user.
    #[command(after_help = "Examples:\n  sluicegate user add ada --data-dir ./data\n  \
        echo \"$PASSWORD\" | sluicegate user add ada --role Administrator --password-stdin --data-dir ./data")]
    Add(Add),
    /// Add a user who chooses the password by a link, which is shown once.
    #[command(
        after_help = "Example: sluicegate user invite ada --attribute email=ada@example.com --data-dir ./data"
    )]
    Invite(Invite),
    /// Show a link by which a user chooses a new password. The current one stays valid until then.
    #[command(after_help = "Example: sluicegate user reset-link ada --data-dir ./data")]
    ResetLink(ResetLink),
    /// End the links by which a user could choose a password.
    #[command(after_help = "Example: sluicegate user end-links ada --data-dir ./data")]
    EndLinks(One),
    /// List all users.
    #[command(after_help = "Example: sluicegate user list --data-dir ./data")]
    List(ShowArgs),
    /// Show one user.
    #[command(after_help = "Example: sluicegate user show ada --json --data-dir ./data")]
    Show(ShowOne),
    /// Change a user; omitted values are kept.
    #[command(
        after_help = "Examples:\n  sluicegate user update ada --role Administrator --data-dir ./data\n  \
        sluicegate user update ada --name lovelace --password-expires 2030-12-31T00:00:00Z --data-dir ./data"
    )]
    Update(Update),
    /// Deactivate a user: the user cannot sign in, and all of the user's tokens are revoked.
    #[command(after_help = "Example: sluicegate user disable ada --data-dir ./data")]
    Disable(One),
    /// Activate a user again.
    #[command(after_help = "Example: sluicegate user enable ada --data-dir ./data")]
    Enable(One),
    /// Clear the lock after failed sign-ins.
    #[command(after_help = "Example: sluicegate user unlock ada --data-dir ./data")]
    Unlock(One),
    /// Set a new password; revokes all tokens and ends all sessions of the user.
    #[command(after_help = "Example: sluicegate user set-password ada --data-dir ./data")]
    SetPassword(SetPassword),
    /// Remove the second factor of a user who has lost it; the password remains.
    #[command(after_help = "Example: sluicegate user reset-second-factor ada --data-dir ./data")]
    ResetSecondFactor(One),
    /// Delete a user. The user's applications and data sources must be handed over or deleted too.
    #[command(after_help = "Examples:\n  sluicegate user delete ada --yes --data-dir ./data\n  \
        sluicegate user delete ada --transfer-to bob --yes --data-dir ./data")]
    Delete(Delete),
}

pub(crate) fn run(command: UserCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        UserCommand::Add(command) => {
            bootstrap::with_app(&command.user.one.installation, environment, async |opened| {
                add(opened, &command).await
            })
        }
        UserCommand::Invite(command) => {
            bootstrap::with_app(&command.one.installation, environment, async |opened| {
                links::invite(opened, &command).await
            })
        }
        UserCommand::ResetLink(command) => {
            bootstrap::with_app(&command.one.installation, environment, async |opened| {
                links::reset(opened, &command).await
            })
        }
        UserCommand::EndLinks(one) => bootstrap::with_app(&one.installation, environment, async |opened| {
            links::end(opened, &one.name).await
        }),
        UserCommand::List(shown) => bootstrap::with_app(&shown.installation, environment, async |opened| {
            list(opened, shown.json).await
        }),
        UserCommand::Show(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| show(opened, &one).await)
        }
        UserCommand::Update(command) => {
            bootstrap::with_app(&command.one.installation, environment, async |opened| {
                update(opened, &command).await
            })
        }
        UserCommand::Disable(one) => change(
            &one,
            environment,
            "is disabled",
            UserDraft { active: Some(false), ..UserDraft::default() },
        ),
        UserCommand::Enable(one) => {
            change(&one, environment, "is enabled", UserDraft { active: Some(true), ..UserDraft::default() })
        }
        UserCommand::Unlock(one) => change(
            &one,
            environment,
            "is not locked",
            UserDraft { locked: Some(false), ..UserDraft::default() },
        ),
        UserCommand::SetPassword(command) => set_password(&command, environment),
        UserCommand::ResetSecondFactor(command) => reset_second_factor(&command, environment),
        UserCommand::Delete(command) => delete(&command, environment),
    }
}

fn delete(command: &Delete, environment: &Environment) -> anyhow::Result<()> {
    let name = &command.one.name;
    bootstrap::with_app(&command.one.installation, environment, async |opened| {
        let id = find(opened, name).await?;
        confirm(&command.question(), command.yes)?;
        let deleted = opened.app.users().delete(&opened.operator, id, command.estate(), &opened.origin).await;
        deleted.map_err(|refused| match refused {
            AdministrationError::StillOwns(_) => {
                anyhow!("{refused}; hand it over with --transfer-to NAME, or delete it too with --force")
            }
            other => message(other, name),
        })?;
        say(&format!("{name} is deleted"));
        Ok(())
    })
}

fn reset_second_factor(one: &One, environment: &Environment) -> anyhow::Result<()> {
    let name = &one.name;
    bootstrap::with_app(&one.installation, environment, async |opened| {
        let id = find(opened, name).await?;
        let users = opened.app.users();
        let found = users.second_factor(&opened.operator, id, &opened.origin).await;
        if found.map_err(|refused| message(refused, name))?.is_none() {
            bail!("{name} has no second factor");
        }
        let reset = users.reset_second_factor(&opened.operator, id, &opened.origin).await;
        reset.map_err(|refused| message(refused, name))?;
        say(&format!("{name} has no second factor any more"));
        Ok(())
    })
}

/// The ids of roles that are given by name or number; none where none is given.
async fn wanted_roles(opened: &OpenedInstallation, given: &[String]) -> anyhow::Result<Option<Vec<RoleId>>> {
    if given.is_empty() {
        return Ok(None);
    }
    let roles = opened.app.roles().list(&opened.operator, &opened.origin).await.map_err(of_administration)?;
    given.iter().map(|name| role(&roles, name)).collect::<anyhow::Result<_>>().map(Some)
}

/// The attributes of the user with the given ones replaced; `None` if none is given.
async fn new_attributes(
    opened: &OpenedInstallation,
    id: UserId,
    given: &[AttributeValue],
) -> anyhow::Result<Option<UserAttributes>> {
    if given.is_empty() {
        return Ok(None);
    }
    let user =
        opened.app.users().find(&opened.operator, id, &opened.origin).await.map_err(of_administration)?;
    let mut attributes = user.attributes.as_deref().cloned().unwrap_or_default();
    for value in given {
        value.set(&mut attributes);
    }
    Ok(Some(attributes))
}

async fn update(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let name = &command.one.name;
    let id = find(opened, name).await?;
    let draft = UserDraft {
        name: command.new_name.clone(),
        roles: wanted_roles(opened, &command.roles).await?,
        password_expiry: command.password_expires,
        attributes: new_attributes(opened, id, &command.attributes).await?,
        ..UserDraft::default()
    };
    let updated = opened.app.users().update(&opened.operator, id, draft, &opened.origin).await;
    let updated = updated.map_err(|refused| match (refused, &command.new_name) {
        (AdministrationError::NameTaken, Some(new)) => message(AdministrationError::NameTaken, new),
        (other, _) => message(other, name),
    })?;
    say(&format!("{} is changed", updated.name));
    Ok(())
}

async fn add(opened: &OpenedInstallation, command: &Add) -> anyhow::Result<()> {
    let wanted = wanted_roles(opened, &command.roles).await?;
    let name = &command.user.one.name;
    let chosen = command.user.choose()?;
    let draft = UserDraft {
        name: Some(name.clone()),
        password: Some(chosen.password.clone()),
        roles: wanted,
        password_expiry: command.password_expires,
        active: command.disabled.then_some(false),
        ..UserDraft::default()
    };
    let user = opened.app.users().create(&opened.operator, draft, &opened.origin).await;
    let user = user.map_err(|refused| message(refused, name))?;
    say(&format!("{} is added", user.name));
    chosen.print(name);
    Ok(())
}

async fn list(opened: &OpenedInstallation, as_json: bool) -> anyhow::Result<()> {
    let roles = opened.app.roles().list(&opened.operator, &opened.origin).await.map_err(of_administration)?;
    let users = opened.app.users().list(&opened.operator, UserListRequest::default(), &opened.origin).await;
    let users = users.map_err(of_administration)?;
    if as_json {
        show_json(&users.iter().map(|user| in_json(opened, user, &roles)).collect());
        return Ok(());
    }
    let row = |user: &User| {
        vec![
            user.id.to_string(),
            user.name.clone(),
            state(opened, user).to_owned(),
            role_names(user, &roles).join(", "),
            date_time(user.created_at),
        ]
    };
    table(&["id", "name", "state", "roles", "since"], &users.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn show(opened: &OpenedInstallation, one: &ShowOne) -> anyhow::Result<()> {
    let id = find(opened, &one.name).await?;
    let user = opened.app.users().find(&opened.operator, id, &opened.origin).await;
    let user = user.map_err(|refused| message(refused, &one.name))?;
    let roles = opened.app.roles().list(&opened.operator, &opened.origin).await.map_err(of_administration)?;
    if one.shown.json {
        show_json(&in_json(opened, &user, &roles));
        return Ok(());
    }
    let expires = user.password_expires_at.map_or_else(|| "never".to_owned(), date_time);
    say(&format!("id                {}", user.id));
    say(&format!("name              {}", user.name));
    say(&format!("state             {}", state(opened, &user)));
    say(&format!("roles             {}", role_names(&user, &roles).join(", ")));
    say(&format!("password expires  {expires}"));
    say(&format!("second factor     {}", if user.has_second_factor { "yes" } else { "no" }));
    for link in links::of(opened, id).await? {
        say(&format!("one-time link     {}, until {}", link.purpose.in_words(), date_time(link.expires_at)));
    }
    say(&format!("since             {}", date_time(user.created_at)));
    let attributes = user.attributes.as_deref().cloned().unwrap_or_default();
    for attribute in Attribute::ALL {
        if let Some(value) = attributes.get(*attribute) {
            say(&format!("{:18}{value}", attribute.claim()));
        }
    }
    Ok(())
}

fn state(opened: &OpenedInstallation, user: &User) -> &'static str {
    match (user.active, user.lockout.is_locked(opened.app.node().now())) {
        (false, _) => "off",
        (true, true) => "locked",
        (true, false) => "active",
    }
}

fn role_names<'r>(user: &User, roles: &'r [Role]) -> Vec<&'r str> {
    let held = user.roles.iter().filter_map(|id| roles.iter().find(|role| role.id == *id));
    held.map(|role| role.name.as_str()).collect()
}

/// A user as JSON: the members of the management API, and those that earlier releases showed.
fn in_json(opened: &OpenedInstallation, user: &User, roles: &[Role]) -> Value {
    let now = opened.app.node().now();
    let expired = user.password_expires_at.is_some_and(|end| end.is_past(now));
    json!({
        "id": user.id.get(),
        "userName": user.name,
        "statusInfo": {
            "status": u8::from(user.active),
            "accountLocked": user.lockout.is_locked(now),
        },
        "passwordInfo": {
            "passwordStatus": u8::from(!expired),
            "passwordExpiration": user.password_expires_at.map(date_time),
        },
        "permissions": { "roles": user.roles.iter().map(|role| role.get()).collect::<Vec<_>>() },
        "attributes": user.attributes.as_deref().cloned().unwrap_or_default(),
        "name": user.name,
        "state": state(opened, user),
        "roles": role_names(user, roles),
        "passwordExpiration": user.password_expires_at.map(date_time),
        "createdAt": date_time(user.created_at),
    })
}

fn set_password(command: &SetPassword, environment: &Environment) -> anyhow::Result<()> {
    bootstrap::with_app(&command.one.installation, environment, async |opened| {
        let name = &command.one.name;
        let id = find(opened, name).await?;
        let chosen = command.choose()?;
        let draft = UserDraft { password: Some(chosen.password.clone()), ..UserDraft::default() };
        opened
            .app
            .users()
            .update(&opened.operator, id, draft, &opened.origin)
            .await
            .map_err(of_administration)?;
        say(&format!("{name} has a new password"));
        chosen.print(name);
        Ok(())
    })
}

fn change(one: &One, environment: &Environment, outcome: &str, draft: UserDraft) -> anyhow::Result<()> {
    bootstrap::with_app(&one.installation, environment, async |opened| {
        let id = find(opened, &one.name).await?;
        let changed = opened.app.users().update(&opened.operator, id, draft, &opened.origin).await;
        changed.map_err(|refused| message(refused, &one.name))?;
        say(&format!("{} {outcome}", one.name));
        Ok(())
    })
}

/// Finds a user by name, and returns the id.
pub(super) async fn find(opened: &OpenedInstallation, name: &str) -> anyhow::Result<UserId> {
    Ok(actor(opened, Some(name)).await?.subject().user.id)
}

/// The operator, acting for another user if one is named.
pub(super) async fn actor(opened: &OpenedInstallation, user: Option<&str>) -> anyhow::Result<Actor> {
    match (opened.app.delegation().acting(opened.operator.clone(), user).await, user) {
        (Err(ActingRefusal::UnknownUser), Some(name)) => Err(unknown(name)),
        (acting, _) => Ok(acting?),
    }
}

/// Finds a role by name or number, and returns the id.
pub(super) fn role(roles: &[Role], name: &str) -> anyhow::Result<RoleId> {
    let found = roles.iter().find(|role| role.name.eq_ignore_ascii_case(name) || role.id.to_string() == name);
    let known = || roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>().join(", ");
    found.map(|role| role.id).ok_or_else(|| anyhow!("there is no role {name}; there are: {}", known()))
}

fn unknown(name: &str) -> anyhow::Error {
    anyhow!("there is no user {name}; give a name, as `sluicegate user list` shows it")
}

/// Converts a refusal of a change to a user to a message for the terminal.
pub(super) fn message(refused: AdministrationError, name: &str) -> anyhow::Error {
    match refused {
        AdministrationError::Unknown => unknown(name),
        AdministrationError::NameTaken => {
            anyhow!("another user is called {name}; names are compared without case")
        }
        AdministrationError::LastAdministrator => {
            anyhow!("no active Administrator would remain without {name}")
        }
        other => of_administration(other),
    }
}
