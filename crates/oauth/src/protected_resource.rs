//! Metadata of protected resources ([RFC 9728](https://www.rfc-editor.org/rfc/rfc9728)), and the challenges that lead a client
//! to it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::authorization_details;
use crate::error::ErrorCode;
use crate::profile::{Algorithms, Profile};
use crate::proof::TokenType;
use crate::resource::DataEndpoint;
use crate::signing::JwsAlgorithm;
use crate::step_up::StepUp;
use crate::user_authentication::SECOND_FACTOR_ACR;

/// The address of the metadata, between the host and the path of the resource ([RFC 9728
/// §3.1](https://www.rfc-editor.org/rfc/rfc9728#section-3.1)).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document about a protected resource.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are those of RFC 9728 §2")]
pub struct ProtectedResource {
    pub resource: String,
    pub authorization_servers: [String; 1],
    pub scopes_supported: [&'static str; 1],
    pub bearer_methods_supported: [&'static str; 1],
    pub tls_client_certificate_bound_access_tokens: bool,
    pub authorization_details_types_supported: &'static [&'static str],
    pub dpop_signing_alg_values_supported: Vec<&'static str>,
    pub dpop_bound_access_tokens_required: bool,
    pub resource_name: String,
    pub resource_documentation: String,
}

/// What the document depends on.
#[derive(Debug, Clone, Copy)]
pub struct ResourceFacts<'a> {
    /// The public URL without a trailing slash.
    pub issuer: &'a str,
    /// The URL of this server at which the document was asked for, as [`address_asked`] finds it.
    pub address: &'a str,
    /// The path that was asked for: a client refuses a `resource` that differs from its own spelling by a slash ([RFC 9728
    /// §3.3](https://www.rfc-editor.org/rfc/rfc9728#section-3.3)).
    pub path: &'a str,
    /// The endpoint at which data is read there.
    pub endpoint: DataEndpoint,
    /// The name for people.
    pub name: &'a str,
    /// The profile that every application has at least.
    pub minimum: Profile,
    /// Whether clients can present certificates at `address`.
    pub takes_certificates: bool,
}

impl ProtectedResource {
    /// The document for the resource at a path of this server.
    pub fn new(facts: ResourceFacts<'_>) -> Self {
        let ResourceFacts { issuer, address, path, endpoint, name, minimum, takes_certificates } = facts;
        let rules = minimum.rules();
        Self {
            resource: format!("{address}{path}"),
            authorization_servers: [issuer.to_owned()],
            scopes_supported: [endpoint.scope().as_str()],
            bearer_methods_supported: ["header"],
            tls_client_certificate_bound_access_tokens: takes_certificates,
            authorization_details_types_supported: authorization_details::TYPES,
            dpop_signing_alg_values_supported: names(rules.algorithms).collect(),
            // A token that is bound to a certificate is of no use where nobody can present one.
            dpop_bound_access_tokens_required: rules.bound_tokens && !takes_certificates,
            resource_name: name.to_owned(),
            resource_documentation: format!("{issuer}/docs"),
        }
    }
}

/// The URL of this server at which a request was asked that names this host: the one for clients with certificates if that
/// has the host, otherwise the public URL. Nothing but these two is ever written into a response.
pub fn address_asked<'a>(
    host: Option<&str>,
    public_url: &'a str,
    for_certificates: Option<&'a str>,
) -> &'a str {
    let names = |url: &&str| host.is_some_and(|host| is_authority_of(host, url));
    for_certificates.filter(names).unwrap_or(public_url)
}

/// Whether this is the host of a URL in its normal form, with its port or without the default one.
fn is_authority_of(host: &str, url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    let default = if scheme == "https" { ":443" } else { ":80" };
    let without = host.strip_suffix(default).unwrap_or(host);
    host.eq_ignore_ascii_case(authority) || without.eq_ignore_ascii_case(authority)
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
    /// An endpoint of data, which needs the one scope that its metadata names.
    pub const fn of_data(endpoint: DataEndpoint, metadata_url: &'a str, algorithms: Algorithms) -> Self {
        Self { scope: endpoint.scope().as_str(), metadata_url: Some(metadata_url), algorithms }
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
    /// What is demanded of the sign-in of the user, if that is what is wrong ([RFC 9470
    /// §3](https://www.rfc-editor.org/rfc/rfc9470#section-3)).
    pub step_up: StepUp,
}

impl TokenChallenge {
    /// The request has no token, so the challenge has no error.
    pub const fn for_a_token(scheme: TokenType) -> Self {
        Self { scheme, error: None, step_up: StepUp { max_age_secs: None, second_factor: false } }
    }

    /// The token is refused.
    pub const fn after(error: ErrorCode, scheme: TokenType) -> Self {
        Self { scheme, error: Some(error), step_up: StepUp { max_age_secs: None, second_factor: false } }
    }

    /// The value of `WWW-Authenticate`.
    pub fn text(self, resource: ChallengingResource<'_>) -> String {
        let mut text = format!("{} ", self.scheme.as_str());
        if let Some(error) = self.error {
            let _ = write!(text, r#"error="{}", "#, error.as_str());
        }
        if self.step_up.second_factor {
            let _ = write!(text, r#"acr_values="{SECOND_FACTOR_ACR}", "#);
        }
        if let Some(max_age) = self.step_up.max_age_secs {
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

    const GATE: &str = "https://gate.example";
    const CERTIFIED: &str = "https://gate.example:8443";

    fn facts(path: &str) -> ResourceFacts<'_> {
        ResourceFacts {
            issuer: GATE,
            address: GATE,
            path,
            endpoint: DataEndpoint::OData,
            name: "Ships",
            minimum: Profile::Compatible,
            takes_certificates: false,
        }
    }

    #[test]
    fn the_resource_is_spelled_as_it_was_asked_for() {
        for path in ["", "/", "/api/odata4", "/api/odata4/", "/api/odata4/ships", "/api/odata4/ships/"] {
            for address in [GATE, CERTIFIED] {
                let document = ProtectedResource::new(ResourceFacts { address, ..facts(path) });
                assert_eq!(document.resource, format!("{address}{path}"));
                assert_eq!(document.authorization_servers, [GATE]);
                let url = metadata_url(address, path);
                assert_eq!(url, format!("{address}/.well-known/oauth-protected-resource{path}"));
            }
            let below = metadata_url("https://a.example:1/gate", path);
            assert_eq!(below, format!("https://a.example:1/.well-known/oauth-protected-resource/gate{path}"));
        }
    }

    #[test]
    fn a_request_was_asked_at_the_address_whose_host_it_names() {
        for (host, alias, expected) in [
            (Some("gate.example:8443"), CERTIFIED, CERTIFIED),
            (Some("GATE.example:8443"), CERTIFIED, CERTIFIED),
            (Some("gate.example"), CERTIFIED, GATE),
            (Some("gate.example:443"), CERTIFIED, GATE),
            (Some("gate.example:84430"), CERTIFIED, GATE),
            (Some("evil.example:8443"), CERTIFIED, GATE),
            (Some(""), CERTIFIED, GATE),
            (None, CERTIFIED, GATE),
            (Some("mtls.gate.example"), "https://mtls.gate.example/a", "https://mtls.gate.example/a"),
            (Some("mtls.gate.example:443"), "https://mtls.gate.example/a", "https://mtls.gate.example/a"),
            (Some("mtls.gate.example:80"), "https://mtls.gate.example/a", GATE),
            (Some("[::1]:8443"), "https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(address_asked(host, GATE, Some(alias)), expected, "{host:?}");
            assert_eq!(address_asked(host, GATE, None), GATE, "{host:?}");
        }
    }

    #[test]
    fn the_document_names_the_server_and_the_least_scope() {
        let document =
            ProtectedResource::new(ResourceFacts { minimum: Profile::Fapi2, ..facts("/api/odata4/ships") });
        let expected = json!({
            "resource": "https://gate.example/api/odata4/ships",
            "authorization_servers": ["https://gate.example"],
            "scopes_supported": ["api.access.odata"],
            "bearer_methods_supported": ["header"],
            "tls_client_certificate_bound_access_tokens": false,
            "authorization_details_types_supported": ["data_source"],
            "dpop_signing_alg_values_supported": ["EdDSA", "ES256", "PS256"],
            "dpop_bound_access_tokens_required": true,
            "resource_name": "Ships",
            "resource_documentation": "https://gate.example/docs",
        });
        assert_eq!(serde_json::to_value(document).unwrap(), expected);
    }

    #[test]
    fn each_endpoint_names_its_own_scope() {
        for (endpoint, scope) in [(DataEndpoint::OData, "api.access.odata"), (DataEndpoint::Mcp, "mcp.read")]
        {
            let document = ProtectedResource::new(ResourceFacts { endpoint, ..facts("/x") });
            assert_eq!(document.scopes_supported, [scope]);
            assert_eq!(ChallengingResource::of_data(endpoint, "m", Algorithms::All).scope, scope);
        }
    }

    #[test]
    fn proofs_are_required_where_only_tokens_that_are_bound_to_keys_work() {
        for (minimum, takes_certificates, is_required) in [
            (Profile::Compatible, false, false),
            (Profile::Compatible, true, false),
            (Profile::OAuth21, false, false),
            (Profile::OAuth21, true, false),
            (Profile::Fapi2, false, true),
            (Profile::Fapi2, true, false),
        ] {
            let facts = ResourceFacts { minimum, takes_certificates, ..facts("") };
            let document = ProtectedResource::new(facts);
            assert_eq!(document.dpop_bound_access_tokens_required, is_required, "{facts:?}");
            assert_eq!(document.tls_client_certificate_bound_access_tokens, takes_certificates);
        }
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
                    step_up: StepUp { max_age_secs: Some(300), second_factor: false },
                    ..TokenChallenge::after(ErrorCode::InsufficientUserAuthentication, TokenType::Bearer)
                },
                format!(r#"Bearer error="insufficient_user_authentication", max_age="300", {all}"#),
            ),
            (
                TokenChallenge {
                    step_up: StepUp { max_age_secs: None, second_factor: true },
                    ..TokenChallenge::after(ErrorCode::InsufficientUserAuthentication, TokenType::Bearer)
                },
                format!(
                    r#"Bearer error="insufficient_user_authentication", acr_values="https://refeds.org/profile/mfa", {all}"#
                ),
            ),
            (
                TokenChallenge::after(ErrorCode::InsufficientScope, TokenType::Dpop),
                format!(r#"DPoP error="insufficient_scope", {all}{algorithms}"#),
            ),
        ] {
            let resource =
                ChallengingResource::of_data(DataEndpoint::OData, "https://gate.example/m", Algorithms::All);
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
