//! The wire form of permissions.

use domain::account::Permission;
use serde::Serialize;

/// A list of permissions.
#[derive(Serialize)]
pub(super) struct PermissionList {
    pub(super) permissions: Vec<PermissionResponse>,
}

/// A permission as an element of a list.
#[derive(Serialize)]
pub(super) struct PermissionResponse {
    id: i64,
    name: &'static str,
}

impl From<Permission> for PermissionResponse {
    fn from(permission: Permission) -> Self {
        Self { id: permission.id(), name: permission.as_str() }
    }
}
