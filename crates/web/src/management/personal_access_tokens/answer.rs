//! The wire form of a personal access token.

use app::management::personal_access_tokens::NamedPersonalAccessToken;
use oauth::scope::ScopeRegistry;
use serde::Serialize;

use super::super::allowed::Data;
use crate::respond::management::rfc3339;

/// A personal access token, without its value.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonalAccessTokenResponse {
    id: i64,
    name: String,
    scopes: Vec<String>,
    #[serde(flatten)]
    data: Data,
    created_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
}

impl PersonalAccessTokenResponse {
    /// The response about a token; the registry names the scopes.
    pub(super) fn new(named: NamedPersonalAccessToken, registry: &ScopeRegistry) -> Self {
        let NamedPersonalAccessToken { token, data } = named;
        Self {
            id: token.id.get(),
            scopes: registry.names(&token.scopes),
            name: token.name,
            data: data.into(),
            created_at: rfc3339(token.created_at),
            expires_at: rfc3339(token.expires_at),
            last_used_at: token.last_used_at.map(rfc3339),
        }
    }
}

/// A list of tokens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonalAccessTokenList {
    pub(super) personal_access_tokens: Vec<PersonalAccessTokenResponse>,
}
