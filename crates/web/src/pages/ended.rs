//! The page after a logout.

use app::protocol::logout::AfterLogout;
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use url::Url;

use super::{DestinationInWords, Visit, go_to};
use crate::filters;
use crate::respond::page::PageContext;

#[derive(Template)]
#[template(path = "ended.html")]
struct EndedPage<'a> {
    frames: &'a [String],
    location: Option<&'a str>,
    goal: Option<DestinationInWords>,
}

/// How long the frames of applications may load before the browser goes on, in seconds.
const FRAMES_LOAD_SECS: u32 = 3;

/// Loads the pages of applications in frames, then goes on. Without frames the browser goes on at once, unless the user is to
/// decide about the destination.
pub(crate) fn show(visit: &Visit, after: &AfterLogout) -> Response {
    let onward = after.onward.as_ref();
    let by_itself = onward.filter(|onward| onward.goes_by_itself).map(|onward| onward.location.as_str());
    if after.frames.is_empty()
        && let Some(location) = by_itself
    {
        return go_to(location);
    }
    let shown = EndedPage {
        frames: &after.frames,
        location: onward.map(|onward| onward.location.as_str()),
        goal: onward.map(|onward| DestinationInWords::of(&onward.destination)),
    };
    let mut response = visit.page(StatusCode::OK, &shown, PageContext::FlowOnward);
    let origins: Vec<String> = after.frames.iter().filter_map(|frame| origin(frame)).collect();
    let headers = response.headers_mut();
    if !origins.is_empty()
        && let Some(policy) = headers.get(CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok())
        && let Ok(value) = HeaderValue::from_str(&format!("{policy}; frame-src {}", origins.join(" ")))
    {
        headers.insert(CONTENT_SECURITY_POLICY, value);
    }
    if let Some(location) = by_itself
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
    vec![super::tests::rendered(&EndedPage { frames: &[], location: None, goal: None })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::{HOSTILE, rendered};

    #[test]
    fn the_page_after_a_logout_names_the_destination_of_its_link() {
        let location = format!("https://client.example/bye?x={HOSTILE}");
        let goal = Some(DestinationInWords::sample());
        let page = rendered(&EndedPage { frames: &[], location: Some(&location), goal });
        assert!(!page.contains("<script") && !page.contains("<a href='"), "everything is escaped: {page}");
        for part in ["id=\"destination\">", "id=\"caution\"", "id=\"logout-continue\">"] {
            assert_eq!(page.matches(part).count(), 1, "{part}: {page}");
        }
    }
}
