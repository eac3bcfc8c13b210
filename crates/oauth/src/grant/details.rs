//! What a grant carries from the authorization request besides scopes.

use serde::{Deserialize, Serialize};

use super::AccessTokenDetails;
use super::details_json::{UnreadableDetails, from_json, to_json};
use crate::data_access::DataAccess;
use crate::oidc::claims_request::ClaimsRequest;
use crate::proof::{KeyBinding, Thumbprint};
use crate::user_authentication::SignInDetails;

/// The parts of a request that its code, its grant and its tokens keep, beyond user, application and scopes. They are
/// stored as one JSON object; an absent member has its default.
///
/// A member that this version does not know makes the whole unreadable: it may restrict the access, so nothing may
/// be issued without it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrantDetails {
    /// The resources to which the access is limited ([RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707#section-2)),
    /// as absolute URLs; empty if it is not limited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The data sources that it reaches; `None` for all that the user may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<DataAccess>>,
    /// The sign-in behind the access; `None` if no request of OpenID Connect asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignInDetails>,
    /// `nonce`: only in a code, for the first ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The claims that the request named.
    #[serde(skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// The thumbprint of the key whose proof a code or a refresh token needs, in base64url ([RFC 9449
    /// §10](https://www.rfc-editor.org/rfc/rfc9449#section-10), `dpop_jkt`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The digest of the certificate that a refresh token needs, in base64url ([RFC 8705
    /// §4](https://www.rfc-editor.org/rfc/rfc8705#section-4), `x5t#S256`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The thumbprint of the key of the instance that a code or a refresh token needs, in base64url
    /// ([draft-ietf-oauth-attestation-based-client-auth-11 §10.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-10.3),
    /// [§10.4](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-10.4)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_key: Option<String>,
}

impl GrantDetails {
    /// The details of an access that is limited to resources, without anything else.
    pub fn limited_to(resources: Vec<String>) -> Self {
        Self { resources, ..Self::default() }
    }

    /// The details of what only this instance of the client may redeem, if it is known, without anything else.
    pub fn of_instance(instance: Option<Thumbprint>) -> Self {
        Self { instance_key: instance.map(|instance| instance.to_string()), ..Self::default() }
    }

    /// Whether the sender of a code or of a refresh token holds the key or the certificate to which it is bound, if it is.
    pub fn are_proved_by(&self, binding: Option<KeyBinding>) -> bool {
        let (key, certificate) = match binding {
            None => (None, None),
            Some(KeyBinding::Key(held)) => (Some(held), None),
            Some(KeyBinding::Certificate(held)) => (None, Some(held)),
        };
        let is_held = |bound: &Option<String>, held: Option<Thumbprint>| {
            bound.as_ref().is_none_or(|bound| held.is_some_and(|held| *bound == held.to_string()))
        };
        is_held(&self.dpop_jkt, key) && is_held(&self.certificate, certificate)
    }

    /// Whether the sender of a code or of a refresh token is the instance of the client to which it is bound, if it is.
    pub fn are_of_instance(&self, instance: Option<Thumbprint>) -> bool {
        self.instance_key
            .as_ref()
            .is_none_or(|bound| instance.is_some_and(|instance| *bound == instance.to_string()))
    }

    /// The same details for refresh tokens that are bound to a key, or to none, and to an instance of the client, or to none.
    #[must_use]
    pub fn for_refresh_tokens(self, binding: Option<KeyBinding>, instance: Option<Thumbprint>) -> Self {
        let (dpop_jkt, certificate) = match binding {
            None => (None, None),
            Some(KeyBinding::Key(held)) => (Some(held.to_string()), None),
            Some(KeyBinding::Certificate(held)) => (None, Some(held.to_string())),
        };
        let instance_key = instance.map(|instance| instance.to_string());
        Self { dpop_jkt, certificate, instance_key, ..self }
    }

    /// The details that an access token carries: those that limit it. It has its binding itself, and what OpenID Connect
    /// needs stays in the grant.
    #[must_use]
    pub fn for_access_tokens(&self) -> AccessTokenDetails {
        AccessTokenDetails { resources: self.resources.clone(), data: self.data.clone(), exchanged: None }
    }

    /// The JSON object; `None` if every member has its default.
    pub fn to_json(&self) -> Option<String> {
        to_json(self)
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_json(json: Option<&str>) -> Result<Self, UnreadableDetails> {
        json.map_or_else(|| Ok(Self::default()), from_json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_come_back_from_their_json() {
        let details = GrantDetails {
            resources: vec!["https://gate.example/api/odata4/ships".to_owned()],
            sign_in: Some(SignInDetails { auth_time: 7, sid: Some("s".to_owned()), second_factor: false }),
            nonce: Some("n".to_owned()),
            claims: ClaimsRequest { userinfo: vec!["email".to_owned()], ..ClaimsRequest::default() },
            dpop_jkt: Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".to_owned()),
            ..GrantDetails::default()
        };
        let json = details.to_json().unwrap();
        assert_eq!(GrantDetails::from_json(Some(&json)), Ok(details));
    }

    #[test]
    fn a_bound_code_or_refresh_token_needs_its_own_key() {
        let key = |byte| Some(KeyBinding::Key(Thumbprint::from_bytes([byte; 32])));
        let bound = GrantDetails {
            dpop_jkt: Some(Thumbprint::from_bytes([1; 32]).to_string()),
            ..GrantDetails::default()
        };
        assert!(bound.are_proved_by(key(1)));
        for other in [None, key(2), Some(KeyBinding::Certificate(Thumbprint::from_bytes([1; 32])))] {
            assert!(!bound.are_proved_by(other), "{other:?}");
            assert!(GrantDetails::default().are_proved_by(other));
        }
    }

    #[test]
    fn a_refresh_token_that_is_bound_to_a_certificate_needs_it() {
        let held = |byte| Thumbprint::from_bytes([byte; 32]);
        let bound = GrantDetails { certificate: Some(held(1).to_string()), ..GrantDetails::default() };
        assert!(bound.are_proved_by(Some(KeyBinding::Certificate(held(1)))));
        for other in [None, Some(KeyBinding::Certificate(held(2))), Some(KeyBinding::Key(held(1)))] {
            assert!(!bound.are_proved_by(other), "{other:?}");
        }
    }

    #[test]
    fn a_refresh_token_that_is_bound_to_an_instance_needs_its_key() {
        let held = |byte| Some(Thumbprint::from_bytes([byte; 32]));
        let bound = GrantDetails::default().for_refresh_tokens(None, held(1));
        assert!(bound.are_of_instance(held(1)) && bound.are_proved_by(None));
        for other in [None, held(2)] {
            assert!(!bound.are_of_instance(other), "{other:?}");
            assert!(GrantDetails::default().are_of_instance(other));
        }
        let json = bound.to_json().unwrap();
        assert_eq!(GrantDetails::from_json(Some(&json)), Ok(bound));
    }

    #[test]
    fn an_access_token_carries_only_what_limits_it() {
        let details = GrantDetails {
            resources: vec!["https://gate.example/api/odata4/ships".to_owned()],
            sign_in: Some(SignInDetails { auth_time: 7, sid: None, second_factor: false }),
            dpop_jkt: Some("key".to_owned()),
            ..GrantDetails::default()
        };
        assert_eq!(details.for_access_tokens(), AccessTokenDetails::limited_to(details.resources));
    }

    #[test]
    fn empty_details_have_no_json() {
        assert_eq!(GrantDetails::default().to_json(), None);
        assert_eq!(GrantDetails::from_json(None), Ok(GrantDetails::default()));
    }

    #[test]
    fn details_of_a_later_version_are_unreadable() {
        for json in ["{\"limited_to\":1}", "{\"resources\":7}", "[]", "", "{"] {
            assert_eq!(GrantDetails::from_json(Some(json)), Err(UnreadableDetails), "{json}");
        }
    }
}
