//! Changing one's own password.

use crate::extract::Use;
use app::identity::sessions::PasswordChangeRefusal;
use app::identity::sessions::SessionService;
use app::identity::sign_in::SignInRefusal;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::secret::Password;
use http::StatusCode;

use super::account_frame::AccountFrame;
use super::form::{OwnForm, fields};
use super::{Visit, fault, go_to};
use crate::filters;
use crate::http::faults::set_retry_after;
use crate::respond::page::{self, sentence};

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage<'a> {
    frame: AccountFrame,
    user: &'a str,
    notice: Option<&'static str>,
    problems: &'a [String],
}

/// `GET /account/password`.
pub async fn show(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let (live, cookie) = match visit.signed_in("/account/password").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let changed = query.as_deref() == Some("changed");
    let shown = PasswordPage {
        frame: visit.account_frame("password", &live, &cookie).await,
        user: &live.caller.account().user.name,
        notice: changed.then_some("Your password was changed."),
        problems: &[],
    };
    visit.page(StatusCode::OK, &shown, page::PageContext::Own)
}

/// `POST /account/password`.
pub async fn change(visit: Visit, Use(sessions): Use<SessionService>, OwnForm(form): OwnForm) -> Response {
    let (live, cookie) = match visit.signed_in("/account/password").await {
        Ok(found) => found,
        Err(instead) => return instead,
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    let problem = if form.field(fields::NEW) == form.field(fields::AGAIN) {
        let (current, new) =
            (Password::new(form.field(fields::CURRENT)), Password::new(form.field(fields::NEW)));
        match sessions.change_own_password(&live, current, new, visit.device(), &visit.origin).await {
            Ok(cookie) => {
                let changed = go_to("/account/password?changed");
                return visit.with_session(changed, &cookie, &visit.new_browser_state());
            }
            Err(refusal) => match PasswordMessage::of(&refusal) {
                Ok(problem) => problem,
                Err(cause) => return fault(cause),
            },
        }
    } else {
        PasswordMessage { message: "The two new passwords differ.".to_owned(), retry_after_secs: None }
    };
    let user = &live.caller.account().user.name;
    let problems = [problem.message];
    let shown = PasswordPage {
        frame: visit.account_frame("password", &live, &cookie).await,
        user,
        notice: None,
        problems: &problems,
    };
    let wait = problem.retry_after_secs;
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::BAD_REQUEST };
    let mut response = visit.page(status, &shown, page::PageContext::Own);
    set_retry_after(&mut response, wait);
    response
}

/// Why the password was not changed, for the user.
struct PasswordMessage {
    message: String,
    retry_after_secs: Option<u32>,
}

impl PasswordMessage {
    fn of(refusal: &PasswordChangeRefusal) -> Result<Self, &app::Fault> {
        let (message, retry_after_secs) = match refusal {
            PasswordChangeRefusal::Fault(cause)
            | PasswordChangeRefusal::SignIn(SignInRefusal::Fault(cause)) => return Err(cause),
            PasswordChangeRefusal::SignIn(SignInRefusal::Refused) => {
                ("The current password is wrong, or the account is locked.".to_owned(), None)
            }
            PasswordChangeRefusal::SignIn(SignInRefusal::TooOften { retry_after_secs }) => {
                (sentence(&refusal.to_string()), Some(*retry_after_secs))
            }
            other => (sentence(&other.to_string()), None),
        };
        Ok(Self { message, retry_after_secs })
    }
}

/// Samples of the page, with and without its optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let page = |notice, problems| PasswordPage {
        frame: AccountFrame::sample("password", 0),
        user: HOSTILE,
        notice,
        problems,
    };
    let problems = [HOSTILE.to_owned(), "The two new passwords differ.".to_owned()];
    vec![rendered(&page(Some("Your password was changed."), &[])), rendered(&page(None, &problems))]
}
