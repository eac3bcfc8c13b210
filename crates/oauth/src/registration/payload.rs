//! What somebody says about an application, before any rule has judged it.

/// The members of a payload, of the right types and no more than that. What was left out is `None`.
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
    /// `accessTokenLifetime`, in seconds.
    pub access_token_lifetime: Option<i64>,
    /// `contacts`.
    pub contacts: Option<Vec<String>>,
    /// `logoUrl`; an empty one takes the picture away.
    pub logo_url: Option<String>,
    /// `corsOrigins`.
    pub cors_origins: Option<Vec<String>>,
}
