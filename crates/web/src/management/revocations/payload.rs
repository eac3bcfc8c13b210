//! The payload of a revocation.

use app::management::global_revocation::AccessOf;
use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;

use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::{Detail, from_rfc3339};

/// What to revoke: a user, an application, both, or an instant.
#[derive(Debug)]
pub(crate) struct RevocationPayload {
    user: Option<UserId>,
    application: Option<ApplicationId>,
    issued_before: Option<Timestamp>,
}

impl FromJson for RevocationPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let payload = Self {
            user: fields.integer("user").map(UserId::new),
            application: fields.integer("application").map(ApplicationId::new),
            issued_before: instant(&mut fields),
        };
        fields.finish();
        payload
    }
}

fn instant(fields: &mut Fields<'_>) -> Option<Timestamp> {
    const NAME: &str = "issuedBefore";
    let text = fields.string(NAME)?;
    let instant = from_rfc3339(text);
    if instant.is_none() {
        fields.fault(NAME, "must be a time such as 2030-12-31T00:00:00Z");
    }
    instant
}

impl RevocationPayload {
    /// What it names.
    pub(super) fn access(&self) -> Result<AccessOf, Vec<Detail>> {
        match (self.user, self.application, self.issued_before) {
            (Some(user), None, None) => Ok(AccessOf::User(user)),
            (None, Some(application), None) => Ok(AccessOf::Application(application)),
            (Some(user), Some(application), None) => Ok(AccessOf::UserAtApplication { user, application }),
            (None, None, Some(instant)) => Ok(AccessOf::IssuedBefore(instant)),
            _ => {
                let message = "must have user, application, both of them, or only issuedBefore".to_owned();
                Err(vec![Detail { field: String::new(), message }])
            }
        }
    }
}
