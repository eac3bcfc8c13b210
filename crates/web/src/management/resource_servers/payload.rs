//! The payload about a resource server.

use app::management::scopes::ResourceServerDraft;

use super::super::refusal::judged;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::Detail;

/// The payload for creating and replacing a resource server.
#[derive(Debug)]
pub(crate) struct ResourceServerPayload(ResourceServerDraft);

impl FromJson for ResourceServerPayload {
    /// Members that only the server sets may be sent back.
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["id", "builtIn", "createdAt", "updatedAt"]);
        let identifier = fields.required_string("identifier").unwrap_or_default().to_owned();
        let name = fields.required_string("name").unwrap_or_default().to_owned();
        fields.finish();
        Self(ResourceServerDraft { identifier, name })
    }
}

impl ResourceServerPayload {
    pub(super) fn draft(&self) -> Result<ResourceServerDraft, Vec<Detail>> {
        judged(self.0.faults()).map(|()| self.0.clone())
    }
}
