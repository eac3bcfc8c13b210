//! Token revocation by a client ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).

use crate::client_authentication::AuthenticatedClient;
use crate::grant::Grant;
use crate::introspection::{TOKEN, TOKEN_TYPE_HINT};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::token_payload::AccessToken;
use domain::id::{GrantId, TokenId};
use domain::secret::TokenText;
use domain::time::Timestamp;

/// The token to be revoked. The hint is parsed and ignored: "a client […] MAY" send it, and a token
/// identifies its own kind ([RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.1)).
///
/// # Errors
/// `invalid_request` if it is missing or repeated. A text that is not a token is not one of ours, however
/// long it is.
pub fn parse(parameters: &Parameters) -> Result<TokenText, Refusal> {
    parameters.one(TOKEN_TYPE_HINT)?;
    parameters.required(TOKEN).map(TokenText::new)
}

/// An opened token of this server.
#[derive(Debug, Clone, Copy)]
pub enum TokenToRevoke<'a> {
    /// An access token.
    Access(&'a AccessToken),
    /// A refresh token of any generation, by its grant.
    Refresh(&'a Grant),
    /// Not a token of this server.
    Unknown,
}

/// What must be done; the response is 200 in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// Revoke the access token.
    RevokeToken {
        /// The id of the token.
        id: TokenId,
        /// When the token would expire.
        expires_at: Timestamp,
    },
    /// Revoke the grant with all its tokens.
    RevokeGrant(GrantId),
}

/// Decides what a revocation covers: for an access token the token itself, for a refresh token the whole
/// grant ([RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.1)).
pub fn decide(client: &AuthenticatedClient, subject: TokenToRevoke<'_>, now: Timestamp) -> Effect {
    match subject {
        TokenToRevoke::Access(token)
            if token.application == own(client) && !token.expires_at.is_past(now) =>
        {
            Effect::RevokeToken { id: token.id, expires_at: token.expires_at }
        }
        TokenToRevoke::Refresh(grant) if grant.application == own(client) && grant.revoked_at.is_none() => {
            Effect::RevokeGrant(grant.id)
        }
        // "invalid tokens do not cause an error response" (§2.2). Tokens of another client do not either: an
        // error would let a client probe for tokens.
        TokenToRevoke::Access(_) | TokenToRevoke::Refresh(_) | TokenToRevoke::Unknown => Effect::Nothing,
    }
}

fn own(client: &AuthenticatedClient) -> domain::id::ApplicationId {
    client.application().id
}

#[cfg(test)]
mod tests;
