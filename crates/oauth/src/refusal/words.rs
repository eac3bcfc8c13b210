//! What a refusal says: to the client and its developer, and in the log.

use std::fmt;

use super::Refusal;

/// The same message for all failures of client authentication, so that nobody learns which client ids exist.
pub(super) const CLIENT: &str = "the client is unknown or its credentials are wrong";
/// The same message for all invalid codes.
pub(super) const CODE: &str =
    "the authorization code is invalid, has expired, was used before or belongs to another request";
/// The same message for all invalid refresh tokens.
pub(super) const REFRESH: &str =
    "the refresh token is invalid, was revoked or belongs to another application";
/// The same message for all invalid device codes.
pub(super) const DEVICE: &str =
    "the device code is invalid, was used before or belongs to another application";
/// The same message for every invalid `auth_req_id`.
pub(super) const AUTH_REQ_ID: &str =
    "auth_req_id is invalid, was used before or belongs to another application";
/// The same message for all assertions whose issuer is not proved.
pub(super) const GRANT_ASSERTION: &str =
    "the assertion is malformed, its issuer is not trusted, or no key of its issuer verifies it";
/// The same message for all attestations whose attester is not proved.
pub(super) const ATTESTATION: &str = "the attestation is malformed or has the wrong typ, its attester is not trusted for the application, or no key of the attester verifies it";

impl Refusal {
    /// The text for the client and its developer: `error_description`.
    pub fn description(self) -> String {
        match (self, self.shared_description()) {
            (Self::Parameter { .. } | Self::GrantTypeNotRegistered(_), _) => self.to_string(),
            (_, Some(shared)) => shared.to_owned(),
            (_, None) => self.detail().to_owned(),
        }
    }
}

/// The private detail.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Parameter { name, .. } = self {
            write!(f, "{name} ")?;
        }
        f.write_str(self.detail())?;
        if let Self::GrantTypeNotRegistered(grant_type) = self {
            write!(f, " {grant_type}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::ParameterFault;

    #[test]
    fn descriptions_hold_only_characters_that_the_specification_allows() {
        let faults = [ParameterFault::Missing, ParameterFault::Repeated, ParameterFault::ControlCharacter];
        let parameters = faults.map(|fault| Refusal::Parameter { name: "scope", fault });
        let unregistered = [Refusal::GrantTypeNotRegistered("password")];
        for refusal in Refusal::ALL.iter().chain(&parameters).chain(&unregistered) {
            let text = refusal.description();
            let allowed = |c| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
            assert!(!text.is_empty() && text.chars().all(allowed), "{refusal:?}: {text}");
        }
    }

    #[test]
    fn an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
        let answer = |refusal: Refusal| (refusal.code(), refusal.description());
        for refusal in [Refusal::WrongSecret, Refusal::SecretMissing, Refusal::SecretOfPublicClient] {
            assert_eq!(answer(refusal), answer(Refusal::UnknownClient));
            assert_ne!(refusal.to_string(), Refusal::UnknownClient.to_string(), "the log tells them apart");
        }
    }

    #[test]
    fn all_invalid_codes_get_the_same_description() {
        for refusal in
            [Refusal::CodeForged, Refusal::CodeExpired, Refusal::CodeReplayed, Refusal::CodeOutlived]
        {
            assert_eq!(refusal.description(), Refusal::CodeOfAnotherClient.description());
        }
    }
}
