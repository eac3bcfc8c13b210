//! `GET` and `POST /oauth2/logout`: an application asks to sign the user out.

use app::protocol::logout::{AfterLogout, LogoutAnswer, LogoutService};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;
use oauth::oidc::logout::LogoutRequest;
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;

use crate::errors::PageError;
use crate::extract::Use;
use crate::filters;
use crate::pages::form::{FormBody, OwnForm, fields};
use crate::pages::{DestinationInWords, Visit, ended, fault, stale_form};
use crate::respond::page::{self, PageContext};

/// The path of the endpoint.
const PATH: &str = "/oauth2/logout";

#[derive(Template)]
#[template(path = "end_session.html")]
struct AskPage<'a> {
    user: &'a str,
    application: Option<&'a str>,
    goal: Option<DestinationInWords>,
    csrf: &'a str,
    request: &'a str,
}

/// `GET`: the usual request of a browser.
pub async fn show(visit: Visit, Use(logout): Use<LogoutService>, RawQuery(query): RawQuery) -> Response {
    match Parameters::from_form(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => answer(&visit, &logout, &parameters).await,
        Err(refusal) => refused(refusal),
    }
}

/// `POST`: if a page of the application sent it, the browser withholds our cookies, and sends them when it repeats the
/// request with `GET`.
pub async fn show_posted(visit: Visit, Use(logout): Use<LogoutService>, form: FormBody) -> Response {
    match visit.repeat_with_get(PATH, form.parameters(), LogoutRequest::KNOWN) {
        Some(repeat) => repeat,
        None => answer(&visit, &logout, form.parameters()).await,
    }
}

async fn answer(visit: &Visit, logout: &LogoutService, parameters: &Parameters) -> Response {
    let found = match visit.session().await {
        Ok(found) => found,
        Err(cause) => return fault(&cause),
    };
    let live = found.as_ref().map(|(live, _)| live);
    match logout.request(parameters, live, &visit.origin).await {
        Err(cause) => fault(&cause),
        Ok(LogoutAnswer::Refused(refusal)) => refused(refusal),
        Ok(LogoutAnswer::Done(after)) => visit.without_session(ended::show(visit, &after)),
        Ok(LogoutAnswer::Ask { application, onward }) => {
            let Some((live, cookie)) = &found else {
                return visit.without_session(ended::show(visit, &AfterLogout::default()));
            };
            let request = parameters.encoded(LogoutRequest::KNOWN).unwrap_or_default();
            let csrf = visit.csrf_token(cookie.expose());
            let shown = AskPage {
                user: &live.caller.account().user.name,
                application: application.as_deref(),
                goal: onward.map(|onward| DestinationInWords::of(&onward.destination)),
                csrf: csrf.expose(),
                request: &request,
            };
            visit.page(StatusCode::OK, &shown, PageContext::FlowOnward)
        }
    }
}

/// The button of the page that asks.
pub async fn confirm(visit: Visit, Use(logout): Use<LogoutService>, OwnForm(form): OwnForm) -> Response {
    let (live, cookie) = match visit.session().await {
        Err(cause) => return fault(&cause),
        Ok(None) => return visit.without_session(ended::show(&visit, &AfterLogout::default())),
        Ok(Some(found)) => found,
    };
    let csrf = form.field(fields::CSRF);
    if let Err(instead) = visit.demand_own_form(cookie.expose(), csrf, Some(&live.caller)).await {
        return instead;
    }
    let Ok(parameters) = Parameters::from_form(form.field(fields::REQUEST).as_bytes()) else {
        return stale_form();
    };
    match logout.confirm(&parameters, &live, &visit.origin).await {
        Err(cause) => fault(&cause),
        Ok(LogoutAnswer::Done(after)) => visit.without_session(ended::show(&visit, &after)),
        Ok(LogoutAnswer::Refused(refusal)) => refused(refusal),
        Ok(LogoutAnswer::Ask { .. }) => stale_form(),
    }
}

/// The page for a malformed request; nobody is signed out.
fn refused(refusal: Refusal) -> Response {
    let message = format!(
        "The application that sent you here made an invalid request: {}. You are still signed in as before. Its developer can \
         correct this.",
        refusal.description()
    );
    page::error(StatusCode::BAD_REQUEST, PageError::InvalidRequest, &message)
}

/// Samples of the page.
#[cfg(test)]
pub(crate) fn samples() -> Vec<String> {
    use crate::pages::tests::{HOSTILE, rendered};
    let ask = |application: Option<&'static str>| {
        let goal = application.map(|_| DestinationInWords::sample());
        rendered(&AskPage { user: HOSTILE, application, goal, csrf: "c", request: HOSTILE })
    };
    vec![ask(None), ask(Some(HOSTILE))]
}
