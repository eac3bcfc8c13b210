//! What happened on the account of a user.

use app::identity::activity::{Activity, ActivityPage, ActivityService};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::audit::{Action, Outcome};
use domain::id::AuditId;
use http::StatusCode;
use oauth::parameters::{Name, Parameters};

use super::account_frame::AccountFrame;
use super::{Visit, When, fault};
use crate::extract::Use;
use crate::filters;
use crate::respond::page::PageContext;

const PATH: &str = "/account/activity";
/// The event before which a page begins.
const BEFORE: Name = Name::new("before", 32);

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityListPage {
    frame: AccountFrame,
    events: Vec<EventCard>,
    /// Whether it is not the first page.
    is_later: bool,
    earlier: Option<AuditId>,
}

/// An event in the list.
struct EventCard {
    words: &'static str,
    was_refused: bool,
    at: When,
    application: Option<String>,
    subject: Option<String>,
    detail: Option<String>,
    address: Option<String>,
}

impl From<Activity> for EventCard {
    fn from(Activity { event, is_by_another, application }: Activity) -> Self {
        let was_refused = event.outcome != Outcome::Success;
        Self {
            words: in_words(event.action, was_refused, is_by_another),
            was_refused,
            at: event.at.into(),
            application,
            subject: event.subject.filter(|_| names_a_thing(event.action)),
            detail: event.detail,
            // That of an administrator is not the user's business.
            address: event.address.filter(|_| !is_by_another),
        }
    }
}

/// Whether the subject of the event is a thing of the user, and not the user.
const fn names_a_thing(action: Action) -> bool {
    matches!(
        action,
        Action::CreatePersonalAccessToken
            | Action::EndPersonalAccessToken
            | Action::StoreCredentials
            | Action::DeleteCredentials
    )
}

/// What happened, in words for the user.
const fn in_words(action: Action, was_refused: bool, is_by_another: bool) -> &'static str {
    match (action, is_by_another) {
        (Action::SignIn, _) if was_refused => "A sign-in was refused",
        (Action::SignIn, _) => "You signed in",
        (Action::SignOut, false) => "You signed out",
        (Action::SignOut, true) => "An administrator signed you out",
        (Action::LockAccount, _) => "Too many failed sign-ins locked the account for a while",
        (Action::UnlockAccount, _) => "An administrator unlocked the account",
        (Action::UpdateUser, false) => "You changed your details",
        (Action::UpdateUser, true) => "An administrator changed the account",
        (Action::ChangePassword, _) => "You changed your password",
        (Action::AddSecondFactor, _) => "You set up an authenticator",
        (Action::RemoveSecondFactor, false) => "You removed the authenticator",
        (Action::RemoveSecondFactor, true) => "An administrator removed the authenticator",
        (Action::UseRecoveryCode, _) => "You used a recovery code",
        (Action::RenewRecoveryCodes, _) => "You made new recovery codes",
        (Action::CreateOneTimeLink, false) => "Somebody asked for a link for a new password",
        (Action::CreateOneTimeLink, true) => "An administrator made a link for a new password",
        (Action::EndOneTimeLinks, _) => "An administrator ended the links for a new password",
        (Action::CreatePersonalAccessToken, _) => "You made a personal access token",
        (Action::EndPersonalAccessToken, false) => "You ended a personal access token",
        (Action::EndPersonalAccessToken, true) => "An administrator ended a personal access token",
        (Action::AllowApplication, _) => "You allowed an application",
        (Action::DenyApplication, _) => "You denied an application",
        (Action::RevokeAllowed, false) => "You revoked the access of an application",
        (Action::RevokeAllowed, true) => "An administrator revoked the access of an application",
        (Action::ReplayCode, _) => {
            "The code of a sign-in at an application was used twice, so its access ended"
        }
        (Action::ReplayRefreshToken, _) => {
            "The refresh token of an application was used twice, so its access ended"
        }
        (Action::RevokeGrant, _) => "An application gave up its access",
        (Action::StoreCredentials, false) => "You stored your login at a data source",
        (Action::StoreCredentials, true) => "An administrator stored your login at a data source",
        (Action::DeleteCredentials, false) => "You deleted your login at a data source",
        (Action::DeleteCredentials, true) => "An administrator deleted your login at a data source",
        _ => "Something else happened",
    }
}

/// `GET /account/activity`.
pub async fn list(visit: Visit, Use(activity): Use<ActivityService>, RawQuery(query): RawQuery) -> Response {
    let (live, cookie) = match visit.signed_in(PATH).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let before = before(query.as_deref().unwrap_or_default());
    let ActivityPage { events, earlier } = match activity.page(&live, before).await {
        Ok(page) => page,
        Err(cause) => return fault(&cause),
    };
    let shown = ActivityListPage {
        frame: visit.account_frame("activity", &live, &cookie).await,
        events: events.into_iter().map(EventCard::from).collect(),
        is_later: before.is_some(),
        earlier,
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

/// The event before which the page begins; an invalid one gives the first page.
fn before(query: &str) -> Option<AuditId> {
    Parameters::from_form(query.as_bytes()).ok()?.one(BEFORE).ok()??.parse().ok()
}

/// Samples of the page, with and without its optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let card = |was_refused, text: Option<&str>| EventCard {
        words: "You signed in",
        was_refused,
        at: When::from(domain::time::Timestamp::from_secs(1_760_000_000)),
        application: text.map(str::to_owned),
        subject: text.map(str::to_owned),
        detail: text.map(str::to_owned),
        address: text.map(str::to_owned),
    };
    let page = |events, is_later, earlier| ActivityListPage {
        frame: AccountFrame::sample("activity", 0),
        events,
        is_later,
        earlier,
    };
    vec![
        rendered(&page(Vec::new(), true, None)),
        rendered(&page(vec![card(true, Some(HOSTILE)), card(false, None)], false, Some(AuditId::new(7)))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_an_account_has_words_of_its_own() {
        let mut words = Vec::new();
        for action in Action::ALL.iter().filter(|action| action.concerns_an_account()) {
            let said = in_words(*action, false, false);
            assert_ne!(said, in_words(Action::ReadData, false, false), "{action:?}");
            assert!(!words.contains(&said), "{said}");
            words.push(said);
        }
        assert_ne!(in_words(Action::SignIn, true, false), in_words(Action::SignIn, false, false));
    }
}
