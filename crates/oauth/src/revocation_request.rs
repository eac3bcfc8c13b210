//! Asking for a token's end ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).

use crate::client_authentication::AuthenticatedClient;
use crate::grant::Grant;
use crate::id::{GrantId, TokenId};
use crate::introspection::{TOKEN, TOKEN_TYPE_HINT};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::sealed::AccessToken;
use crate::secret::TokenText;
use crate::time::Timestamp;

/// The token that is to be ended. The hint is read and ignored: "a client […] MAY" give it, and a token tells its kind
/// by itself ([RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.1)).
///
/// # Errors
/// `invalid_request` when it is missing or repeated. A text that is no token is none of ours, however long it is.
pub fn parse(parameters: &Parameters) -> Result<TokenText, Refusal> {
    parameters.one(TOKEN_TYPE_HINT)?;
    parameters.required(TOKEN).map(TokenText::new)
}

/// A token of ours, opened.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// An access token.
    Access(&'a AccessToken),
    /// A refresh token, of whichever generation, by the grant that it names.
    Refresh(&'a Grant),
    /// No token of ours.
    Unknown,
}

/// What is to be done; the answer is 200 whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// The access token is dead from now on.
    EndToken {
        /// Which.
        id: TokenId,
        /// When it would have died by itself.
        expires_at: Timestamp,
    },
    /// The grant is dead with all its tokens.
    EndGrant(GrantId),
}

/// Decides what a revocation ends: an access token itself, a refresh token its whole grant
/// ([RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.1)).
pub fn decide(client: &AuthenticatedClient, subject: Subject<'_>, now: Timestamp) -> Effect {
    match subject {
        Subject::Access(token) if token.application == own(client) && !token.expires_at.is_past(now) => {
            Effect::EndToken { id: token.id, expires_at: token.expires_at }
        }
        Subject::Refresh(grant) if grant.application == own(client) && grant.revoked_at.is_none() => {
            Effect::EndGrant(grant.id)
        }
        // "invalid tokens do not cause an error response" (§2.2), and neither does another client's: telling would let
        // a client probe for tokens.
        Subject::Access(_) | Subject::Refresh(_) | Subject::Unknown => Effect::Nothing,
    }
}

fn own(client: &AuthenticatedClient) -> crate::id::ApplicationId {
    client.application().id
}

#[cfg(test)]
mod tests;
