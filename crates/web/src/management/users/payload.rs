//! The payload about a user.

use app::management::users::{Expiry, UserDraft};
use domain::account::attributes::{Attribute, UserAttributes};
use domain::id::RoleId;
use domain::secret::Password;
use domain::time::Timestamp;

use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::from_rfc3339;

/// The payload for creating and changing a user.
#[derive(Debug, Default)]
pub(crate) struct UserPayload {
    name: Option<String>,
    active: Option<bool>,
    locked: Option<bool>,
    password: Option<Password>,
    /// `passwordStatus` 0: the password is no longer accepted.
    password_ended: bool,
    password_expiry: Option<Expiry>,
    roles: Option<Vec<RoleId>>,
    attributes: Option<UserAttributes>,
}

impl UserPayload {
    /// The requested change. A new password without an expiry never expires, whatever the old one did.
    pub(super) fn draft(&self, now: Timestamp) -> UserDraft {
        let fresh = self.password.is_some().then_some(Expiry::Never);
        let password_expiry = match self.password_expiry.or(fresh) {
            Some(Expiry::At(end)) if self.password_ended => Some(Expiry::At(end.min(now))),
            _ if self.password_ended => Some(Expiry::At(now)),
            given => given,
        };
        UserDraft {
            name: self.name.clone(),
            password: self.password.clone(),
            active: self.active,
            password_expiry,
            roles: self.roles.clone(),
            attributes: self.attributes.clone(),
            locked: self.locked,
        }
    }
}

impl FromJson for UserPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        Self::read(Fields::of(json, "", faults))
    }
}

impl UserPayload {
    /// Reads the members of a user.
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let mut payload = Self::default();
        fields.ignore(&["id"]);
        payload.name = fields.string("userName").map(str::to_owned);
        if let Some(mut status) = fields.object("statusInfo") {
            payload.active = zero_or_one(&mut status, "status");
            payload.locked = status.boolean("accountLocked");
            status.finish();
        }
        if let Some(mut password) = fields.object("passwordInfo") {
            payload.password = password.string("password").map(Password::new);
            payload.password_ended = zero_or_one(&mut password, "passwordStatus") == Some(false);
            payload.password_expiry = expiry(&mut password);
            password.finish();
        }
        if let Some(mut permissions) = fields.object("permissions") {
            payload.roles =
                permissions.integers("roles").map(|roles| roles.into_iter().map(RoleId::new).collect());
            permissions.finish();
        }
        payload.attributes = fields.object("attributes").map(attributes);
        fields.finish();
        payload
    }
}

/// All attributes; one that is omitted, null or empty is removed.
fn attributes(mut fields: Fields<'_>) -> UserAttributes {
    let mut attributes = UserAttributes::default();
    let mut read = |fields: &mut Fields<'_>, of_address: bool| {
        for attribute in Attribute::ALL.iter().filter(|one| one.is_of_address() == of_address) {
            if let Some(value) = fields.string(attribute.member()) {
                attributes.set(*attribute, value);
            }
        }
    };
    read(&mut fields, false);
    if let Some(mut address) = fields.object("address") {
        read(&mut address, true);
        address.finish();
    }
    attributes.email_verified = fields.boolean("emailVerified").unwrap_or(false);
    attributes.phone_number_verified = fields.boolean("phoneNumberVerified").unwrap_or(false);
    fields.finish();
    attributes
}

fn zero_or_one(fields: &mut Fields<'_>, name: &'static str) -> Option<bool> {
    match fields.integer(name)? {
        0 => Some(false),
        1 => Some(true),
        other => {
            fields.fault(name, format!("must be 0 or 1, not {other}"));
            None
        }
    }
}

fn expiry(fields: &mut Fields<'_>) -> Option<Expiry> {
    const NAME: &str = "passwordExpiration";
    let text = fields.string(NAME);
    if !fields.has(NAME) {
        return None;
    }
    let Some(text) = text else { return Some(Expiry::Never) };
    let end = from_rfc3339(text);
    if end.is_none() {
        fields.fault(NAME, "must be null or a time such as 2030-12-31T00:00:00Z");
    }
    end.map(Expiry::At)
}
