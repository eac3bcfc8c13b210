//! Client metadata beyond the members of Hybrid Data Pipeline's API.

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::AuthenticationMetadata;
use super::ClientPages;
use super::OpenIdMetadata;
use super::RequestMetadata;
use super::SelfRegistered;
use super::TokenExchangePolicy;
use crate::signing::SigningAlgorithm;

/// Members of [RFC 7591 §2](https://www.rfc-editor.org/rfc/rfc7591#section-2) and of its extensions, stored as one JSON
/// object. An absent member has its default. No query selects applications by them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of a registration")]
pub struct ClientMetadata {
    /// The algorithm of its signed access tokens; [`Self::DEFAULT_ACCESS_TOKEN_SIGNING_ALG`] if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_signing_alg: Option<SigningAlgorithm>,
    /// Whether it must push its authorization requests ([RFC 9126
    /// §6](https://www.rfc-editor.org/rfc/rfc9126#section-6)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_pushed_authorization_requests: bool,
    /// Whether its users must show a second factor. Its owner or an administrator decides this, never the client itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_second_factor: bool,
    /// The algorithm of signed answers of the introspection endpoint ([RFC 9701
    /// §6](https://www.rfc-editor.org/rfc/rfc9701#section-6)); RS256 if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<SigningAlgorithm>,
    /// The identifiers of the resource servers for which it introspects: it learns of access tokens for these only. Of all
    /// that its scopes allow if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_audiences: Vec<String>,
    /// Which tokens it may exchange; `None` if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_exchange: Option<TokenExchangePolicy>,
    /// The members of OpenID Connect.
    #[serde(flatten)]
    pub openid: OpenIdMetadata,
    /// How it authenticates.
    #[serde(flatten)]
    pub authentication: AuthenticationMetadata,
    /// Whether its token requests need a `DPoP` proof ([RFC 9449
    /// §5.2](https://www.rfc-editor.org/rfc/rfc9449#section-5.2)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dpop_bound_access_tokens: bool,
    /// How it sends its authorization requests.
    #[serde(flatten)]
    pub requests: RequestMetadata,
    /// Whether its tokens are bound to the certificate with which it requests them ([RFC 8705
    /// §3.4](https://www.rfc-editor.org/rfc/rfc8705#section-3.4)).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// The pages for people that it names.
    #[serde(flatten)]
    pub pages: ClientPages,
    /// What it says about itself, if it registered itself; `None` if somebody registered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_registered: Option<SelfRegistered>,
    /// When the metadata document was fetched that describes it; `None` if none does. Two nodes may have fetched it at
    /// different times.
    #[serde(skip_serializing_if = "Option::is_none", with = "microseconds")]
    pub described_at: Option<Timestamp>,
    /// What somebody knows who acted on behalf of the owner. The store alone sets this.
    #[serde(flatten)]
    pub deputies: KnownToDeputies,
    /// Members that a later version has stored. An update keeps them, so that nodes of two versions can run side by side.
    #[serde(flatten)]
    pub(crate) later: Map<String, Value>,
}

/// Which credentials of an application somebody has provided, or has got, who acted on behalf of its owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownToDeputies {
    /// A secret.
    #[serde(rename = "deputy_knows_secret", skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Keys or a certificate.
    #[serde(rename = "deputy_provided_keys", skip_serializing_if = "std::ops::Not::not")]
    pub keys: bool,
}

/// A time as microseconds since the Unix epoch.
mod microseconds {
    use domain::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes a reference")]
    pub(super) fn serialize<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::as_micros).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Timestamp::from_micros))
    }
}

/// Stored metadata that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client metadata is malformed")]
pub struct UnreadableMetadata;

impl ClientMetadata {
    /// The fastest algorithm, with the shortest tokens.
    pub const DEFAULT_ACCESS_TOKEN_SIGNING_ALG: SigningAlgorithm = SigningAlgorithm::EdDsa;

    /// The algorithm of its signed access tokens.
    pub fn access_token_signing_alg(&self) -> SigningAlgorithm {
        self.access_token_signing_alg.unwrap_or(Self::DEFAULT_ACCESS_TOKEN_SIGNING_ALG)
    }

    /// The algorithm of signed answers of the introspection endpoint.
    pub fn introspection_signed_response_alg(&self) -> SigningAlgorithm {
        self.introspection_signed_response_alg.unwrap_or(SigningAlgorithm::Rs256)
    }

    /// The JSON object; `None` if every member has its default.
    ///
    /// # Panics
    /// Never: strings and numbers can always be serialized.
    pub fn to_json(&self) -> Option<String> {
        (*self != Self::default())
            .then(|| serde_json::to_string(self).expect("strings can always be serialized"))
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_json(json: Option<&str>) -> Result<Self, UnreadableMetadata> {
        json.map_or(Ok(Self::default()), |json| serde_json::from_str(json).map_err(|_| UnreadableMetadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_later_version_are_kept() {
        let json = r#"{"later_member":["a",1]}"#;
        let read = ClientMetadata::from_json(Some(json)).unwrap();
        assert_eq!(read.to_json().as_deref(), Some(json));
    }

    #[test]
    fn the_time_of_a_document_is_stored_in_microseconds() {
        let described_at = Some(Timestamp::from_micros(1_800_000_000_000_001));
        let metadata = ClientMetadata { described_at, ..ClientMetadata::default() };
        let json = metadata.to_json().unwrap();
        assert_eq!(json, r#"{"described_at":1800000000000001}"#);
        assert_eq!(ClientMetadata::from_json(Some(&json)), Ok(metadata));
    }

    #[test]
    fn metadata_with_defaults_has_no_json() {
        assert_eq!(ClientMetadata::default().to_json(), None);
        assert_eq!(ClientMetadata::from_json(None), Ok(ClientMetadata::default()));
        assert_eq!(ClientMetadata::from_json(Some("[]")), Err(UnreadableMetadata));
    }
}
