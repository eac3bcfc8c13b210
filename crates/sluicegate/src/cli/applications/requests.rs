//! The arguments about the authorization requests of an application.

use clap::Args;
use oauth::registration::RequestPayload;

/// The arguments that change something.
pub(super) const CHANGES: [&str; 6] = [
    "require_pushed_authorization_requests",
    "require_second_factor",
    "require_signed_request_object",
    "request_object_signing_alg",
    "request_uris",
    "authorization_signed_response_alg",
];

#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// Whether it must push its authorization requests: true or false
    #[arg(long, value_name = "BOOL")]
    require_pushed_authorization_requests: Option<bool>,
    /// Whether its users must show a second factor: true or false
    #[arg(long, value_name = "BOOL")]
    require_second_factor: Option<bool>,
    /// Whether it must sign its authorization requests as request objects: true or false
    #[arg(long, value_name = "BOOL")]
    require_signed_request_object: Option<bool>,
    /// The only algorithm of its request objects, one of those of assertions; an empty one allows all
    #[arg(long, value_name = "ALG")]
    request_object_signing_alg: Option<String>,
    /// The address of a request object that its requests may name; may be given several times, and an empty one removes all
    #[arg(long = "request-uri", value_name = "URL")]
    request_uris: Vec<String>,
    /// The algorithm that signs responses to its authorization requests: EdDSA, ES256, RS256 or PS256; an empty one restores
    /// the default
    #[arg(long, value_name = "ALG")]
    authorization_signed_response_alg: Option<String>,
}

impl RequestArgs {
    pub(super) fn payload(&self) -> RequestPayload {
        RequestPayload {
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            require_second_factor: self.require_second_factor,
            require_signed_request_object: self.require_signed_request_object,
            request_object_signing_alg: self.request_object_signing_alg.clone(),
            request_uris: match self.request_uris.as_slice() {
                [] => None,
                [only] if only.is_empty() => Some(Vec::new()),
                _ => Some(self.request_uris.clone()),
            },
            authorization_signed_response_alg: self.authorization_signed_response_alg.clone(),
            authorization_details_types: None,
        }
    }
}
