//! The facts of a request that a proof of possession covers.

use app::node::NodeService;
use axum::body::{Body, HttpBody as _};
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, Request};
use oauth::dpop::may_name_content;
use oauth::proof::{DpopHeader, NO_CONTENT, RequestFacts};

use super::body::{self, Unread};
use super::client_certificate;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The SHA-256 digest of the body, in the extensions of a request whose proof may name it.
#[derive(Debug, Clone)]
struct ContentDigest([u8; 32]);

/// The facts of a request.
pub(crate) fn facts(parts: &Parts) -> RequestFacts<'_> {
    let dpop = header(&parts.headers);
    let content_digest = match dpop {
        DpopHeader::One(_) => parts.extensions.get::<ContentDigest>().map_or(&NO_CONTENT, |digest| &digest.0),
        DpopHeader::None | DpopHeader::Several => &NO_CONTENT,
    };
    let certificate = client_certificate::of(&parts.extensions);
    RequestFacts { method: parts.method.as_str(), path: parts.uri.path(), dpop, certificate, content_digest }
}

fn header(headers: &HeaderMap) -> DpopHeader<'_> {
    let mut values = headers.get_all(DPOP).iter();
    match (values.next(), values.next()) {
        (None, _) => DpopHeader::None,
        (Some(value), None) => DpopHeader::One(value.as_bytes()),
        (Some(_), Some(_)) => DpopHeader::Several,
    }
}

/// Whether the request has a body that its proof may name.
pub(crate) fn may_name_body(request: &Request<Body>) -> bool {
    let is_named = || matches!(header(request.headers()), DpopHeader::One(proof) if may_name_content(proof));
    !request.body().is_end_stream() && is_named()
}

/// Reads a body of at most `most` bytes, so that its digest is known when the proof is checked.
///
/// # Errors
/// Why it could not be read.
pub(crate) async fn read_body(
    request: &mut Request<Body>,
    most: usize,
    node: &NodeService,
) -> Result<(), Unread> {
    let bytes = body::read(std::mem::take(request.body_mut()), most).await?;
    let digest = ContentDigest(node.content_digest(&bytes));
    request.extensions_mut().insert(digest);
    *request.body_mut() = Body::from(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    #[test]
    fn proof_facts_are_taken_from_the_request() {
        let request = Request::post("https://data.example.com/oauth2/token?x=1").body(()).unwrap();
        let mut parts = request.into_parts().0;
        let dpop = |parts: &Parts| match facts(parts).dpop {
            DpopHeader::None => 0,
            DpopHeader::One(value) => value.len(),
            DpopHeader::Several => 99,
        };
        assert_eq!(dpop(&parts), 0);
        parts.headers.append("dpop", HeaderValue::from_static("proof"));
        assert_eq!(dpop(&parts), 5);
        parts.headers.append("dpop", HeaderValue::from_static("proof"));
        assert_eq!(dpop(&parts), 99);
        let found = facts(&parts);
        assert_eq!((found.method, found.path), ("POST", "/oauth2/token"));
    }
}
