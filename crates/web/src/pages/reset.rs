//! Choosing a password by a one-time link. `GET` shows a form and changes nothing, because programs that scan mail follow
//! every link.

use app::identity::one_time_links::{LinkRefusal, OneTimeLinkService, ValidLink};
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use domain::account::one_time_link::LinkPurpose;
use domain::secret::Password;
use http::StatusCode;
use oauth::parameters::Parameters;

use super::form::{OwnForm, fields};
use super::login::{after_new_password, onward};
use super::{Visit, fault, go_to};
use crate::errors::PageError;
use crate::extract::Use;
use crate::filters;
use crate::http::cookies;
use crate::respond::page::{self, PageContext, sentence};

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage<'a> {
    is_invitation: bool,
    user: &'a str,
    problem: Option<&'a str>,
    csrf: &'a str,
    key: &'a str,
}

/// `GET /reset`.
pub async fn show(visit: Visit, Use(links): Use<OneTimeLinkService>, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let key = query.one(fields::KEY).ok().flatten().unwrap_or_default();
    form(&visit, &links, StatusCode::OK, key, None).await
}

/// `POST /reset`.
pub async fn choose(visit: Visit, Use(links): Use<OneTimeLinkService>, OwnForm(given): OwnForm) -> Response {
    let visitor =
        cookies::value(&visit.headers, visit.state.cookie_scope().visitor_name()).unwrap_or_default();
    if let Err(instead) = visit.demand_own_form(visitor, given.field(fields::CSRF), None).await {
        return instead;
    }
    let key = given.field(fields::KEY);
    if given.field(fields::NEW) != given.field(fields::AGAIN) {
        let problem = Some("The two passwords differ.");
        return form(&visit, &links, StatusCode::BAD_REQUEST, key, problem).await;
    }
    let new = Password::new(given.field(fields::NEW));
    match links.choose_password(key, new, &visit.origin).await {
        Ok(continue_to) => go_to(&after_new_password(onward(continue_to.as_deref().unwrap_or_default()))),
        Err(LinkRefusal::Weak(weak)) => {
            let problem = sentence(&weak.to_string());
            form(&visit, &links, StatusCode::BAD_REQUEST, key, Some(&problem)).await
        }
        Err(refusal) => refused(&refusal),
    }
}

/// The form, if the link is still valid.
async fn form(
    visit: &Visit,
    links: &OneTimeLinkService,
    status: StatusCode,
    key: &str,
    problem: Option<&str>,
) -> Response {
    let ValidLink { user_name, purpose } = match links.look_at(key, &visit.origin).await {
        Ok(found) => found,
        Err(refusal) => return refused(&refusal),
    };
    let (visitor, fresh) = visit.visitor();
    let csrf = visit.csrf_token(&visitor);
    let is_invitation = purpose == LinkPurpose::Invitation;
    let shown = ResetPage { is_invitation, user: &user_name, problem, csrf: csrf.expose(), key };
    let scope = visit.state.cookie_scope();
    let cookie = fresh.then(|| cookies::set(scope.visitor_name(), &visitor, None, scope)).flatten();
    visit.with_cookie(visit.page(status, &shown, PageContext::Own), cookie)
}

fn refused(refusal: &LinkRefusal) -> Response {
    match refusal {
        LinkRefusal::Fault(cause) => fault(cause),
        LinkRefusal::Over => page::error(StatusCode::GONE, PageError::LinkOver, LINK_OVER),
        other => page::refuse(StatusCode::FORBIDDEN, &sentence(&other.to_string())),
    }
}

const LINK_OVER: &str = "It was used already, it has expired, or a newer link has replaced it. If your password was not \
                         changed, ask for another link.";

/// Samples of the page, with and without its optional parts.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    let page =
        |is_invitation, problem| ResetPage { is_invitation, user: HOSTILE, problem, csrf: "c", key: HOSTILE };
    vec![rendered(&page(true, None)), rendered(&page(false, Some(HOSTILE)))]
}
