//! The browsers in which a user is signed in, and signing out there.

use app::identity::caller::LiveSession;
use app::identity::sessions::{EndSessionsRefusal, OwnSessions, SessionService};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::account::Session;
use domain::id::SessionId;
use http::StatusCode;

use super::account_frame::AccountFrame;
use super::form::{FormBody, OwnForm, fields};
use super::logout::signed_out;
use super::{Visit, When, fault, go_to, stale_form};
use crate::extract::{Path, Use};
use crate::filters;
use crate::respond::management::ManagementProblem;
use crate::respond::page::{self, PageContext, sentence};

const PATH: &str = "/account/sessions";

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    frame: AccountFrame,
    /// What was just done.
    notice: Option<&'static str>,
    /// This session, then the others, newest first.
    sessions: Vec<SessionCard>,
    /// Whether there are more than these.
    has_more: bool,
}

/// A session in the list.
struct SessionCard {
    id: SessionId,
    is_this: bool,
    device: String,
    address: Option<String>,
    second_factor: bool,
    since: When,
    seen: When,
    ends: When,
}

impl SessionCard {
    fn new(session: Session, is_this: bool) -> Self {
        Self {
            id: session.id,
            is_this,
            device: session.origin.device.unwrap_or_else(|| "An unknown browser".to_owned()),
            address: session.origin.address,
            second_factor: session.second_factor,
            since: session.auth_time.into(),
            seen: session.last_used_at.unwrap_or(session.auth_time).into(),
            ends: session.expires_at.into(),
        }
    }
}

/// `GET /account/sessions`.
pub async fn list(visit: Visit, Use(sessions): Use<SessionService>, RawQuery(query): RawQuery) -> Response {
    let (live, cookie) = match visit.signed_in(PATH).await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let OwnSessions { others, has_more } = match sessions.list_others(&live).await {
        Ok(found) => found,
        Err(cause) => return fault(&cause),
    };
    let this = SessionCard::new(live.session.clone(), true);
    let others = others.into_iter().map(|session| SessionCard::new(session, false));
    let shown = SessionsPage {
        frame: visit.account_frame("sessions", &live, &cookie).await,
        notice: match query.as_deref() {
            Some("ended") => Some("You are signed out there."),
            Some("only") => Some("You are signed out everywhere else."),
            _ => None,
        },
        sessions: std::iter::once(this).chain(others).collect(),
        has_more,
    };
    visit.page(StatusCode::OK, &shown, PageContext::Own)
}

/// `POST /account/sessions/{id}/end`.
pub async fn end(
    visit: Visit,
    Use(sessions): Use<SessionService>,
    id: Result<Path<(SessionId,)>, ManagementProblem>,
    OwnForm(form): OwnForm,
) -> Response {
    let live = match own(&visit, &form).await {
        Ok(live) => live,
        Err(instead) => return instead,
    };
    let Ok(Path((id,))) = id else { return refused(&EndSessionsRefusal::Unknown) };
    match sessions.end_one(&live, id, &visit.origin).await {
        Ok(()) if id == live.session.id => signed_out(&visit),
        Ok(()) => go_to("/account/sessions?ended"),
        Err(refusal) => refused(&refusal),
    }
}

/// `POST /account/sessions/others`.
pub async fn end_others(
    visit: Visit,
    Use(sessions): Use<SessionService>,
    OwnForm(form): OwnForm,
) -> Response {
    let live = match own(&visit, &form).await {
        Ok(live) => live,
        Err(instead) => return instead,
    };
    match sessions.end_others(&live, &visit.origin).await {
        Ok(_) => go_to("/account/sessions?only"),
        Err(refusal) => refused(&refusal),
    }
}

/// `POST /account/sessions/all`.
pub async fn end_everywhere(
    visit: Visit,
    Use(sessions): Use<SessionService>,
    OwnForm(form): OwnForm,
) -> Response {
    let live = match own(&visit, &form).await {
        Ok(live) => live,
        Err(instead) => return instead,
    };
    match sessions.end_everywhere(&live, &visit.origin).await {
        Ok(()) => signed_out(&visit),
        Err(refusal) => refused(&refusal),
    }
}

/// The session of a form that was rendered for it.
async fn own(visit: &Visit, form: &FormBody) -> Result<LiveSession, Response> {
    let (live, cookie) = visit.signed_in(PATH).await?;
    visit.demand_own_form(cookie.expose(), form.field(fields::CSRF), Some(&live.caller)).await?;
    Ok(live)
}

fn refused(refusal: &EndSessionsRefusal) -> Response {
    let way = page::Way { address: PATH, name: "Where you are signed in" };
    match refusal {
        EndSessionsRefusal::Unknown => {
            page::refuse_with(StatusCode::NOT_FOUND, &sentence(&refusal.to_string()), way)
        }
        EndSessionsRefusal::RightsChanged => stale_form(),
        EndSessionsRefusal::Fault(cause) => fault(cause),
    }
}

/// Samples of the page, with one session and with several.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let when = || When::from(domain::time::Timestamp::from_secs(1_760_000_000));
    let card = |id, is_this, address: Option<&str>| SessionCard {
        id: SessionId::new(id),
        is_this,
        device: "Firefox on Windows".to_owned(),
        address: address.map(str::to_owned),
        second_factor: address.is_some(),
        since: when(),
        seen: when(),
        ends: when(),
    };
    let page = |notice, sessions, has_more| SessionsPage {
        frame: AccountFrame::sample("sessions", 0),
        notice,
        sessions,
        has_more,
    };
    let several = vec![card(1, true, None), card(2, false, Some("192.0.2.1")), card(3, false, Some(HOSTILE))];
    vec![
        rendered(&page(None, vec![card(1, true, None)], false)),
        rendered(&page(Some("You are signed out there."), several, true)),
    ]
}
