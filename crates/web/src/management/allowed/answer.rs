//! The wire form of an allowed application.

use oauth::grant::Allowed;
use oauth::scope::BuiltInScope;
use serde::Serialize;

/// An application that a user has allowed.
#[derive(Serialize)]
pub(super) struct AllowedApplication {
    id: i64,
    name: String,
    scopes: Vec<&'static str>,
}

impl From<Allowed> for AllowedApplication {
    fn from(allowed: Allowed) -> Self {
        Self {
            id: allowed.application.get(),
            name: allowed.name,
            scopes: allowed.scopes.iter().map(BuiltInScope::as_str).collect(),
        }
    }
}
