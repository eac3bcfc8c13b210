//! The response to a read that was answered.

use app::data::{Content, DataAnswer, DataBody, DataRefusal};
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, VARY};
use http::{HeaderMap, StatusCode};
use odata::format::MetadataFormat;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::headers::Preferred;
use super::rows::Rows;
use crate::http::conditional::{ReadCondition, none_match_fails, read_condition};
use crate::respond::odata::ODataProblem;

pub(super) const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
/// What a link in a header cannot have; the body of a POST may have brought it.
const OUTSIDE_LINK: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The response to a request with these headers.
///
/// # Errors
/// If the entity is not the one that the client expects.
pub(super) fn respond(
    answer: DataAnswer,
    preferred: Preferred,
    asked: &HeaderMap,
) -> Result<Response, ODataProblem> {
    let Some(tag) = answer.tag else { return Ok(shown(answer, preferred, asked)) };
    let condition = read_condition(asked, tag.as_str());
    if condition == ReadCondition::Failed {
        return Err(DataRefusal::PreconditionFailed.into());
    }
    if !answer.is_identified {
        return Ok(shown(answer, preferred, asked));
    }
    let mut response = shown(answer, preferred, asked);
    if let Ok(tag) = HeaderValue::from_str(tag.as_str()) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(if condition == ReadCondition::Unmodified { unmodified(response) } else { response })
}

/// The response without its content, which the client has already.
fn unmodified(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// The response that shows the answer.
fn shown(answer: DataAnswer, preferred: Preferred, asked: &HeaderMap) -> Response {
    let body = match answer.body {
        DataBody::Whole(bytes) => Body::from(bytes),
        DataBody::Stream(stream) => Body::new(Rows::new(stream)),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(link) = answer.next_link.as_deref().and_then(next_page) {
        headers.insert(LINK, link);
    }
    let media_type = match answer.content {
        Content::Page(format, rows) => {
            if let Some(applied) = preferred.applied(format, Some(rows)) {
                headers.insert(PREFERENCE_APPLIED, applied);
            }
            format.media_type()
        }
        Content::Json(format) => {
            if let Some(applied) = preferred.applied(format, None) {
                headers.insert(PREFERENCE_APPLIED, applied);
            }
            format.media_type()
        }
        Content::Value(media_type) => media_type,
        Content::Metadata(format, tag) => return metadata(response, format, &tag, asked),
        Content::Null => {
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The header with the link to the next page ([RFC 8288 §3](https://www.rfc-editor.org/rfc/rfc8288#section-3)).
fn next_page(link: &str) -> Option<HeaderValue> {
    let link = utf8_percent_encode(link, OUTSIDE_LINK);
    HeaderValue::from_str(&format!("<{link}>; rel=\"next\"")).ok()
}

/// The media type of content, if it is that of a single resource.
pub(super) fn media_type(content: &Content) -> Option<&'static str> {
    match content {
        Content::Page(format, _) | Content::Json(format) => Some(format.media_type()),
        Content::Value(media_type) => Some(media_type),
        Content::Metadata(..) | Content::Null => None,
    }
}

/// The metadata document may be cached, but must be revalidated for each use.
fn metadata(mut response: Response, format: MetadataFormat, tag: &str, asked: &HeaderMap) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(
        VARY,
        HeaderValue::from_static("authorization, accept, accept-encoding, odata-maxversion, origin"),
    );
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    if none_match_fails(asked, tag) {
        return unmodified(response);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    response
}
