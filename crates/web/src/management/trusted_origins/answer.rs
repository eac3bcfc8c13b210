//! The wire form of trusted origins.

use oauth::cors::TrustedOrigin;
use serde::Serialize;

use crate::respond::management::rfc3339;

/// Several entries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whitelist {
    /// When an entry was last added or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_modified_time: Option<String>,
    pub(super) whitelist: Vec<Entry>,
}

/// One entry.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    id: i64,
    domain: String,
    description: String,
    last_modified_by: String,
    last_modified_time: String,
}

impl From<TrustedOrigin> for Entry {
    fn from(entry: TrustedOrigin) -> Self {
        Self {
            id: entry.id.get(),
            domain: entry.domain,
            description: entry.description,
            last_modified_by: entry.modified_by,
            last_modified_time: rfc3339(entry.modified_at),
        }
    }
}

impl From<Vec<TrustedOrigin>> for Whitelist {
    fn from(entries: Vec<TrustedOrigin>) -> Self {
        let last_modified_time = last_modified_time(&entries);
        Self { last_modified_time, whitelist: entries.into_iter().map(Entry::from).collect() }
    }
}

/// When any of the entries was last added or changed.
pub(super) fn last_modified_time(entries: &[TrustedOrigin]) -> Option<String> {
    entries.iter().map(|entry| entry.modified_at).max().map(rfc3339)
}
