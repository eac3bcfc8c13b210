//! Which tokens an application may exchange ([RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)).

use serde::{Deserialize, Serialize};

/// The policy of an application for the token exchange. Without one, it exchanges nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenExchangePolicy {
    /// The client ids of the applications whose tokens it may exchange; its own are not included by themselves.
    pub clients: Vec<String>,
    /// Whether it may act as the subject, so that nobody sees that it acts.
    pub impersonation: bool,
    /// Whether it may act for the subject, as an actor that the token names.
    pub delegation: bool,
    /// The names of the scopes that it may get at most; those of its registration if there are none.
    pub scopes: Vec<String>,
    /// The absolute URLs of further resources and audiences for which it may get tokens.
    pub resources: Vec<String>,
}

impl TokenExchangePolicy {
    /// Whether it allows nothing.
    pub fn is_off(&self) -> bool {
        !self.impersonation && !self.delegation
    }
}
