//! The wire form of a role.

use domain::account::Role;
use serde::Serialize;

/// A role.
#[derive(Serialize)]
pub(super) struct RoleResponse {
    id: i64,
    name: String,
    description: String,
    permissions: Vec<i64>,
    /// Absent if it is not so, as in Hybrid Data Pipeline.
    #[serde(rename = "requireSecondFactor", skip_serializing_if = "std::ops::Not::not")]
    require_second_factor: bool,
}

impl From<Role> for RoleResponse {
    fn from(role: Role) -> Self {
        Self {
            id: role.id.get(),
            name: role.name,
            description: role.description,
            permissions: role.permissions.iter().map(|permission| permission.id()).collect(),
            require_second_factor: role.requires_second_factor,
        }
    }
}
