//! The wire form of a scope.

use app::management::scopes::DescribedScope;
use serde::Serialize;

use crate::respond::management::rfc3339;

/// A scope.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScopeResponse {
    id: i64,
    name: String,
    description: String,
    risk: &'static str,
    assignable_by: &'static str,
    implies: Vec<String>,
    built_in: bool,
    created_at: String,
    updated_at: String,
}

impl From<DescribedScope> for ScopeResponse {
    fn from(DescribedScope { scope, implies }: DescribedScope) -> Self {
        Self {
            id: scope.id.get(),
            built_in: scope.is_built_in(),
            name: scope.name,
            description: scope.description,
            risk: scope.risk.as_str(),
            assignable_by: scope.assignment.as_str(),
            implies,
            created_at: rfc3339(scope.created_at),
            updated_at: rfc3339(scope.updated_at),
        }
    }
}

/// A list of scopes.
#[derive(Serialize)]
pub(super) struct ScopeList {
    pub(super) scopes: Vec<ScopeResponse>,
}
