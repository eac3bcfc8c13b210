//! The members of an application about its authorization requests.

use oauth::application::ClientMetadata;
use oauth::registration::RequestPayload;
use oauth::signing::{JwsAlgorithm, SigningAlgorithm};
use serde::Serialize;

use crate::json::Fields;

/// Reads the members.
pub(super) fn read(fields: &mut Fields<'_>) -> RequestPayload {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    RequestPayload {
        require_pushed_authorization_requests: fields.boolean("requirePushedAuthorizationRequests"),
        require_second_factor: fields.boolean("requireSecondFactor"),
        require_signed_request_object: fields.boolean("requireSignedRequestObject"),
        request_object_signing_alg: fields.string("requestObjectSigningAlg").map(str::to_owned),
        request_uris: fields.strings("requestUris").map(owned),
        authorization_signed_response_alg: fields.string("authorizationSignedResponseAlg").map(str::to_owned),
        authorization_details_types: None,
    }
}

/// The members in responses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestsResponse<'a> {
    require_pushed_authorization_requests: bool,
    require_second_factor: bool,
    require_signed_request_object: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_object_signing_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    request_uris: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_signed_response_alg: Option<&'static str>,
}

impl<'a> From<&'a ClientMetadata> for RequestsResponse<'a> {
    fn from(metadata: &'a ClientMetadata) -> Self {
        let requests = &metadata.requests;
        Self {
            require_pushed_authorization_requests: metadata.require_pushed_authorization_requests,
            require_second_factor: metadata.require_second_factor,
            require_signed_request_object: requests.require_signed_request_object,
            request_object_signing_alg: requests.request_object_signing_alg.map(JwsAlgorithm::as_str),
            request_uris: &requests.request_uris,
            authorization_signed_response_alg: requests
                .authorization_signed_response_alg
                .map(SigningAlgorithm::as_str),
        }
    }
}
