//! What a token says about the exchange that it comes from ([RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)).

use domain::account::TokenIssue;
use domain::id::{ApplicationId, Epoch, TokenId};
use serde::{Deserialize, Serialize};

/// How often a token may be exchanged one after the other, so that tokens stay small.
pub const MOST_EXCHANGES: usize = 4;

/// The exchange behind a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchanged {
    /// The subject, as `sub` of the first token.
    pub sub: String,
    /// The party that acts for the subject, if it does not impersonate it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Act>>,
    /// The tokens that were exchanged, the first one first; if one of them is revoked, so is this token.
    pub from: Vec<Ancestor>,
}

/// An actor: the claim `act` ([RFC 8693 §4.1](https://www.rfc-editor.org/rfc/rfc8693#section-4.1)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// The actor's `sub`.
    pub sub: String,
    /// The client that the actor used.
    pub client_id: String,
    /// The actor for which this one acts, if the subject token had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Act>>,
}

/// A token that was exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ancestor {
    id: [u8; 16],
    application: i64,
    epoch: i64,
}

impl Ancestor {
    /// What must be remembered of a token, so that its revocation is noticed.
    pub const fn new(id: TokenId, application: ApplicationId, epoch: Epoch) -> Self {
        Self { id: *id.as_bytes(), application: application.get(), epoch: epoch.get() }
    }

    /// The id of the token.
    pub const fn id(&self) -> TokenId {
        TokenId::from_bytes(self.id)
    }

    /// The application to which it was issued.
    pub const fn application(&self) -> ApplicationId {
        ApplicationId::new(self.application)
    }

    /// The application's epoch when it was issued.
    pub const fn epoch(&self) -> Epoch {
        Epoch::new(self.epoch)
    }

    /// All of it.
    pub const fn issue(&self) -> TokenIssue {
        TokenIssue { id: self.id(), application: self.application(), epoch: self.epoch() }
    }
}
