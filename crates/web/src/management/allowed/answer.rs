//! The wire form of an allowed application.

use oauth::grant::Allowed;
use oauth::scope::ScopeRegistry;
use serde::Serialize;

/// An application that a user has allowed.
#[derive(Serialize)]
pub(super) struct AllowedApplication {
    id: i64,
    name: String,
    scopes: Vec<String>,
}

impl AllowedApplication {
    /// The response about what a user has allowed; the registry names the scopes.
    pub(super) fn new(allowed: Allowed, registry: &ScopeRegistry) -> Self {
        Self { id: allowed.application.get(), scopes: registry.names(&allowed.scopes), name: allowed.name }
    }
}
