//! The payloads about trusted origins.

use app::management::trusted_origins::TrustedOriginDraft;

use crate::json::{Fields, FromJson, Json, PayloadFaults};

/// The payload for changing an entry.
#[derive(Debug)]
pub(crate) struct EntryPayload(pub(super) TrustedOriginDraft);

/// The payload for adding entries: `{"whitelist":[{"domain":"https://*.example.com","description":"…"}]}`.
#[derive(Debug)]
pub(crate) struct WhitelistPayload(pub(super) Vec<TrustedOriginDraft>);

impl FromJson for EntryPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        Self(draft(json, "", faults))
    }
}

impl FromJson for WhitelistPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["lastModifiedTime"]);
        let entries = fields.required_array("whitelist", |element, path| draft(element, path, faults));
        fields.finish();
        Self(entries)
    }
}

/// Members that only the server sets may be sent back.
fn draft(json: &Json, path: &str, faults: &PayloadFaults) -> TrustedOriginDraft {
    let mut fields = Fields::of(json, path, faults);
    fields.ignore(&["id", "lastModifiedBy", "lastModifiedTime"]);
    let draft = TrustedOriginDraft {
        domain: fields.required_string("domain").unwrap_or_default().to_owned(),
        description: fields.string("description").unwrap_or_default().to_owned(),
    };
    fields.finish();
    draft
}
