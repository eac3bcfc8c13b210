//! The wire form of issued tokens.

use app::protocol::token::IssuedTokens;
use domain::secret::RefreshTokenText;
use oauth::authorization_details::GrantedElement;
use serde::Serialize;

/// [RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1).
#[derive(Serialize)]
pub(super) struct TokenBody<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_timeout: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_expires_in: Option<i64>,
    scope: &'a str,
    /// [RFC 9396 §7](https://www.rfc-editor.org/rfc/rfc9396#section-7).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_details: &'a [GrantedElement],
    /// [OpenID Connect Core §3.1.3.3](https://openid.net/specs/openid-connect-core-1_0.html#TokenResponse).
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

impl<'a> From<&'a IssuedTokens> for TokenBody<'a> {
    fn from(issued: &'a IssuedTokens) -> Self {
        let response = &issued.tokens;
        Self {
            access_token: response.access_token.expose(),
            issued_token_type: response.issued_token_type,
            token_type: response.token_type.as_str(),
            expires_in: response.expires_in,
            refresh_token: response.refresh_token.as_ref().map(RefreshTokenText::expose),
            refresh_token_expires_in: response.refresh_expiry.map(|expiry| expiry.refresh_token),
            refresh_token_timeout: response.refresh_expiry.and_then(|expiry| expiry.timeout),
            authorization_expires_in: response.refresh_expiry.and_then(|expiry| expiry.authorization),
            scope: &issued.scope,
            authorization_details: &response.authorization_details,
            id_token: response.id_token.as_deref(),
        }
    }
}
