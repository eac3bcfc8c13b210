//! The facts of a request that a proof of possession covers.

use http::request::Parts;
use oauth::proof::{DpopHeader, RequestFacts};

use super::client_certificate;

/// The facts of a request.
pub(crate) fn facts(parts: &Parts) -> RequestFacts<'_> {
    let mut values = parts.headers.get_all("dpop").iter();
    let dpop = match (values.next(), values.next()) {
        (None, _) => DpopHeader::None,
        (Some(value), None) => DpopHeader::One(value.as_bytes()),
        (Some(_), Some(_)) => DpopHeader::Several,
    };
    let certificate = client_certificate::of(&parts.extensions);
    RequestFacts { method: parts.method.as_str(), path: parts.uri.path(), dpop, certificate }
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
