//! The payload about a limit.

use crate::json::{Fields, FromJson, Json, PayloadFaults};

/// The payload for setting a limit.
#[derive(Debug)]
pub(crate) struct LimitPayload(pub(super) Option<i64>);

impl FromJson for LimitPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["id", "name"]);
        let value = fields.required_integer("value");
        fields.finish();
        Self(value)
    }
}
