//! The payload about a role.

use app::management::roles::RoleDraft;

use super::super::refusal::judged;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::Detail;

/// The payload for creating and replacing a role.
#[derive(Debug)]
pub(crate) struct RolePayload(RoleDraft);

impl FromJson for RolePayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["id"]);
        let name = fields.required_string("name").unwrap_or_default().to_owned();
        let description = fields.string("description").unwrap_or_default().to_owned();
        if !fields.has("permissions") {
            fields.fault("permissions", "is required");
        }
        let permissions = fields.integers("permissions").unwrap_or_default();
        let requires_second_factor = fields.boolean("requireSecondFactor");
        fields.finish();
        Self(RoleDraft { name, description, permissions, requires_second_factor })
    }
}

impl RolePayload {
    /// The role, if it breaks no rule.
    pub(super) fn draft(&self) -> Result<RoleDraft, Vec<Detail>> {
        judged(self.0.faults()).map(|()| self.0.clone())
    }
}
