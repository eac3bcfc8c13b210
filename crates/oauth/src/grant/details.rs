//! What a grant carries from the authorization request besides scopes.

use serde::{Deserialize, Serialize};

use super::Exchanged;
use crate::oidc::authentication::SignInDetails;
use crate::oidc::claims_request::ClaimsRequest;

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
    /// The exchange that a token comes from; a grant has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanged: Option<Box<Exchanged>>,
    /// The sign-in behind the access; `None` if no request of OpenID Connect asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignInDetails>,
    /// `nonce`: only in a code, for the first ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The claims that the request named.
    #[serde(skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
}

/// Details that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the details of the grant are malformed or of a later version")]
pub struct UnreadableDetails;

impl GrantDetails {
    /// The details of an access that is limited to resources, without anything else.
    pub fn limited_to(resources: Vec<String>) -> Self {
        Self { resources, ..Self::default() }
    }

    /// Whether every member has its default.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The JSON object; `None` if every member has its default.
    ///
    /// # Panics
    /// Never: strings and numbers can always be serialized.
    pub fn to_json(&self) -> Option<String> {
        (!self.is_empty()).then(|| serde_json::to_string(self).expect("strings can always be serialized"))
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_json(json: Option<&str>) -> Result<Self, UnreadableDetails> {
        let Some(json) = json else { return Ok(Self::default()) };
        // `serde` would read an array as the values of the members.
        if !json.starts_with('{') {
            return Err(UnreadableDetails);
        }
        serde_json::from_str(json).map_err(|_| UnreadableDetails)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_come_back_from_their_json() {
        let details = GrantDetails {
            resources: vec!["https://gate.example/api/odata4/ships".to_owned()],
            sign_in: Some(SignInDetails { auth_time: 7, sid: Some("s".to_owned()) }),
            nonce: Some("n".to_owned()),
            claims: ClaimsRequest { userinfo: vec!["email".to_owned()], ..ClaimsRequest::default() },
            ..GrantDetails::default()
        };
        let json = details.to_json().unwrap();
        assert_eq!(GrantDetails::from_json(Some(&json)), Ok(details));
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
