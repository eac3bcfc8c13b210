//! How an application sends its authorization requests and receives the responses.

use url::Url;

use super::Findings;
use crate::application::{ClientMetadata, RequestMetadata};
use crate::signing::{JwsAlgorithm, SigningAlgorithm};

/// The maximum number of addresses of request objects.
const MOST_URIS: usize = 50;
/// The maximum length of an address in bytes.
const LONGEST_URI: usize = 2048;

/// The members of a payload about authorization requests. An omitted member is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestPayload {
    /// `requirePushedAuthorizationRequests`.
    pub require_pushed_authorization_requests: Option<bool>,
    /// `requireSecondFactor`, which clients themselves cannot say.
    pub require_second_factor: Option<bool>,
    /// `requireSignedRequestObject`.
    pub require_signed_request_object: Option<bool>,
    /// `requestObjectSigningAlg`; an empty one removes the restriction.
    pub request_object_signing_alg: Option<String>,
    /// `requestUris`.
    pub request_uris: Option<Vec<String>>,
    /// `authorizationSignedResponseAlg`; an empty one restores the default.
    pub authorization_signed_response_alg: Option<String>,
    /// `authorization_details_types`, which only clients themselves announce.
    pub authorization_details_types: Option<Vec<String>>,
}

/// Checks the members; an omitted one keeps its value. Whether the application has keys is not checked: it may register
/// them later, and no request object is accepted before.
pub(super) fn decide(
    payload: &RequestPayload,
    existing: &ClientMetadata,
    findings: &mut Findings,
) -> RequestMetadata {
    let existing = &existing.requests;
    RequestMetadata {
        request_object_signing_alg: algorithm(
            payload.request_object_signing_alg.as_deref(),
            existing.request_object_signing_alg,
            |name| JwsAlgorithm::from_name(name).ok_or(JwsAlgorithm::NAMES),
            |names| findings.fault("requestObjectSigningAlg", format!("must be {names}")),
        ),
        require_signed_request_object: payload
            .require_signed_request_object
            .unwrap_or(existing.require_signed_request_object),
        request_uris: request_uris(payload, existing, findings),
        authorization_signed_response_alg: algorithm(
            payload.authorization_signed_response_alg.as_deref(),
            existing.authorization_signed_response_alg,
            |name| SigningAlgorithm::from_name(name).ok_or(SigningAlgorithm::NAMES),
            |names| findings.fault("authorizationSignedResponseAlg", format!("must be {names}")),
        ),
        authorization_details_types: payload
            .authorization_details_types
            .clone()
            .or_else(|| existing.authorization_details_types.clone()),
    }
}

/// The named algorithm, or the existing one if none is named. `none` is not among the algorithms: an unsigned request object
/// has no advantage over plain parameters.
fn algorithm<A>(
    name: Option<&str>,
    existing: Option<A>,
    find: impl FnOnce(&str) -> Result<A, &'static str>,
    fault: impl FnOnce(&'static str),
) -> Option<A> {
    match name {
        None => existing,
        Some("") => None,
        Some(name) => find(name).map_err(fault).ok(),
    }
}

/// "the `request_uri` value MUST be an `https` URI" ([RFC 9101
/// §5.2](https://www.rfc-editor.org/rfc/rfc9101#section-5.2)).
fn request_uris(
    payload: &RequestPayload,
    existing: &RequestMetadata,
    findings: &mut Findings,
) -> Vec<String> {
    let Some(uris) = &payload.request_uris else { return existing.request_uris.clone() };
    if uris.len() > MOST_URIS {
        findings.fault("requestUris", format!("has {} entries; at most {MOST_URIS} are allowed", uris.len()));
    }
    for (index, uri) in uris.iter().enumerate() {
        if !is_fetchable(uri) {
            let message = "must be an https address of at most 2048 bytes without user name and password";
            findings.fault(format!("requestUris[{index}]"), message);
        }
    }
    uris.clone()
}

fn is_fetchable(uri: &str) -> bool {
    let parsed = Url::parse(uri).ok().filter(|_| uri.len() <= LONGEST_URI);
    parsed.is_some_and(|url| {
        url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none()
    })
}
