//! Asking for a link because the password is forgotten. The answer is the same for every name.

use app::identity::forgotten::{AskedTooOften, ForgottenPasswordService};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use oauth::parameters::Parameters;

use super::form::{OwnForm, fields};
use super::login::{ForgotLink, onward, switch_user};
use super::{Visit, go_to};
use crate::errors::PageError;
use crate::extract::Use;
use crate::filters;
use crate::http::cookies;
use crate::http::faults::set_retry_after;
use crate::respond::page::{self, PageContext};

#[derive(Template)]
#[template(path = "forgot.html")]
struct ForgotPage<'a> {
    problem: Option<&'a str>,
    csrf: &'a str,
    continue_to: &'a str,
    back: String,
}

#[derive(Template)]
#[template(path = "forgot_asked.html")]
struct AskedPage {
    back: String,
}

/// `GET /forgot`.
pub async fn show(
    visit: Visit,
    Use(forgotten): Use<ForgottenPasswordService>,
    RawQuery(query): RawQuery,
) -> Response {
    if !forgotten.is_offered() {
        return not_offered();
    }
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let wanted = query.one(fields::CONTINUE).ok().flatten().unwrap_or_default();
    form(&visit, StatusCode::OK, onward(wanted), None)
}

/// `POST /forgot`.
pub async fn ask(
    visit: Visit,
    Use(forgotten): Use<ForgottenPasswordService>,
    OwnForm(given): OwnForm,
) -> Response {
    if !forgotten.is_offered() {
        return not_offered();
    }
    let visitor =
        cookies::value(&visit.headers, visit.state.cookie_scope().visitor_name()).unwrap_or_default();
    if let Err(instead) = visit.demand_own_form(visitor, given.field(fields::CSRF), None).await {
        return instead;
    }
    let continue_to = onward(given.field(fields::CONTINUE));
    let name = given.field(fields::USERNAME);
    if name.trim().is_empty() {
        let problem = Some("Type your user name or your mail address.");
        return form(&visit, StatusCode::BAD_REQUEST, continue_to, problem);
    }
    match forgotten.ask(name, continue_to, &visit.origin) {
        Ok(()) => go_to(&asked(continue_to)),
        Err(AskedTooOften { retry_after_secs }) => {
            let problem = Some("Too many people at your address have asked. Wait a little, and try again.");
            let mut response = form(&visit, StatusCode::TOO_MANY_REQUESTS, continue_to, problem);
            set_retry_after(&mut response, Some(retry_after_secs));
            response
        }
    }
}

/// `GET /forgot/asked`.
pub async fn asked_page(
    visit: Visit,
    Use(forgotten): Use<ForgottenPasswordService>,
    RawQuery(query): RawQuery,
) -> Response {
    if !forgotten.is_offered() {
        return not_offered();
    }
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let wanted = query.one(fields::CONTINUE).ok().flatten().unwrap_or_default();
    visit.page(StatusCode::OK, &AskedPage { back: back(onward(wanted)) }, PageContext::Flow)
}

fn asked(continue_to: &str) -> String {
    ForgotLink::at("/forgot/asked", continue_to).0
}

/// The path of the sign-in page, with the request that waits if it fits.
fn back(continue_to: &str) -> String {
    let path = switch_user(continue_to);
    if path.is_empty() { "/login".to_owned() } else { path }
}

fn form(visit: &Visit, status: StatusCode, continue_to: &str, problem: Option<&str>) -> Response {
    let (visitor, fresh) = visit.visitor();
    let csrf = visit.csrf_token(&visitor);
    let shown = ForgotPage { problem, csrf: csrf.expose(), continue_to, back: back(continue_to) };
    let scope = visit.state.cookie_scope();
    let cookie = fresh.then(|| cookies::set(scope.visitor_name(), &visitor, None, scope)).flatten();
    visit.with_cookie(visit.page(status, &shown, PageContext::Flow), cookie)
}

fn not_offered() -> Response {
    let message =
        "This server sends no mail. Ask an administrator for a link with which you choose a new password.";
    page::error(StatusCode::NOT_FOUND, PageError::NotFound, message)
}

/// Samples of the pages, with and without their optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let page = |problem| ForgotPage { problem, csrf: "c", continue_to: HOSTILE, back: back("/account") };
    vec![
        rendered(&page(None)),
        rendered(&page(Some(HOSTILE))),
        rendered(&AskedPage { back: back("/account") }),
    ]
}
