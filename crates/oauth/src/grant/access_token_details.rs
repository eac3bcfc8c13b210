//! What an access token carries besides its scopes.

use serde::{Deserialize, Serialize};

use super::Exchanged;
use super::details_json::{UnreadableDetails, from_json, to_json};
use crate::data_access::DataAccess;

/// The parts of a [`GrantDetails`](super::GrantDetails) that limit an access token, and what describes the token alone.
/// It is smaller, because each request copies it. It is written as one JSON object; an absent member has its default.
///
/// A member that this version does not know makes the whole unreadable: it may restrict the access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessTokenDetails {
    /// As in [`GrantDetails::resources`](super::GrantDetails::resources), possibly fewer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// As in [`GrantDetails::data`](super::GrantDetails::data), possibly less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<DataAccess>>,
    /// The exchange that the token comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanged: Option<Box<Exchanged>>,
}

impl AccessTokenDetails {
    /// The details of an access that is limited to resources, without anything else.
    pub fn limited_to(resources: Vec<String>) -> Self {
        Self { resources, ..Self::default() }
    }

    /// The JSON object; `None` if every member has its default.
    pub fn to_json(&self) -> Option<String> {
        to_json(self)
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_json(json: &str) -> Result<Self, UnreadableDetails> {
        from_json(json)
    }
}
