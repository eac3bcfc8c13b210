//! The payload about a scope.

use app::management::scopes::ScopeDraft;

use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::management::refusal::judged;
use crate::respond::management::Detail;

/// The payload for creating and replacing a scope.
#[derive(Debug)]
pub(crate) struct ScopePayload(ScopeDraft);

impl FromJson for ScopePayload {
    /// Members that only the server sets may be sent back.
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["id", "builtIn", "createdAt", "updatedAt"]);
        let name = fields.required_string("name").unwrap_or_default().to_owned();
        let description = fields.required_string("description").unwrap_or_default().to_owned();
        let risk = fields.string("risk").map(str::to_owned);
        let assignable_by = fields.string("assignableBy").map(str::to_owned);
        let implies = fields.strings("implies").unwrap_or_default();
        let implies = implies.into_iter().map(str::to_owned).collect();
        fields.finish();
        Self(ScopeDraft { name, description, risk, assignable_by, implies })
    }
}

impl ScopePayload {
    pub(super) fn draft(&self) -> Result<ScopeDraft, Vec<Detail>> {
        judged(self.0.faults()).map(|()| self.0.clone())
    }
}
