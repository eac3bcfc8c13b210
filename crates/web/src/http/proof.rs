//! The facts of a request that a proof of possession covers.

use http::{HeaderMap, Method, Uri};
use oauth::proof::{DpopHeader, RequestFacts};

/// The facts of a request. The listeners ask for no certificate of a client, so there is none.
pub(crate) fn facts<'a>(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> RequestFacts<'a> {
    let mut values = headers.get_all("dpop").iter();
    let dpop = match (values.next(), values.next()) {
        (None, _) => DpopHeader::None,
        (Some(value), None) => DpopHeader::One(value.as_bytes()),
        (Some(_), Some(_)) => DpopHeader::Several,
    };
    RequestFacts { method: method.as_str(), path: uri.path(), dpop, certificate: None }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn proof_facts_are_taken_from_the_request() {
        let uri = Uri::from_static("https://data.example.com/oauth2/token?x=1");
        let mut headers = HeaderMap::new();
        let dpop = |headers: &HeaderMap| match facts(&Method::POST, &uri, headers).dpop {
            DpopHeader::None => 0,
            DpopHeader::One(value) => value.len(),
            DpopHeader::Several => 99,
        };
        assert_eq!(dpop(&headers), 0);
        headers.append("dpop", HeaderValue::from_static("proof"));
        assert_eq!(dpop(&headers), 5);
        headers.append("dpop", HeaderValue::from_static("proof"));
        assert_eq!(dpop(&headers), 99);
        let found = facts(&Method::POST, &uri, &headers);
        assert_eq!((found.method, found.path), ("POST", "/oauth2/token"));
    }
}
