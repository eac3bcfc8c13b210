//! How an application sends its authorization requests and receives the responses.

use serde::{Deserialize, Serialize};

use crate::authorization_details::TYPES;
use crate::refusal::Refusal;
use crate::signing::{JwsAlgorithm, SigningAlgorithm};

/// The members of a registration about request objects ([RFC 9101
/// §10.5](https://www.rfc-editor.org/rfc/rfc9101#section-10.5), [OpenID Connect Dynamic Client Registration
/// §2](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)) and about signed responses ([JARM
/// §3](https://openid.net/specs/oauth-v2-jarm-final.html#section-3)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestMetadata {
    /// The only algorithm of its request objects; any that its keys fit if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<JwsAlgorithm>,
    /// Whether the parameters of its authorization requests must be in a signed request object.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_signed_request_object: bool,
    /// The `https` addresses of its request objects, which a request may name instead of an object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// The algorithm of signed authorization responses; [`Self::DEFAULT_RESPONSE_ALG`] if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<SigningAlgorithm>,
    /// The only types of `authorization_details` that it uses ([RFC 9396
    /// §10](https://www.rfc-editor.org/rfc/rfc9396#section-10)); any if it has not said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details_types: Option<Vec<String>>,
}

impl RequestMetadata {
    /// "The default, if omitted, is RS256" ([JARM §3](https://openid.net/specs/oauth-v2-jarm-final.html#section-3)).
    pub const DEFAULT_RESPONSE_ALG: SigningAlgorithm = SigningAlgorithm::Rs256;

    /// The algorithm of signed authorization responses.
    pub fn authorization_signed_response_alg(&self) -> SigningAlgorithm {
        self.authorization_signed_response_alg.unwrap_or(Self::DEFAULT_RESPONSE_ALG)
    }

    /// Whether its requests may have `authorization_details`: it has not announced that they have none of the types that this
    /// server knows.
    ///
    /// # Errors
    /// `invalid_authorization_details`.
    pub fn may_name_data(&self) -> Result<(), Refusal> {
        let announced = self.authorization_details_types.as_ref();
        if announced.is_none_or(|types| types.iter().any(|kind| TYPES.contains(&kind.as_str()))) {
            Ok(())
        } else {
            Err(Refusal::AuthorizationDetailsTypeNotRegistered)
        }
    }

    /// Whether a request may name this address of a request object: one that is registered, character by character.
    pub fn has_request_uri(&self, uri: &str) -> bool {
        self.request_uris.iter().any(|registered| registered == uri)
    }
}
