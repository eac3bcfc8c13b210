//! Chooses the refresh token for the response.
//!
//! A grant counts its rotations; a refresh token contains the count at which it was issued. The token with
//! the grant's current count is the valid one, and there is never another. The token before it only yields
//! the valid one again, for a while.

use super::Facts;
use crate::client_authentication::AuthenticatedClient;
use crate::grant::Grant;
use crate::refusal::Refusal;

/// The refresh token for the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The next generation; advance the grant from `from` first.
    Rotate {
        /// The current generation of the grant.
        from: i64,
    },
    /// The presented token again; it stays valid until it is revoked.
    SameAgain,
    /// The response with the successor was lost: return the identical successor once more.
    RepeatSuccessor {
        /// The successor's generation, which is that of the grant.
        generation: i64,
    },
}

/// The rotation of a live grant; `None` means a replay.
pub(super) fn rotate(presented: i64, grant: &Grant, facts: Facts<'_>) -> Result<Option<Rotation>, Refusal> {
    match grant.generation.checked_sub(presented) {
        Some(0) if rotates(facts.client) => Ok(Some(Rotation::Rotate { from: presented })),
        Some(0) => Ok(Some(Rotation::SameAgain)),
        Some(1) if is_within_grace(grant, facts) => {
            Ok(Some(Rotation::RepeatSuccessor { generation: grant.generation }))
        }
        Some(behind) if behind > 0 => Ok(None),
        _ => Err(Refusal::RefreshTokenFromTheFuture),
    }
}

/// "Refresh tokens for public clients MUST be sender-constrained or use refresh token rotation" ([RFC 9700
/// §2.2.2](https://www.rfc-editor.org/rfc/rfc9700#section-2.2.2)); for confidential clients the profile
/// decides.
fn rotates(client: &AuthenticatedClient) -> bool {
    client.application().settings.profile.rules().rotation.include(!client.is_confidential())
}

fn is_within_grace(grant: &Grant, facts: Facts<'_>) -> bool {
    grant.rotated_at.is_some_and(|rotated| !rotated.plus_secs(facts.grace_secs).is_past(facts.now))
}
