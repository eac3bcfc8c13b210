//! The wire form of a kind of database.

use app::management::data_sources::{DataStore, OptionSchema, ValueKind};
use serde::Serialize;

/// A list of kinds of database.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataStoreList {
    pub(super) data_stores: Vec<StoreResponse>,
}

/// A kind of database and its options.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreResponse {
    id: i64,
    name: &'static str,
    options: Vec<&'static str>,
    declarations: Vec<&'static str>,
    option_schemas: Vec<OptionResponse>,
}

/// What an option is for, and its possible values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OptionResponse {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    description: &'static str,
    required: bool,
    secret: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<&'static [&'static str]>,
}

impl From<&'static DataStore> for StoreResponse {
    fn from(store: &'static DataStore) -> Self {
        Self {
            id: store.id,
            name: store.name,
            options: store.texts().collect(),
            declarations: store.declarations().collect(),
            option_schemas: store.options.iter().map(OptionResponse::from).collect(),
        }
    }
}

impl From<&'static OptionSchema> for OptionResponse {
    fn from(option: &'static OptionSchema) -> Self {
        let (max_length, minimum, maximum, choices) = match option.value {
            ValueKind::Text { longest }
            | ValueKind::Certificates { longest }
            | ValueKind::Declaration { longest, .. } => (Some(longest), None, None, None),
            ValueKind::Integer { min, max } => (None, Some(min), Some(max), None),
            ValueKind::Choice(words) => (None, None, None, Some(words)),
            ValueKind::Host | ValueKind::Port => (None, None, None, None),
        };
        Self {
            name: option.name,
            kind: option.value.name(),
            description: option.description,
            required: option.required,
            secret: option.secret,
            default: option.default,
            max_length,
            minimum,
            maximum,
            choices,
        }
    }
}
