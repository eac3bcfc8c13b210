//! What a user decides about a client that polls for the decision.

use oauth::grant::GrantDetails;

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

/// What became of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessAnswered {
    /// It was stored.
    Stored,
    /// The request has expired, was decided before, or does not exist.
    Closed,
    /// The epoch of the application or the user has advanced, or one of them was deleted.
    Gone,
}
