//! Metadata of protected resources ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)), and the challenges that lead a client
//! to it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::error::ErrorCode;
use crate::profile::Algorithms;
use crate::proof::TokenType;
use crate::scope::BuiltInScope;
use crate::signing::JwsAlgorithm;

/// The address of the metadata, between the host and the path of the resource ([RFC 9728
/// §3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The scope that reading data needs. It is the only one that a challenge or the metadata names: a client that takes all of
/// them asks for no more than it needs, and never for `offline_access`.
const SCOPE: &str = BuiltInScope::OData.as_str();

/// The document about a protected resource.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are those of RFC 9728 §2")]
pub struct ProtectedResource {
    pub resource: String,
    pub authorization_servers: [String; 1],
    pub scopes_supported: [&'static str; 1],
    pub bearer_methods_supported: [&'static str; 1],
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    pub resource_name: String,
    pub resource_documentation: String,
}

impl ProtectedResource {
    /// The document for the resource at this path of the issuer (the public URL without a trailing slash). `path` is the one
    /// that was asked for: a client refuses a `resource` that differs from its own spelling by a slash ([RFC 9728
    /// §3.3](https://www.rfc-editor.org/rfc/rfc9728#section-3.3)). `algorithms` are those of proofs.
    pub fn new(issuer: &str, path: &str, name: &str, algorithms: Algorithms) -> Self {
        Self {
            resource: format!("{issuer}{path}"),
            authorization_servers: [issuer.to_owned()],
            scopes_supported: [SCOPE],
            bearer_methods_supported: ["header"],
            dpop_signing_alg_values_supported: names(algorithms).collect(),
            resource_name: name.to_owned(),
            resource_documentation: format!("{issuer}/docs"),
        }
    }
}

/// The URL of the document for the resource at this path of the issuer: the well-known part comes between the host and the
/// path of the resource, that of the issuer included.
pub fn metadata_url(issuer: &str, path: &str) -> String {
    let host = issuer.find("://").map_or(0, |at| at + "://".len());
    let end = issuer[host..].find('/').map_or(issuer.len(), |at| host + at);
    let (origin, issuer_path) = issuer.split_at(end);
    format!("{origin}{WELL_KNOWN}{issuer_path}{path}")
}

fn names(algorithms: Algorithms) -> impl Iterator<Item = &'static str> {
    algorithms.of_clients().iter().copied().map(JwsAlgorithm::as_str)
}

/// A protected resource, as its challenges describe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChallengingResource<'a> {
    /// The scopes that a request needs, all at once.
    pub scope: &'a str,
    /// Where the metadata of the resource is, if there is any ([RFC 9728
    /// §5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)). It contains no quotation mark and no backslash.
    pub metadata_url: Option<&'a str>,
    /// The algorithms of proofs.
    pub algorithms: Algorithms,
}

impl<'a> ChallengingResource<'a> {
    /// Data, which needs the one scope that its metadata names.
    pub const fn of_data(metadata_url: &'a str, algorithms: Algorithms) -> Self {
        Self { scope: SCOPE, metadata_url: Some(metadata_url), algorithms }
    }
}

/// A challenge for an access token ([RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750#section-3), [RFC 9449
/// §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenChallenge {
    /// The scheme with which the token is to be sent.
    pub scheme: TokenType,
    /// What is wrong with the request; `None` if it has no token ([RFC 6750
    /// §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    pub error: Option<ErrorCode>,
    /// The longest time since the sign-in of the user, in seconds, if that is what is wrong ([RFC 9470
    /// §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    pub max_age_secs: Option<i64>,
}

impl TokenChallenge {
    /// The request has no token, so the challenge has no error.
    pub const fn for_a_token(scheme: TokenType) -> Self {
        Self { scheme, error: None, max_age_secs: None }
    }

    /// The token is refused.
    pub const fn after(error: ErrorCode, scheme: TokenType) -> Self {
        Self { scheme, error: Some(error), max_age_secs: None }
    }

    /// The value of `WWW-Authenticate`.
    pub fn text(self, resource: ChallengingResource<'_>) -> String {
        let mut text = format!("{} ", self.scheme.as_str());
        if let Some(error) = self.error {
            let _ = write!(text, r#"error="{}", "#, error.as_str());
        }
        if let Some(max_age) = self.max_age_secs {
            let _ = write!(text, r#"max_age="{max_age}", "#);
        }
        let _ = write!(text, r#"scope="{}", "#, resource.scope);
        if let Some(metadata_url) = resource.metadata_url {
            let _ = write!(text, r#"resource_metadata="{metadata_url}", "#);
        }
        text.push_str(r#"realm="Sluicegate""#);
        if self.scheme == TokenType::Dpop {
            let algorithms = names(resource.algorithms).collect::<Vec<_>>().join(" ");
            let _ = write!(text, r#", algs="{algorithms}""#);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_resource_is_spelled_as_it_was_asked_for() {
        for path in ["", "/", "/api/odata4", "/api/odata4/", "/api/odata4/ships", "/api/odata4/ships/"] {
            let document = ProtectedResource::new("https://gate.example", path, "Ships", Algorithms::All);
            assert_eq!(document.resource, format!("https://gate.example{path}"));
            let url = metadata_url("https://gate.example", path);
            assert_eq!(url, format!("https://gate.example/.well-known/oauth-protected-resource{path}"));
            let below = metadata_url("https://a.example:1/gate", path);
            assert_eq!(below, format!("https://a.example:1/.well-known/oauth-protected-resource/gate{path}"));
        }
    }

    #[test]
    fn the_document_names_the_server_and_the_least_scope() {
        let (issuer, path) = ("https://gate.example", "/api/odata4/ships");
        let document = ProtectedResource::new(issuer, path, "Ships", Algorithms::Fapi2);
        let expected = json!({
            "resource": "https://gate.example/api/odata4/ships",
            "authorization_servers": ["https://gate.example"],
            "scopes_supported": ["api.access.odata"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["EdDSA", "ES256", "PS256"],
            "resource_name": "Ships",
            "resource_documentation": "https://gate.example/docs",
        });
        assert_eq!(serde_json::to_value(document).unwrap(), expected);
    }

    #[test]
    fn a_challenge_names_the_error_the_scope_and_the_metadata() {
        let all =
            r#"scope="api.access.odata", resource_metadata="https://gate.example/m", realm="Sluicegate""#;
        let algorithms = r#", algs="EdDSA ES256 RS256 PS256 ES384 ES512 RS384 RS512 PS384 PS512""#;
        for (challenge, text) in [
            (TokenChallenge::for_a_token(TokenType::Bearer), format!("Bearer {all}")),
            (TokenChallenge::for_a_token(TokenType::Dpop), format!("DPoP {all}{algorithms}")),
            (
                TokenChallenge::after(ErrorCode::InvalidToken, TokenType::Bearer),
                format!(r#"Bearer error="invalid_token", {all}"#),
            ),
            (
                TokenChallenge {
                    max_age_secs: Some(300),
                    ..TokenChallenge::after(ErrorCode::InsufficientUserAuthentication, TokenType::Bearer)
                },
                format!(r#"Bearer error="insufficient_user_authentication", max_age="300", {all}"#),
            ),
            (
                TokenChallenge::after(ErrorCode::InsufficientScope, TokenType::Dpop),
                format!(r#"DPoP error="insufficient_scope", {all}{algorithms}"#),
            ),
        ] {
            let resource = ChallengingResource::of_data("https://gate.example/m", Algorithms::All);
            assert_eq!(challenge.text(resource), text);
        }
    }

    #[test]
    fn a_challenge_names_only_the_algorithms_that_are_accepted_and_metadata_that_exist() {
        let resource =
            ChallengingResource { scope: "openid", metadata_url: None, algorithms: Algorithms::Fapi2 };
        let text = TokenChallenge::for_a_token(TokenType::Dpop).text(resource);
        assert_eq!(text, r#"DPoP scope="openid", realm="Sluicegate", algs="EdDSA ES256 PS256""#);
    }
}
