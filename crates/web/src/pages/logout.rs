//! Signing out.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::form::{Form, fields};
use super::{Visit, fault, stale_form, with_cookie};
use crate::origin::From;
use crate::respond::page;
use crate::{Gate, cookies};

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    user: &'a str,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage;

/// `GET /logout`: asks, since a link must not sign anybody out.
pub async fn show(State(gate): State<Gate>, From(origin): From, headers: HeaderMap) -> Response {
    let visit = Visit { gate: &gate, headers: &headers, origin: &origin };
    match visit.session().await {
        Err(cause) => fault(&cause),
        Ok(None) => page::html(StatusCode::OK, &SignedOutPage, None),
        Ok(Some((live, cookie))) => {
            let csrf = gate.app().csrf_token(cookie.expose());
            let shown = LogoutPage { user: &live.caller.member().user.name, csrf: csrf.expose() };
            page::html(StatusCode::OK, &shown, None)
        }
    }
}

/// `POST /logout`.
pub async fn sign_out(
    State(gate): State<Gate>,
    From(origin): From,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let visit = Visit { gate: &gate, headers: &headers, origin: &origin };
    match visit.session().await {
        Err(cause) => return fault(&cause),
        Ok(None) => {}
        Ok(Some((live, cookie))) => {
            if !visit.is_ours(cookie.expose(), form.field(fields::CSRF)) {
                return stale_form();
            }
            if let Err(cause) = gate.app().close_session(&live, &origin).await {
                return fault(&cause);
            }
        }
    }
    with_cookie(page::html(StatusCode::OK, &SignedOutPage, None), cookies::close(gate.settings()))
}

/// Both pages.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    vec![rendered(&LogoutPage { user: HOSTILE, csrf: "c" }), rendered(&SignedOutPage)]
}
