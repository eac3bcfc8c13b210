//! `POST /api/odata4/{source}/$batch`: several requests in one ([Protocol
//! §11.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_BatchRequests)).
//!
//! A batch is read as a whole, within its bounds, and parsed. Then its requests run one after the other, each when the
//! response to the one before it has been sent, so that a batch needs no more memory, connections or permits than one request.
//! Each is answered by the code that answers it alone.

mod format;
pub(crate) mod json;
mod left;
pub(crate) mod multipart;
mod part;
mod run;
mod stream;
mod target;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use odata::format::{MediaType, admits, parts as listed};

use self::format::BatchFormat;
use self::part::BatchFault;
use self::run::Run;
use self::stream::BatchBody;
use self::target::Surroundings;
use super::answer::PREFERENCE_APPLIED;
use super::data_caller::DataCaller;
use super::{headers, repeatability};
use crate::WebState;
use crate::http::body;
use crate::http::host;
use crate::respond::odata::ODataProblem;

/// The maximum length of a batch in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

const MULTIPART: &str = "multipart/mixed";
const JSON: &str = "application/json";

/// Answers a batch of this caller.
pub(super) async fn answer(
    state: &WebState,
    data_caller: &Arc<DataCaller>,
    parts: &Parts,
    body: Body,
) -> Result<Response, ODataProblem> {
    if repeatability::is_asked(&parts.headers) {
        let message = "a batch cannot be repeated as a whole: give each of its changes a Repeatability-Request-ID of its own";
        return Err(ODataProblem::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
    }
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = MediaType::read(kind);
    let is_multipart = kind.is(MULTIPART);
    if !is_multipart && !kind.is(JSON) {
        let message = "a batch is multipart/mixed with a boundary, or application/json";
        return Err(ODataProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BadRequest", message));
    }
    let format = answer_format(state, &headers::accept(&parts.headers)?, is_multipart)?;
    let bytes = body::read(body, MOST_BYTES).await;
    let bytes =
        bytes.map_err(|unread| ODataProblem::new(unread.status(), "BadRequest", unread.to_string()))?;
    let read = if is_multipart {
        multipart::parse(&bytes, kind.parameter("boundary").unwrap_or_default())
    } else {
        json::parse(&bytes)
    };
    drop(bytes);
    let requests = read.map_err(|fault| bad(&fault))?;
    data_caller.data().note_batch(requests.len());
    let continues = continue_on_error(&parts.headers);
    // Only the multipart format stops at the first error unless it is told otherwise.
    let stops = !continues.map_or(!is_multipart, |(continues, _)| continues);
    let run = Run::new(Arc::clone(data_caller), surroundings(state, parts), requests, stops, is_multipart);
    let mut response = Response::new(Body::new(BatchBody::new(run, format.clone())));
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(&format.media_type()) {
        headers.insert(CONTENT_TYPE, media_type);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some((_, applied)) = continues {
        headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(applied));
    }
    Ok(response)
}

fn bad(fault: &BatchFault) -> ODataProblem {
    let message = format!("the batch cannot be read: {fault}");
    ODataProblem::new(StatusCode::BAD_REQUEST, "MalformedBatch", message)
}

/// The format that the client accepts; by default that of the request.
fn answer_format(state: &WebState, accept: &str, is_multipart: bool) -> Result<BatchFormat, ODataProblem> {
    let boundary =
        || format!("batch_{:016x}{:016x}", state.node().random_number(), state.node().random_number());
    match (is_multipart, admits(accept, MULTIPART), admits(accept, JSON)) {
        (true, true, _) | (false, true, false) => Ok(BatchFormat::Multipart(boundary())),
        (_, _, true) => Ok(BatchFormat::Json),
        (_, false, false) => Err(app::data::DataRefusal::NotAcceptable.into()),
    }
}

/// The preference `continue-on-error`, with or without prefix, and the header that says that it was applied ([Protocol
/// §8.2.8.3](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_Preferencecontinueonerrorodatacontin)).
fn continue_on_error(headers: &HeaderMap) -> Option<(bool, &'static str)> {
    let lists =
        headers.get_all(HeaderName::from_static("prefer")).iter().filter_map(|value| value.to_str().ok());
    let mut preferences = lists.flat_map(|list| listed(list, b',')).flat_map(|item| listed(item, b';'));
    preferences.find_map(|preference| {
        let (name, value) = preference.split_once('=').unwrap_or((preference, "true"));
        let is_prefixed = name.trim().eq_ignore_ascii_case("odata.continue-on-error");
        if !is_prefixed && !name.trim().eq_ignore_ascii_case("continue-on-error") {
            return None;
        }
        let applied = match (value.trim().trim_matches('"'), is_prefixed) {
            (value, true) if value.eq_ignore_ascii_case("true") => (true, "odata.continue-on-error"),
            (value, false) if value.eq_ignore_ascii_case("true") => (true, "continue-on-error"),
            (value, true) if value.eq_ignore_ascii_case("false") => (false, "odata.continue-on-error=false"),
            (value, false) if value.eq_ignore_ascii_case("false") => (false, "continue-on-error=false"),
            _ => return None,
        };
        Some(applied)
    })
}

fn surroundings(state: &WebState, parts: &Parts) -> Surroundings {
    let path = parts.uri.path().trim_end_matches('/');
    let root = path.rsplit_once('/').map_or(path, |(root, _)| root);
    let public: Option<http::Uri> = state.node().settings().public_url.parse().ok();
    Surroundings {
        root: format!("{root}/"),
        host: host::named(&parts.uri, &parts.headers).map(str::to_owned),
        public_host: public.and_then(|url| url.authority().map(ToString::to_string)),
        base: state.base().clone(),
        max_uri_bytes: state.settings().max_uri_bytes,
        max_version: parts.headers.get("odata-maxversion").cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preference_is_found_in_both_spellings() {
        let preferred = |text: &'static str| {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static("prefer"), HeaderValue::from_static(text))]);
            continue_on_error(&headers)
        };
        assert_eq!(preferred("odata.continue-on-error"), Some((true, "odata.continue-on-error")));
        assert_eq!(preferred("return=minimal, Continue-On-Error=True"), Some((true, "continue-on-error")));
        assert_eq!(preferred("continue-on-error=false"), Some((false, "continue-on-error=false")));
        assert_eq!(preferred("continue-on-error=maybe"), None);
        assert_eq!(preferred("x=\"continue-on-error\""), None);
        assert_eq!(continue_on_error(&HeaderMap::new()), None);
    }
}
