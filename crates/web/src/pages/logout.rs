//! Signing out.

use crate::extract::Use;
use app::identity::sessions::SessionService;
use app::protocol::logout::AfterLogout;
use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::form::{OwnForm, fields};
use super::{Visit, ended, fault};
use crate::filters;
use crate::respond::page;

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    user: &'a str,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage;

/// `GET /logout`: asks for confirmation, because a link must not sign anybody out.
pub async fn show(visit: Visit) -> Response {
    match visit.session().await {
        Err(cause) => fault(&cause),
        Ok(None) => visit.page(StatusCode::OK, &SignedOutPage, page::PageContext::Own),
        Ok(Some((live, cookie))) => {
            let csrf = visit.csrf_token(cookie.expose());
            let shown = LogoutPage { user: &live.caller.account().user.name, csrf: csrf.expose() };
            visit.page(StatusCode::OK, &shown, page::PageContext::Own)
        }
    }
}

/// `POST /logout`.
pub async fn sign_out(visit: Visit, Use(sessions): Use<SessionService>, OwnForm(form): OwnForm) -> Response {
    match visit.session().await {
        Err(cause) => return fault(&cause),
        Ok(None) => {}
        Ok(Some((live, cookie))) => {
            let csrf = form.field(fields::CSRF);
            if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
                return instead;
            }
            match sessions.close(&live, &visit.origin).await {
                Err(cause) => return fault(&cause),
                Ok(frames) if frames.is_empty() => {}
                Ok(frames) => {
                    let after = AfterLogout { frames, onward: None };
                    return visit.without_session(ended::show(&visit, &after));
                }
            }
        }
    }
    signed_out(&visit)
}

/// The page for a browser whose session was ended.
pub(super) fn signed_out(visit: &Visit) -> Response {
    visit.without_session(visit.page(StatusCode::OK, &SignedOutPage, page::PageContext::Own))
}

/// Samples of both pages.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    vec![rendered(&LogoutPage { user: HOSTILE, csrf: "c" }), rendered(&SignedOutPage)]
}
