//! Error pages, and the headers of all pages.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
};

use crate::errors::PageError;
use crate::filters;
use crate::http::base_path::BasePath;

/// The page that says what went wrong. It travels with its response until [`complete`] renders it, because what refuses a
/// request does not always know the path of the public URL.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    error: PageError,
    message: String,
    code: Option<String>,
    way: Way,
}

/// A link on an error page to another page of this server.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// The path, below the public URL.
    pub address: &'static str,
    /// The text of the link.
    pub name: &'static str,
}

/// Every other page can be reached from here.
const START: Way = Way { address: "/", name: "Go to the start page" };

/// The kind of a page: headers that isolate our own pages would break the flow of another site. See
/// `docs/decisions/pages-in-a-flow.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageContext {
    /// One of our own pages, which no other site needs to reach.
    Own,
    /// A page in the flow of another site, whose window may have opened ours.
    Flow,
    /// The same, with a form after which the browser is redirected to that site, which may redirect it
    /// anywhere.
    FlowOnward,
    /// A page whose form posts the response to the client, by a script of its own.
    SelfSubmitting,
    /// A page without content that every site may load in a frame, with a script of ours.
    Framed,
}

/// The script of a self-submitting page. Its security policy permits the digest of exactly this text.
pub const SELF_SUBMITTING_SCRIPT: &str = "document.forms[0].submit()";

/// An error page with a link to the start page. The message is for a person: a sentence that says what to do.
pub fn error(status: StatusCode, error: PageError, message: &str) -> Response {
    incomplete(status, ErrorPage { error, message: message.to_owned(), code: None, way: START })
}

/// The error page for a request of a client. It names the error code of the protocol, for the client's developer.
pub fn error_of_client(status: StatusCode, message: &str, code: &str) -> Response {
    let error = PageError::of_status(status);
    let (message, code) = (message.to_owned(), Some(code.to_owned()));
    incomplete(status, ErrorPage { error, message, code, way: START })
}

/// Refuses a request because of its HTTP form.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    refuse_with(status, message, START)
}

/// Like `refuse`, with a link to the page where the user can continue.
pub fn refuse_with(status: StatusCode, message: &str, way: Way) -> Response {
    let error = PageError::of_status(status);
    incomplete(status, ErrorPage { error, message: sentence(message), code: None, way })
}

/// The response to an error, without its body.
fn incomplete(status: StatusCode, page: ErrorPage) -> Response {
    let mut response = rendered(status, Some(Bytes::new()), PageContext::Flow);
    response.extensions_mut().insert(page);
    response
}

/// Renders the body of an error page; any other response stays as it is.
pub(crate) fn complete(mut response: Response, base: &BasePath) -> Response {
    let Some(page) = response.extensions_mut().remove::<ErrorPage>() else { return response };
    let Ok(text) = page.render_with_values(base) else { return cannot_be_shown() };
    // The router has set the length of the body that the response had.
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    *response.body_mut() = Body::from(text);
    response
}

/// A message as a sentence: with a capital letter and a full stop.
pub fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let Some(first) = characters.next() else { return String::new() };
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    first.to_uppercase().chain(characters).collect::<String>() + stop
}

/// A page with its security policy. It loads only our own style sheet, runs no script unless it is self-submitting, cannot
/// be framed and is not cached; a page for frames loads only our own script. `base` is the path of the public URL.
pub fn html(status: StatusCode, page: &impl Template, place: PageContext, base: &BasePath) -> Response {
    rendered(status, page.render_with_values(base).ok().map(Bytes::from), place)
}

/// The same for a page that is already rendered; `None` if that failed.
pub fn rendered(status: StatusCode, page: Option<Bytes>, place: PageContext) -> Response {
    let Some(page) = page else {
        return cannot_be_shown();
    };
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if place != PageContext::Framed {
        headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
    }
    if place == PageContext::Own {
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(security_policy(place)));
    response
}

fn cannot_be_shown() -> Response {
    let mut response = Response::new(Body::from("the page cannot be shown"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

const fn security_policy(place: PageContext) -> &'static str {
    match place {
        PageContext::Own | PageContext::Flow => {
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self'"
        }
        // Browsers apply form-action to every redirect that follows, and only the client knows those.
        PageContext::FlowOnward => {
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
        }
        // The digest is that of `SELF_SUBMITTING_SCRIPT`.
        PageContext::SelfSubmitting => {
            "default-src 'none'; style-src 'self'; img-src 'self' data:; \
             script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; base-uri 'none'; frame-ancestors 'none'"
        }
        PageContext::Framed => "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'",
    }
}

/// Samples of the page.
#[cfg(test)]
pub(crate) fn samples() -> Vec<String> {
    use crate::pages::tests::{HOSTILE, rendered};
    let page = |code| ErrorPage { error: PageError::NotFound, message: HOSTILE.to_owned(), code, way: START };
    vec![rendered(&page(None)), rendered(&page(Some("invalid_request".to_owned())))]
}
