//! The wire form of a user.

use domain::account::User;
use domain::account::attributes::{Attribute, UserAttributes};
use domain::account::second_factor::SecondFactor;
use domain::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

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
    /// Absent if nothing is known, as in Hybrid Data Pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Value>,
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

/// The second factor of a user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecondFactorResponse {
    enrolled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolled_at: Option<String>,
    recovery_codes_left: u32,
}

/// The response about the second factor of a user, who may have none.
pub(super) fn second_factor(found: Option<&SecondFactor>) -> SecondFactorResponse {
    SecondFactorResponse {
        enrolled: found.is_some(),
        enrolled_at: found.map(|factor| rfc3339(factor.created_at)),
        recovery_codes_left: found.map_or(0, |factor| factor.recovery_codes),
    }
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
        attributes: user.attributes.as_deref().map(attributes),
    }
}

/// The attributes that have a value, in the form of the payload.
fn attributes(attributes: &UserAttributes) -> Value {
    let given = |of_address: bool| -> Map<String, Value> {
        let attributes = Attribute::ALL
            .iter()
            .filter(|one| one.is_of_address() == of_address)
            .filter_map(|one| Some((one.member().to_owned(), Value::from(attributes.get(*one)?))));
        attributes.collect()
    };
    let (mut members, address) = (given(false), given(true));
    if members.contains_key("email") {
        members.insert("emailVerified".to_owned(), attributes.email_verified.into());
    }
    if members.contains_key("phoneNumber") {
        members.insert("phoneNumberVerified".to_owned(), attributes.phone_number_verified.into());
    }
    if !address.is_empty() {
        members.insert("address".to_owned(), address.into());
    }
    members.into()
}
