//! The wire form of a user.

use domain::account::User;
use domain::time::Timestamp;
use serde::Serialize;

use crate::respond::management::rfc3339;

/// A user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserResponse {
    id: i64,
    user_name: String,
    status_info: StatusInfo,
    password_info: PasswordInfo,
    permissions: Permissions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusInfo {
    status: u8,
    account_locked: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PasswordInfo {
    password_status: u8,
    password_expiration: Option<String>,
}

#[derive(Serialize)]
struct Permissions {
    roles: Vec<i64>,
}

/// The response about a user.
pub(super) fn response(user: &User, now: Timestamp) -> UserResponse {
    let expired = user.password_expires_at.is_some_and(|end| end.is_past(now));
    UserResponse {
        id: user.id.get(),
        user_name: user.name.clone(),
        status_info: StatusInfo { status: user.active.into(), account_locked: user.lockout.is_locked(now) },
        password_info: PasswordInfo {
            password_status: (!expired).into(),
            password_expiration: user.password_expires_at.map(rfc3339),
        },
        permissions: Permissions { roles: user.roles.iter().map(|role| role.get()).collect() },
    }
}
