//! What the metadata of the server says about OpenID Connect ([OpenID Connect Discovery
//! §3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata)).

use serde::Serialize;

use super::claims::Claim;
use crate::application::SubjectType;
use crate::signing::SigningAlgorithm;
use crate::user_authentication::ACR_VALUES;

/// The claims of every ID token.
const PROTOCOL_CLAIMS: [&str; 8] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr"];

/// The members of the metadata document.
#[derive(Debug, Clone, Serialize)]
#[expect(
    missing_docs,
    clippy::struct_excessive_bools,
    reason = "the names and types are those of the specifications"
)]
pub struct OpenIdProvider {
    pub userinfo_endpoint: String,
    pub end_session_endpoint: String,
    pub check_session_iframe: String,
    pub subject_types_supported: [&'static str; SubjectType::ALL.len()],
    pub id_token_signing_alg_values_supported: [&'static str; SigningAlgorithm::ALL.len()],
    pub userinfo_signing_alg_values_supported: [&'static str; SigningAlgorithm::ALL.len()],
    pub acr_values_supported: &'static [&'static str],
    pub ui_locales_supported: [&'static str; 1],
    pub claim_types_supported: [&'static str; 1],
    pub claims_supported: Vec<&'static str>,
    pub claims_parameter_supported: bool,
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
}

impl OpenIdProvider {
    /// The members for an issuer: the public URL without a trailing slash.
    pub fn new(issuer: &str) -> Self {
        let algorithms = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str);
        Self {
            userinfo_endpoint: format!("{issuer}/oauth2/userinfo"),
            end_session_endpoint: format!("{issuer}/oauth2/logout"),
            check_session_iframe: format!("{issuer}/oauth2/check_session"),
            subject_types_supported: SubjectType::ALL.map(SubjectType::as_str),
            id_token_signing_alg_values_supported: algorithms,
            userinfo_signing_alg_values_supported: algorithms,
            acr_values_supported: ACR_VALUES,
            ui_locales_supported: ["en"],
            claim_types_supported: ["normal"],
            claims_supported: PROTOCOL_CLAIMS.into_iter().chain(Claim::all().map(Claim::name)).collect(),
            claims_parameter_supported: true,
            frontchannel_logout_supported: true,
            frontchannel_logout_session_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_names_what_it_supports() {
        let document = serde_json::to_value(OpenIdProvider::new("https://gate.example")).unwrap();
        assert_eq!(document["userinfo_endpoint"], "https://gate.example/oauth2/userinfo");
        assert_eq!(document["subject_types_supported"], serde_json::json!(["public", "pairwise"]));
        let algorithms = document["id_token_signing_alg_values_supported"].as_array().unwrap();
        assert!(algorithms.contains(&"RS256".into()), "\"The algorithm RS256 MUST be included.\"");
        assert!(!algorithms.contains(&"none".into()));
        let claims = document["claims_supported"].as_array().unwrap();
        assert!(claims.contains(&"sub".into()) && claims.contains(&"email_verified".into()));
        assert_eq!(document["claims_parameter_supported"], true);
        assert_eq!(document["ui_locales_supported"], serde_json::json!(["en"]), "the pages are in English");
        assert_eq!(document["backchannel_logout_supported"], true);
        assert_eq!(document["backchannel_logout_session_supported"], true);
        assert_eq!(document["check_session_iframe"], "https://gate.example/oauth2/check_session");
    }
}
