//! What a user decides about a client that polls for the decision.

use oauth::grant::GrantDetails;
use oauth::revocation::Revocation;

use crate::NewConsent;

/// The decision.
#[derive(Debug, Clone)]
pub enum AccessAnswer {
    /// The client gets access under this consent, which is stored too.
    Allow {
        /// The consent; its scopes are those that the client gets.
        consent: NewConsent,
        /// What else the grant keeps.
        details: Box<GrantDetails>,
    },
    /// The client gets no access.
    Deny,
}

impl AccessAnswer {
    /// Whether the user has left out something that was offered, so that earlier access may end.
    pub fn leaves_out(&self) -> bool {
        match self {
            Self::Allow { consent, .. } => consent.data.leaves_out(),
            Self::Deny => false,
        }
    }
}

/// What became of the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessAnswered {
    /// It was stored, with the earlier access that it has ended, as [`crate::Grants::allow`] does.
    Stored(Vec<Revocation>),
    /// The request has expired, was decided before, or does not exist.
    Closed,
    /// The epoch of the application or the user has advanced, or one of them was deleted.
    Gone,
}
