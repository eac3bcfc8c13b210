//! The page after a logout.

use app::protocol::logout::AfterLogout;
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use url::Url;

use super::{Visit, go_to};
use crate::filters;
use crate::respond::page::PageContext;

#[derive(Template)]
#[template(path = "ended.html")]
struct EndedPage<'a> {
    frames: &'a [String],
    location: Option<&'a str>,
}

/// How long the frames of applications may load before the browser goes on, in seconds.
const FRAMES_LOAD_SECS: u32 = 3;

/// Loads the pages of applications in frames, then goes on. Without frames the browser goes on at once.
pub(crate) fn show(visit: &Visit, after: &AfterLogout) -> Response {
    if after.frames.is_empty()
        && let Some(location) = &after.location
    {
        return go_to(location);
    }
    let shown = EndedPage { frames: &after.frames, location: after.location.as_deref() };
    let mut response = visit.page(StatusCode::OK, &shown, PageContext::FlowOnward);
    let origins: Vec<String> = after.frames.iter().filter_map(|frame| origin(frame)).collect();
    let headers = response.headers_mut();
    if !origins.is_empty()
        && let Some(policy) = headers.get(CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok())
        && let Ok(value) = HeaderValue::from_str(&format!("{policy}; frame-src {}", origins.join(" ")))
    {
        headers.insert(CONTENT_SECURITY_POLICY, value);
    }
    if let Some(location) = &after.location
        && let Ok(value) = HeaderValue::from_str(&format!("{FRAMES_LOAD_SECS}; url={location}"))
    {
        headers.insert("refresh", value);
    }
    response
}

fn origin(frame: &str) -> Option<String> {
    Some(Url::parse(frame).ok()?.origin().ascii_serialization())
}

/// A sample of the page.
#[cfg(test)]
pub(super) fn samples() -> Vec<String> {
    vec![super::tests::rendered(&EndedPage { frames: &[], location: None })]
}
