//! The payload about an application, before any rule is applied.

use crate::application::OpenIdMetadata;
use crate::application::TokenExchangePolicy;

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
    /// `corsOrigins`.
    pub cors_origins: Option<Vec<String>>,
}
