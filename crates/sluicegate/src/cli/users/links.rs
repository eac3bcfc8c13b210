//! One-time links: invitations, and links for a new password.

use app::management::users::{MadeLink, UserDraft};
use domain::account::attributes::UserAttributes;
use domain::account::one_time_link::{LinkPurpose, OneTimeLink};
use domain::id::UserId;

use super::arguments::{Invite, ResetLink};
use super::{find, message, wanted_roles};
use crate::bootstrap::OpenedInstallation;
use crate::messages::{date_time, of_administration};
use crate::terminal::say;

pub(super) async fn invite(opened: &OpenedInstallation, command: &Invite) -> anyhow::Result<()> {
    let name = &command.one.name;
    let mut attributes = UserAttributes::default();
    for value in &command.attributes {
        value.set(&mut attributes);
    }
    let draft = UserDraft {
        name: Some(name.clone()),
        roles: wanted_roles(opened, &command.roles).await?,
        attributes: (!attributes.is_empty()).then_some(attributes),
        ..UserDraft::default()
    };
    let invited = opened.app.users().invite(&opened.operator, draft, command.sending(), &opened.origin).await;
    let (user, made) = invited.map_err(|refused| message(refused, name))?;
    say(&format!("{} is invited", user.name));
    print(&made);
    Ok(())
}

pub(super) async fn reset(opened: &OpenedInstallation, command: &ResetLink) -> anyhow::Result<()> {
    let name = &command.one.name;
    let id = find(opened, name).await?;
    let purpose = if command.invitation { LinkPurpose::Invitation } else { LinkPurpose::Reset };
    let made =
        opened.app.users().make_link(&opened.operator, id, purpose, command.sending(), &opened.origin).await;
    print(&made.map_err(|refused| message(refused, name))?);
    Ok(())
}

fn print(made: &MadeLink) {
    let until = date_time(made.stored.expires_at);
    match (&made.address, &made.stored.sent_to) {
        (Some(address), _) => {
            say(&format!("this link is valid once, until {until}, and is shown only now:"));
            say(address.expose());
        }
        (None, to) => {
            let to = to.as_deref().unwrap_or_default();
            say(&format!("a link is sent to {to} by the running server; it is valid once, until {until}"));
        }
    }
}

pub(super) async fn end(opened: &OpenedInstallation, name: &str) -> anyhow::Result<()> {
    let id = find(opened, name).await?;
    if of(opened, id).await?.is_empty() {
        say(&format!("{name} has no one-time link"));
        return Ok(());
    }
    let ended = opened.app.users().end_links(&opened.operator, id, &opened.origin).await;
    ended.map_err(|refused| message(refused, name))?;
    say(&format!("the one-time links of {name} do not work any more"));
    Ok(())
}

/// The valid links of a user.
pub(super) async fn of(opened: &OpenedInstallation, id: UserId) -> anyhow::Result<Vec<OneTimeLink>> {
    opened.app.users().links(&opened.operator, id, &opened.origin).await.map_err(of_administration)
}
