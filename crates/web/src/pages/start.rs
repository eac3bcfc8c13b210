//! The start page: what this server is, and where to go.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::{Visit, fault};
use crate::filters;
use crate::respond::page;

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage<'a> {
    user: Option<&'a str>,
}

/// `GET /`.
pub async fn show(visit: Visit) -> Response {
    let live = match visit.session().await {
        Ok(found) => found.map(|(live, _)| live),
        Err(cause) => return fault(&cause),
    };
    let user = live.as_ref().map(|live| live.caller.account().user.name.as_str());
    visit.page(StatusCode::OK, &StartPage { user }, page::PageContext::Own)
}

/// Samples of the page with and without a user.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    vec![rendered(&StartPage { user: None }), rendered(&StartPage { user: Some(HOSTILE) })]
}
