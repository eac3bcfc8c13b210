//! What a POST to an address of data asks for.

use axum::response::Response;
use http::HeaderMap;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use odata::format::MediaType;
use percent_encoding::percent_decode_str;

use crate::respond::Area;
use crate::respond::odata::ODataProblem;

/// The meaning of a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Posted<'a> {
    /// A batch of requests.
    Batch,
    /// A read of the resource at this path, whose query options are in the body ([URL Conventions
    /// §4.17](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_PassingQueryOptionsintheRequestBody)).
    Query(&'a str),
    /// A change, if the method asks for one.
    Change,
}

impl<'a> Posted<'a> {
    /// By the path and query below the source.
    pub(super) fn of(rest: &'a str) -> Self {
        let path = rest.split('?').next().unwrap_or_default();
        let Some((before, last)) = path.trim_end_matches('/').rsplit_once('/') else { return Self::Change };
        match &*percent_decode_str(last).decode_utf8_lossy() {
            "$batch" if before.is_empty() => Self::Batch,
            "$query" if !before.is_empty() => Self::Query(before),
            _ => Self::Change,
        }
    }
}

/// The methods that the address supports.
fn allowed(rest: &str) -> &'static str {
    let path = rest.split('?').next().unwrap_or_default().trim_matches('/');
    match Posted::of(rest) {
        Posted::Batch | Posted::Query(_) => "POST",
        Posted::Change if path.is_empty() => "GET,HEAD",
        Posted::Change => "GET,HEAD,POST,PATCH,PUT,DELETE",
    }
}

/// The refusal of a method that the address does not support, the same within and outside of a batch.
pub(super) fn wrong_method(method: &Method, headers: &HeaderMap, rest: &str) -> Response {
    if method == Method::POST && headers.contains_key("x-http-method") {
        let message = "X-HTTP-Method is not supported at this address";
        return Area::OData.refuse(StatusCode::NOT_IMPLEMENTED, message);
    }
    let message = format!("{method} is not supported at this address");
    let mut response = Area::OData.refuse(StatusCode::METHOD_NOT_ALLOWED, &message);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed(rest)));
    response
}

/// The path and query of the GET that a query with options in its body stands for.
pub(super) fn query(
    path: &str,
    rest: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<String, ODataProblem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !MediaType::read(kind).is("text/plain") {
        let message = "the query options in the body are text/plain";
        return Err(ODataProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BadRequest", message));
    }
    let options = body.trim_ascii();
    // As in a URL, everything else is percent-encoded.
    let is_plain = |byte: &u8| {
        matches!(byte, b'!'..=b'~')
            && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    };
    let Some(options) = std::str::from_utf8(options).ok().filter(|_| options.iter().all(is_plain)) else {
        let message = "the query options in the body are percent-encoded, as in a URL";
        return Err(ODataProblem::new(StatusCode::BAD_REQUEST, "BadEncoding", message));
    };
    let in_url = rest.split_once('?').map_or("", |(_, query)| query);
    let separator = if in_url.is_empty() || options.is_empty() { "" } else { "&" };
    Ok(format!("{path}?{in_url}{separator}{options}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_what_is_posted() {
        for rest in ["/$batch", "/%24batch", "/$batch/", "/$batch?x=1"] {
            assert_eq!(Posted::of(rest), Posted::Batch, "{rest}");
        }
        assert_eq!(Posted::of("/Ships/$query"), Posted::Query("/Ships"));
        assert_eq!(Posted::of("/Ships(1)/Visits/%24query?$top=1"), Posted::Query("/Ships(1)/Visits"));
        for rest in ["", "/", "/Ships", "/Ships/$batch", "/$query", "/Ships/$query/x", "$batch"] {
            assert_eq!(Posted::of(rest), Posted::Change, "{rest}");
        }
    }

    #[test]
    fn options_in_the_body_follow_those_in_the_url() {
        let plain =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"))]);
        let joined = |rest: &str, body: &str| query("/A", rest, &plain, body.as_bytes()).ok();
        assert_eq!(
            joined("/A/$query", "$top=1&$filter=a%20eq%201\r\n").as_deref(),
            Some("/A?$top=1&$filter=a%20eq%201")
        );
        assert_eq!(joined("/A/$query?$skip=2", "$top=1").as_deref(), Some("/A?$skip=2&$top=1"));
        assert_eq!(joined("/A/$query?$skip=2", "").as_deref(), Some("/A?$skip=2"));
        for wrong in ["a eq 1", "a\r\nb", "ä", "a#b", "\u{1}"] {
            assert_eq!(joined("/A/$query", wrong), None, "{wrong}");
        }
        assert!(query("/A", "/A/$query", &HeaderMap::new(), b"").is_err());
    }
}
