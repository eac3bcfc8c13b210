//! The start page: what this is, and where to go.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::{Visit, fault, filters};
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
    let user = live.as_ref().map(|live| live.caller.member().user.name.as_str());
    page::html(StatusCode::OK, &StartPage { user }, page::Place::Own)
}

/// The page for somebody and for nobody.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    use super::tests::{HOSTILE, rendered};
    vec![rendered(&StartPage { user: None }), rendered(&StartPage { user: Some(HOSTILE) })]
}
