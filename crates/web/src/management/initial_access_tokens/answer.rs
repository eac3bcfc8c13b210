//! The wire form of an initial access token.

use app::management::initial_access_tokens::CreatedInitialAccessToken;
use oauth::client_registration::InitialAccessToken;
use serde::Serialize;

use crate::respond::management::rfc3339;

/// An initial access token, without its value.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitialAccessTokenResponse {
    id: i64,
    description: String,
    created_by: Option<String>,
    created_at: String,
    expires_at: String,
    /// 0 for any number.
    max_uses: u32,
    uses: u32,
}

impl From<InitialAccessToken> for InitialAccessTokenResponse {
    fn from(token: InitialAccessToken) -> Self {
        Self {
            id: token.id.get(),
            description: token.description,
            created_by: token.created_by_name,
            created_at: rfc3339(token.created_at),
            expires_at: rfc3339(token.expires_at),
            max_uses: token.most_uses.unwrap_or(0),
            uses: token.uses,
        }
    }
}

/// A created token with its value.
#[derive(Serialize)]
pub(super) struct CreatedResponse {
    #[serde(flatten)]
    stored: InitialAccessTokenResponse,
    token: String,
}

impl From<CreatedInitialAccessToken> for CreatedResponse {
    fn from(created: CreatedInitialAccessToken) -> Self {
        let token = created.token.expose().to_owned();
        Self { stored: created.stored.into(), token }
    }
}

/// A list of tokens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitialAccessTokenList {
    pub(super) initial_access_tokens: Vec<InitialAccessTokenResponse>,
}

/// The texts that a search compares.
pub(super) fn texts(token: &InitialAccessToken) -> Vec<String> {
    vec![token.description.clone(), token.created_by_name.clone().unwrap_or_default()]
}
