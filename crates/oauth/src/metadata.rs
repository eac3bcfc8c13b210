//! The metadata of the server ([RFC 8414](https://www.rfc-editor.org/rfc/rfc8414)).

use serde::Serialize;
use serde_json::Value;

use crate::application::{AcceptedCertificates, AuthenticationMethod, ClientType, GrantType, POLL, Profile};
use crate::authorization_details;
use crate::authorize::ResponseMode;
use crate::oidc::discovery::OpenIdProvider;
use crate::refresh_expiry;
use crate::resource::{DataEndpoint, Resource};
use crate::scope::ScopeRegistry;
use crate::signing::{JwsAlgorithm, SECRET_ALGORITHM, SigningAlgorithm};

/// The document at `/.well-known/oauth-authorization-server`.
#[derive(Debug, Clone, Serialize)]
#[expect(
    missing_docs,
    reason = "the names are those of RFC 8414 §2, RFC 8628 §4, CIBA Core §4, RFC 9207 §3, RFC 9449 §5.1, RFC 9701 §7, RFC 9728 §4 and RFC 7636"
)]
#[expect(clippy::struct_excessive_bools, reason = "the specifications define them as separate members")]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub require_pushed_authorization_requests: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    pub introspection_endpoint: String,
    pub revocation_endpoint: String,
    pub jwks_uri: String,
    pub device_authorization_endpoint: String,
    pub backchannel_authentication_endpoint: String,
    pub backchannel_token_delivery_modes_supported: [&'static str; 1],
    pub backchannel_user_code_parameter_supported: bool,
    pub service_documentation: String,
    pub scopes_supported: Vec<String>,
    pub authorization_details_types_supported: &'static [&'static str],
    pub response_types_supported: [&'static str; 1],
    pub response_modes_supported: Vec<&'static str>,
    pub grant_types_supported: Vec<&'static str>,
    pub authorization_grant_profiles_supported: [&'static str; 1],
    pub refresh_token_expiration_types_supported: [&'static str; 2],
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub introspection_signing_alg_values_supported: [&'static str; SigningAlgorithm::ALL.len()],
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub code_challenge_methods_supported: [&'static str; 1],
    pub dpop_signing_alg_values_supported: [&'static str; JwsAlgorithm::ALL.len()],
    pub prompt_values_supported: [&'static str; 4],
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(flatten)]
    pub openid: OpenIdProvider,
    pub client_id_metadata_document_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub require_request_uri_registration: bool,
    pub require_signed_request_object: bool,
    pub request_object_signing_alg_values_supported: [&'static str; JwsAlgorithm::ALL.len()],
    pub authorization_signing_alg_values_supported: [&'static str; SigningAlgorithm::ALL.len()],
    pub protected_resources: [String; 2],
    pub tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls_endpoint_aliases: Option<EndpointAliases>,
    #[serde(flatten)]
    pub attestations: Option<AttestationSupport>,
}

/// How instances of clients authenticate with attestations
/// ([draft-ietf-oauth-attestation-based-client-auth-11 §6.3 and §8](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-8)).
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are those of the draft")]
pub struct AttestationSupport {
    pub challenge_endpoint: String,
    pub client_attestation_signing_alg_values_supported: [&'static str; JwsAlgorithm::ALL.len()],
    pub client_attestation_pop_signing_alg_values_supported: [&'static str; JwsAlgorithm::ALL.len()],
}

/// The endpoints at which clients can present certificates ([RFC 8705
/// §5](https://www.rfc-editor.org/rfc/rfc8705#section-5)).
#[derive(Debug, Clone, Serialize)]
#[expect(
    missing_docs,
    reason = "the names are those of RFC 8414 §2, RFC 8628 §4, CIBA Core §4 and RFC 9126 §5"
)]
pub struct EndpointAliases {
    pub token_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
    pub introspection_endpoint: String,
    pub revocation_endpoint: String,
    pub device_authorization_endpoint: String,
    pub backchannel_authentication_endpoint: String,
    pub userinfo_endpoint: String,
}

/// How clients can present certificates.
#[derive(Debug, Clone, Copy, Default)]
pub struct CertificateSupport<'a> {
    /// Which ones are accepted.
    pub accepted: AcceptedCertificates,
    /// The URL for them without a trailing slash, if it is another one than the issuer.
    pub url: Option<&'a str>,
}

/// The profile of identity assertions ([ID-JAG
/// §7](https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-assertion-authz-grant/)).
const IDENTITY_ASSERTION_PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

impl Metadata {
    /// The document for an issuer (the public URL without a trailing slash) whose applications have at least the
    /// profile `minimum`.
    pub fn new(issuer: &str, minimum: Profile, scopes: &ScopeRegistry) -> Self {
        let methods = methods(CertificateSupport::default());
        let algorithms = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str);
        let of_others = JwsAlgorithm::ALL.map(JwsAlgorithm::as_str);
        let of_assertions: Vec<_> = of_others.into_iter().chain([SECRET_ALGORITHM]).collect();
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: format!("{issuer}/oauth2/authorize"),
            pushed_authorization_request_endpoint: format!("{issuer}/oauth2/par"),
            require_pushed_authorization_requests: false,
            token_endpoint: format!("{issuer}/oauth2/token"),
            registration_endpoint: None,
            introspection_endpoint: format!("{issuer}/oauth2/introspect"),
            revocation_endpoint: format!("{issuer}/oauth2/revoke"),
            jwks_uri: format!("{issuer}/oauth2/jwks"),
            device_authorization_endpoint: format!("{issuer}/oauth2/device_authorization"),
            backchannel_authentication_endpoint: format!("{issuer}/oauth2/bc-authorize"),
            backchannel_token_delivery_modes_supported: [POLL],
            backchannel_user_code_parameter_supported: false,
            service_documentation: format!("{issuer}/docs"),
            scopes_supported: scopes.scopes().iter().map(|scope| scope.name.clone()).collect(),
            authorization_details_types_supported: authorization_details::TYPES,
            response_types_supported: ["code"],
            response_modes_supported: ResponseMode::ALL.map(ResponseMode::as_str).to_vec(),
            grant_types_supported: supported(minimum).map(GrantType::as_str).collect(),
            authorization_grant_profiles_supported: [IDENTITY_ASSERTION_PROFILE],
            refresh_token_expiration_types_supported: refresh_expiry::TYPES,
            token_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_signing_alg_values_supported: of_assertions.clone(),
            introspection_endpoint_auth_methods_supported: confidential(&methods),
            introspection_endpoint_auth_signing_alg_values_supported: of_assertions.clone(),
            introspection_signing_alg_values_supported: SigningAlgorithm::ALL.map(SigningAlgorithm::as_str),
            revocation_endpoint_auth_methods_supported: methods,
            revocation_endpoint_auth_signing_alg_values_supported: of_assertions,
            code_challenge_methods_supported: ["S256"],
            dpop_signing_alg_values_supported: of_others,
            prompt_values_supported: ["none", "login", "consent", "select_account"],
            authorization_response_iss_parameter_supported: true,
            openid: OpenIdProvider::new(issuer),
            client_id_metadata_document_supported: false,
            request_parameter_supported: true,
            request_uri_parameter_supported: true,
            require_request_uri_registration: true,
            require_signed_request_object: false,
            request_object_signing_alg_values_supported: of_others,
            authorization_signing_alg_values_supported: algorithms,
            // The resources of its metadata, which cover every data source; the sources themselves are not public.
            protected_resources: DataEndpoint::ALL.map(|endpoint| Resource::Data(endpoint).canonical(issuer)),
            tls_client_certificate_bound_access_tokens: false,
            mtls_endpoint_aliases: None,
            attestations: None,
        }
    }

    /// The same document of a server that signs every authorization response, so that no other mode works ([FAPI 2.0 Message
    /// Signing §5.4](https://openid.net/specs/fapi-message-signing-2_0-final.html#section-5.4)).
    #[must_use]
    pub fn with_signed_responses(self) -> Self {
        let signed = ResponseMode::ALL.into_iter().filter(|mode| mode.is_signed());
        Self { response_modes_supported: signed.map(ResponseMode::as_str).collect(), ..self }
    }

    /// The same document with what it takes to present certificates.
    #[must_use]
    pub fn with_certificates(self, support: CertificateSupport<'_>) -> Self {
        let methods = methods(support);
        Self {
            introspection_endpoint_auth_methods_supported: confidential(&methods),
            revocation_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_methods_supported: methods,
            tls_client_certificate_bound_access_tokens: support.accepted != AcceptedCertificates::None,
            mtls_endpoint_aliases: support.url.map(EndpointAliases::at),
            ..self
        }
    }

    /// The same document of a server that trusts an attester.
    #[must_use]
    pub fn with_attestations(mut self) -> Self {
        for methods in [
            &mut self.token_endpoint_auth_methods_supported,
            &mut self.introspection_endpoint_auth_methods_supported,
            &mut self.revocation_endpoint_auth_methods_supported,
        ] {
            methods.push(AuthenticationMethod::AttestJwtClientAuth.as_str());
        }
        let algorithms = JwsAlgorithm::ALL.map(JwsAlgorithm::as_str);
        let attestations = AttestationSupport {
            challenge_endpoint: format!("{}/oauth2/challenge", self.issuer),
            client_attestation_signing_alg_values_supported: algorithms,
            client_attestation_pop_signing_alg_values_supported: algorithms,
        };
        Self { attestations: Some(attestations), ..self }
    }
}

impl EndpointAliases {
    fn at(url: &str) -> Self {
        Self {
            token_endpoint: format!("{url}/oauth2/token"),
            pushed_authorization_request_endpoint: format!("{url}/oauth2/par"),
            introspection_endpoint: format!("{url}/oauth2/introspect"),
            revocation_endpoint: format!("{url}/oauth2/revoke"),
            device_authorization_endpoint: format!("{url}/oauth2/device_authorization"),
            backchannel_authentication_endpoint: format!("{url}/oauth2/bc-authorize"),
            userinfo_endpoint: format!("{url}/oauth2/userinfo"),
        }
    }
}

/// The methods of client authentication.
fn methods(support: CertificateSupport<'_>) -> Vec<&'static str> {
    let allowed =
        AuthenticationMethod::ALL.into_iter().filter(|method| method.works_with(support.accepted, false));
    allowed.map(AuthenticationMethod::as_str).collect()
}

/// The methods of clients that authenticate.
fn confidential(methods: &[&'static str]) -> Vec<&'static str> {
    let none = AuthenticationMethod::None.as_str();
    methods.iter().copied().filter(|method| *method != none).collect()
}

impl Metadata {
    /// The document as JSON, without the algorithms and the methods of authentication that no application of at least
    /// the profile `minimum` may use.
    ///
    /// # Panics
    /// Never: strings and booleans can always be serialized.
    pub fn document(&self, minimum: Profile) -> Value {
        let rules = minimum.rules();
        let mut document = serde_json::to_value(self).expect("strings can always be serialized");
        let method_is_allowed = |name: &str| {
            let method = AuthenticationMethod::from_name(name);
            !rules.key_authentication || method.is_some_and(AuthenticationMethod::proves_a_key)
        };
        let algorithm_is_allowed = |name: &str| match JwsAlgorithm::from_name(name) {
            Some(algorithm) => rules.algorithms.contain(algorithm),
            None => name != SECRET_ALGORITHM || !rules.key_authentication,
        };
        for (name, value) in document.as_object_mut().into_iter().flatten() {
            let Value::Array(values) = value else { continue };
            if name.ends_with("_auth_methods_supported") {
                values.retain(|value| value.as_str().is_some_and(method_is_allowed));
            } else if name.contains("_alg_values_supported") {
                values.retain(|value| value.as_str().is_some_and(algorithm_is_allowed));
            }
        }
        document
    }
}

/// The grant types that some application may use. Tokens that are bound to a key are not exchanged, so nothing is where there
/// are no others.
fn supported(minimum: Profile) -> impl Iterator<Item = GrantType> {
    let profiles = Profile::ALL.into_iter().filter(move |profile| *profile >= minimum);
    let kinds = profiles
        .flat_map(|profile| [ClientType::Confidential, ClientType::Public].map(|kind| (profile, kind)));
    let is_open = move |grant: &GrantType| {
        let has_subjects = *grant != GrantType::TokenExchange || !minimum.rules().bound_tokens;
        has_subjects && kinds.clone().any(|(profile, kind)| grant.barriers(profile, kind).next().is_none())
    };
    GrantType::ALL.into_iter().filter(is_open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_type_that_no_application_may_use_is_not_named() {
        let named = |minimum| {
            Metadata::new("https://gate.example", minimum, &ScopeRegistry::built_in()).grant_types_supported
        };
        assert!(named(Profile::Compatible).contains(&"password"));
        assert!(!named(Profile::OAuth21).contains(&"password"));
        assert!(named(Profile::OAuth21).contains(&"authorization_code"));
        let exchange = GrantType::TokenExchange.as_str();
        assert!(named(Profile::OAuth21).contains(&exchange) && !named(Profile::Fapi2).contains(&exchange));
    }

    #[test]
    fn attestations_are_named_where_an_attester_is_trusted() {
        let plain = Metadata::new("https://gate.example", Profile::Compatible, &ScopeRegistry::built_in());
        let methods = [
            "token_endpoint_auth_methods_supported",
            "introspection_endpoint_auth_methods_supported",
            "revocation_endpoint_auth_methods_supported",
        ];
        let further = [
            "client_attestation_signing_alg_values_supported",
            "client_attestation_pop_signing_alg_values_supported",
            "challenge_endpoint",
        ];
        let (without, with) = (
            plain.document(Profile::Compatible),
            plain.clone().with_attestations().document(Profile::Compatible),
        );
        let names = |document: &Value, member: &str| {
            document[member].as_array().unwrap().contains(&"attest_jwt_client_auth".into())
        };
        for member in methods {
            assert!(names(&with, member) && !names(&without, member), "{member}");
        }
        for member in further {
            assert!(with.get(member).is_some() && without.get(member).is_none(), "{member}");
        }
        assert_eq!(with["challenge_endpoint"], "https://gate.example/oauth2/challenge");
        let algorithms = with["client_attestation_pop_signing_alg_values_supported"].as_array().unwrap();
        assert!(algorithms.contains(&"ES256".into()) && !algorithms.contains(&"none".into()));
    }

    #[test]
    fn a_method_or_an_algorithm_that_no_application_may_use_is_not_named() {
        let document = |minimum| {
            Metadata::new("https://gate.example", minimum, &ScopeRegistry::built_in()).document(minimum)
        };
        let (compatible, strict) = (document(Profile::Compatible), document(Profile::Fapi2));
        let has = |document: &Value, member: &str, name: &str| {
            document[member].as_array().unwrap().contains(&name.into())
        };
        for member in
            ["token_endpoint_auth_methods_supported", "introspection_endpoint_auth_methods_supported"]
        {
            assert!(has(&compatible, member, "client_secret_basic"));
            assert!(!has(&strict, member, "client_secret_basic") && !has(&strict, member, "none"));
            assert!(has(&strict, member, "private_key_jwt"));
            assert!(
                has(&compatible, member, "client_secret_jwt") && !has(&strict, member, "client_secret_jwt")
            );
        }
        for endpoint in ["token", "introspection", "revocation"] {
            let member = &format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
            assert!(has(&compatible, member, "HS256") && !has(&strict, member, "HS256"), "{member}");
        }
        for member in [
            "token_endpoint_auth_signing_alg_values_supported",
            "dpop_signing_alg_values_supported",
            "id_token_signing_alg_values_supported",
            "request_object_signing_alg_values_supported",
            "authorization_signing_alg_values_supported",
        ] {
            assert!(has(&compatible, member, "RS256") && !has(&strict, member, "RS256"), "{member}");
            assert!(has(&strict, member, "PS256"));
        }
    }

    #[test]
    fn where_every_response_is_signed_no_other_mode_is_named() {
        let plain = Metadata::new("https://gate.example", Profile::Fapi2, &ScopeRegistry::built_in());
        assert_eq!(plain.response_modes_supported.len(), ResponseMode::ALL.len());
        let signed = plain.with_signed_responses().response_modes_supported;
        assert_eq!(signed, ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"]);
    }

    #[test]
    fn methods_with_certificates_are_named_where_they_work() {
        let named = |support| {
            let plain = Metadata::new("https://gate.example", Profile::OAuth21, &ScopeRegistry::built_in());
            serde_json::to_value(plain.with_certificates(support)).unwrap()
        };
        let has = |document: &serde_json::Value, method: &str| {
            let lists = ["token", "introspection", "revocation"].map(|endpoint| {
                let list =
                    document[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().unwrap();
                list.iter().any(|named| named == method)
            });
            assert!(lists == [lists[0]; 3], "{document}");
            lists[0]
        };
        let none = named(CertificateSupport::default());
        assert!(!has(&none, "tls_client_auth") && !has(&none, "self_signed_tls_client_auth"));
        assert_eq!(none["tls_client_certificate_bound_access_tokens"], false);
        assert!(none.get("mtls_endpoint_aliases").is_none());
        let url = Some("https://gate.example:8443");
        let own = named(CertificateSupport { accepted: AcceptedCertificates::SelfSigned, url });
        assert!(!has(&own, "tls_client_auth") && has(&own, "self_signed_tls_client_auth"));
        assert_eq!(own["mtls_endpoint_aliases"]["token_endpoint"], "https://gate.example:8443/oauth2/token");
        let both = named(CertificateSupport { accepted: AcceptedCertificates::Issued, url: None });
        assert!(has(&both, "tls_client_auth") && has(&both, "self_signed_tls_client_auth"));
    }

    #[test]
    fn the_document_has_the_members_of_the_specification() {
        let document = serde_json::to_value(Metadata::new(
            "https://gate.example",
            Profile::Compatible,
            &ScopeRegistry::built_in(),
        ))
        .unwrap();
        assert_eq!(document["issuer"], "https://gate.example");
        assert_eq!(document["token_endpoint"], "https://gate.example/oauth2/token");
        assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    }
}
