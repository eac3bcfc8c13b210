//! The payload about an application, before any rule is applied.

use serde::Deserialize;
use serde_json::Value;

use super::requests::RequestPayload;
use crate::application::ClientPages;
use crate::application::OpenIdMetadata;
use crate::application::TokenExchangePolicy;
use crate::jwt::Object;

/// The members of a payload, which have the right types but are not checked further. An omitted member is
/// `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationPayload {
    /// `name`.
    pub name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `redirectUrls`.
    pub redirect_urls: Option<Vec<String>>,
    /// `profile`.
    pub profile: Option<String>,
    /// `grantTypes`.
    pub grant_types: Option<Vec<String>>,
    /// `scopes`.
    pub scopes: Option<Vec<String>>,
    /// `clientType`.
    pub client_type: Option<String>,
    /// `tokenFormat`.
    pub token_format: Option<String>,
    /// `accessTokenSigningAlg`.
    pub access_token_signing_alg: Option<String>,
    /// `introspectionSignedResponseAlg`.
    pub introspection_signed_response_alg: Option<String>,
    /// `introspectionAudiences`; an empty list removes the restriction.
    pub introspection_audiences: Option<Vec<String>>,
    /// `tokenEndpointAuthMethod`.
    pub token_endpoint_auth_method: Option<String>,
    /// `tokenEndpointAuthSigningAlg`.
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// `jwks`; a set without keys removes the keys.
    pub jwks: Option<Object>,
    /// `jwksUri`; an empty one removes the address.
    pub jwks_uri: Option<String>,
    /// `dpopBoundAccessTokens`.
    pub dpop_bound_access_tokens: Option<bool>,
    /// `tlsClientAuth`; one without a name removes the name.
    pub tls_client_auth: Option<CertificateNamePayload>,
    /// `tlsClientCertificateBoundAccessTokens`.
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// `accessTokenLifetime`, in seconds.
    pub access_token_lifetime: Option<i64>,
    /// `contacts`.
    pub contacts: Option<Vec<String>>,
    /// `logoUrl`; an empty one removes the logo.
    pub logo_url: Option<String>,
    /// `tokenExchange`; one that allows nothing removes the policy.
    pub token_exchange: Option<TokenExchangePolicy>,
    /// `openid`: the members of OpenID Connect, all of which it replaces.
    pub openid: Option<OpenIdMetadata>,
    /// The pages for people that it names, all of which it replaces; the management API has none.
    pub pages: Option<ClientPages>,
    /// How it sends its authorization requests.
    pub requests: RequestPayload,
    /// `corsOrigins`.
    pub cors_origins: Option<Vec<String>>,
}

/// The name in the certificate of an application, in one of five forms ([RFC 8705
/// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateNamePayload {
    /// `tls_client_auth_subject_dn`, as in [RFC 4514](https://www.rfc-editor.org/rfc/rfc4514).
    pub subject_dn: Option<String>,
    /// `tls_client_auth_san_dns`.
    pub san_dns: Option<String>,
    /// `tls_client_auth_san_uri`.
    pub san_uri: Option<String>,
    /// `tls_client_auth_san_ip`.
    pub san_ip: Option<String>,
    /// `tls_client_auth_san_email`.
    pub san_email: Option<String>,
}

impl ApplicationPayload {
    /// The key set that replaces the previous one; `None` if there is none, or if it removes all keys.
    pub fn new_keys(&self) -> Option<&Object> {
        let is_empty = |set: &&Object| set.get("keys").and_then(Value::as_array).is_some_and(Vec::is_empty);
        self.jwks.as_ref().filter(|set| !is_empty(set))
    }
}
