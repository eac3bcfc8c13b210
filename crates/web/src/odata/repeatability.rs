//! The headers of requests that a client may send again ([Repeatable Requests
//! 1.0](https://docs.oasis-open.org/odata/repeatable-requests/v1.0/repeatable-requests-v1.0.html)).

use app::data::Repeatable;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::fmt::rfc2822::DateTimeParser;

use crate::respond::odata::ODataProblem;

const REQUEST_ID: HeaderName = HeaderName::from_static("repeatability-request-id");
const CLIENT_ID: HeaderName = HeaderName::from_static("repeatability-client-id");
const FIRST_SENT: HeaderName = HeaderName::from_static("repeatability-first-sent");
const RESULT: HeaderName = HeaderName::from_static("repeatability-result");

/// The maximum length of an id.
const LONGEST_ID: usize = 256;

/// What all codes of refused repetitions begin with.
const CODES: &str = "Repeatability";

/// By what the request is known if it comes again; `None` if it has no such header.
pub(super) fn of(headers: &HeaderMap) -> Option<Repeatable<'_>> {
    let first_sent = || {
        let sent = only(headers, &FIRST_SENT).ok()??;
        DateTimeParser::new().parse_timestamp(sent).ok()
    };
    let whole = || {
        let (id, client) = (only(headers, &REQUEST_ID).ok()??, only(headers, &CLIENT_ID).ok()?);
        Some((id, client.unwrap_or_default(), first_sent()?))
    };
    is_asked(headers).then(|| {
        whole().map_or(Repeatable::Malformed, |(id, client, first_sent)| Repeatable::Known {
            id,
            client,
            first_sent,
        })
    })
}

/// Whether a request has one of the headers.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    let may_be = |name: &&HeaderName| name.as_str().starts_with("repeatability-");
    headers.keys().filter(may_be).any(|name| [REQUEST_ID, CLIENT_ID, FIRST_SENT].contains(name))
}

/// The value of a header; an error if it comes twice or is too long.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ()> {
    let mut values = headers.get_all(name).iter();
    let (value, further) = (values.next(), values.next());
    let read = |value: &'h HeaderValue| {
        let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= LONGEST_ID);
        text.filter(|_| further.is_none()).ok_or(())
    };
    value.map(read).transpose()
}

/// Whether the request was taken as one that can be repeated; `None` if it is none, or cannot be here. An accepted request may
/// have failed.
pub(super) fn result(headers: &HeaderMap, problem: Option<&ODataProblem>) -> Option<&'static str> {
    if !is_asked(headers) {
        return None;
    }
    match problem.map(ODataProblem::parts) {
        Some((StatusCode::NOT_IMPLEMENTED, ..)) => None,
        Some((_, code, _)) if code.starts_with(CODES) => Some("rejected"),
        _ => Some("accepted"),
    }
}

/// Tells the client.
pub(super) fn note(response: &mut Response, result: Option<&'static str>) {
    if let Some(result) = result {
        response.headers_mut().insert(RESULT, HeaderValue::from_static(result));
    }
}
