//! The headers with which the instance of a client authenticates
//! ([draft-ietf-oauth-attestation-based-client-auth-11 §4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-4)).

use http::HeaderMap;
use http::header::HeaderName;
use oauth::client_authentication::attestation::{AttestationHeaders, SentHeader};

const ATTESTATION: HeaderName = HeaderName::from_static("oauth-client-attestation");
const PROOF: HeaderName = HeaderName::from_static("oauth-client-attestation-pop");

/// The headers of a request.
pub(crate) fn headers(headers: &HeaderMap) -> AttestationHeaders<'_> {
    AttestationHeaders { attestation: sent(headers, &ATTESTATION), proof: sent(headers, &PROOF) }
}

fn sent<'a>(headers: &'a HeaderMap, name: &HeaderName) -> SentHeader<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => SentHeader::None,
        (Some(value), None) => SentHeader::One(value.as_bytes()),
        (Some(_), Some(_)) => SentHeader::Several,
    }
}
