//! Errors as pages, and the headers that every page carries.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};

use crate::pages::{filters, sentence};

/// The page that says what went wrong.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    message: &'a str,
    way: Way,
}

/// Where somebody can go on from an error page, on this server.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// The path.
    pub address: &'static str,
    /// What is there.
    pub name: &'static str,
}

/// From where every other page is reached.
const START: Way = Way { address: "/", name: "To the start page" };

/// Where a page stands: what isolates a page of our own would break the way of another site through us. See
/// `docs/decisions/pages-in-a-flow.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A page of our own, which no other site needs to reach.
    Own,
    /// In the flow of another site, whose window may have opened ours.
    Flow,
    /// The same, with a form after which the browser is sent to that site, and by it wherever it likes.
    FlowOnward,
}

/// An error page. The message is for a person: a sentence that says what to do. It leads to the start page.
pub fn error(status: StatusCode, title: &str, message: &str) -> Response {
    html(status, &ErrorPage { title, message, way: START }, Place::Flow)
}

/// Refuses a request for what HTTP itself can tell.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    refuse_with(status, message, START)
}

/// The same with a link to where it goes on.
pub fn refuse_with(status: StatusCode, message: &str, way: Way) -> Response {
    let title = match status {
        StatusCode::NOT_FOUND => "Nothing is here",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong here",
        StatusCode::SERVICE_UNAVAILABLE => "Not available at present",
        _ => "This request cannot be answered",
    };
    html(status, &ErrorPage { title, message: &sentence(message), way }, Place::Flow)
}

/// A page with its security policy: it loads only our own style sheet, runs no script, cannot be framed and is not cached.
pub fn html(status: StatusCode, page: &impl Template, place: Place) -> Response {
    rendered(status, page.render().ok().map(Bytes::from), place)
}

/// The same for a page that is rendered already; none where that failed.
pub fn rendered(status: StatusCode, page: Option<Bytes>, place: Place) -> Response {
    let Some(page) = page else {
        let mut response = Response::new(Body::from("the page cannot be shown"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    if place == Place::Own {
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(security_policy(place)));
    response
}

const fn security_policy(place: Place) -> &'static str {
    match place {
        Place::Own | Place::Flow => {
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self'"
        }
        // Browsers hold form-action against every redirect that follows, and only the client knows those.
        Place::FlowOnward => {
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
        }
    }
}

/// The page.
#[cfg(test)]
pub(crate) fn samples() -> Vec<String> {
    use crate::pages::tests::{HOSTILE, rendered};
    vec![rendered(&ErrorPage { title: HOSTILE, message: HOSTILE, way: START })]
}
