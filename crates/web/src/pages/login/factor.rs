//! The second page of a sign-in: the code of an authenticator, or a recovery code.

use app::identity::sessions::SessionService;
use app::identity::sign_in::{SignInRefusal, SignInService};
use askama::Template;
use axum::response::Response;
use domain::secret::StepTicket;
use http::StatusCode;

use super::super::form::{OwnForm, fields};
use super::super::{Visit, fault, go_to};
use super::onward;
use crate::extract::Use;
use crate::filters;
use crate::http::cookies;
use crate::http::faults::set_retry_after;
use crate::respond::page::{PageContext, sentence};

#[derive(Template)]
#[template(path = "factor.html")]
struct FactorPage<'a> {
    problem: Option<&'a str>,
    csrf: &'a str,
    continue_to: &'a str,
    ticket: &'a str,
}

/// Asks for the code, after the password.
pub(super) fn ask(visit: &Visit, ticket: &StepTicket, continue_to: &str) -> Response {
    show(visit, StatusCode::OK, ticket, continue_to, None)
}

fn show(
    visit: &Visit,
    status: StatusCode,
    ticket: &StepTicket,
    continue_to: &str,
    problem: Option<&str>,
) -> Response {
    let visitor = visitor(visit);
    let csrf = visit.csrf_token(visitor);
    let shown = FactorPage { problem, csrf: csrf.expose(), continue_to, ticket: ticket.expose() };
    // Also after a refused request the browser goes on to the client, with the error.
    let place =
        if continue_to.contains("/oauth2/authorize?") { PageContext::FlowOnward } else { PageContext::Flow };
    visit.page(status, &shown, place)
}

fn visitor(visit: &Visit) -> &str {
    cookies::value(&visit.headers, visit.state.cookie_scope().visitor_name()).unwrap_or_default()
}

/// `GET /login/factor`: somebody reloads the address of the second page, which is nothing without the first.
pub async fn restart() -> Response {
    go_to("/login")
}

/// `POST /login/factor`.
pub async fn sign_in(
    visit: Visit,
    Use(users): Use<SignInService>,
    Use(sessions): Use<SessionService>,
    OwnForm(form): OwnForm,
) -> Response {
    let visitor = visitor(&visit);
    if let Err(instead) = visit.demand_own_form(visitor, form.field(fields::CSRF), None).await {
        return instead;
    }
    let ticket = StepTicket::new(form.field(fields::TICKET));
    let finished = async {
        let code = form.field(fields::CODE);
        let (account, shown) = users.finish(ticket.expose(), visitor, code, &visit.origin).await?;
        super::open(&visit, &sessions, account, Some(shown)).await
    };
    let refusal = match finished.await {
        Ok(cookie) => return super::signed_in(&visit, &form, &cookie),
        Err(refusal) => refusal,
    };
    let continue_to = onward(form.field(fields::CONTINUE));
    let problem = sentence(&refusal.to_string());
    match &refusal {
        SignInRefusal::Fault(cause) => fault(cause),
        SignInRefusal::WrongCode => {
            show(&visit, StatusCode::UNAUTHORIZED, &ticket, continue_to, Some(&problem))
        }
        SignInRefusal::TooOften { retry_after_secs } => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = show(&visit, status, &ticket, continue_to, Some(&problem));
            set_retry_after(&mut response, Some(*retry_after_secs));
            response
        }
        _ => super::refused(&visit, &users, &form, &refusal).await,
    }
}

/// Samples of the page, with and without its optional parts.
#[cfg(test)]
pub(in crate::pages) fn samples() -> Vec<String> {
    use crate::pages::tests::{HOSTILE, rendered};
    let page = |problem, continue_to| FactorPage { problem, csrf: "c", continue_to, ticket: "t" };
    vec![rendered(&page(None, "/account")), rendered(&page(Some(HOSTILE), HOSTILE))]
}
