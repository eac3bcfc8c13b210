//! The wire form of a data source.

use std::collections::BTreeMap;

use app::management::data_sources::{
    DataStore, OptionSchema, SeenModel, SeenSource, SharedUser, SourceTest, TestCode,
};
use domain::account::Permission;
use odata::model::document::ModelDocument;
use odata::model::{Finding, Model};
use serde::{Serialize, Serializer};

use crate::json::{Json, parse};
use crate::respond::management::rfc3339;

/// A data source as an element of a list.
pub(super) struct Listed(pub(super) SeenSource);

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SourceResponse::from(&self.0).serialize(serializer)
    }
}

/// A data source; only those who manage it see the location of its database.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceResponse<'a> {
    id: i64,
    name: &'a str,
    data_store: i64,
    connection_type: &'static str,
    is_group: bool,
    description: &'a str,
    options: BTreeMap<&'a str, OptionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_authentication_age: Option<i64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    require_second_factor: bool,
    writable: bool,
    created_at: String,
    updated_at: String,
    created_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    handed_over_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handed_over_at: Option<String>,
}

impl<'a> From<&'a SeenSource> for SourceResponse<'a> {
    fn from(seen: &'a SeenSource) -> Self {
        let record = &seen.record;
        let options = record.options.iter().filter(|_| seen.manages);
        Self {
            id: record.id.get(),
            name: &record.name,
            data_store: record.data_store,
            connection_type: "Cloud",
            is_group: record.is_group(),
            description: &record.description,
            options: options.map(|(key, value)| (key.as_str(), response(seen.store, key, value))).collect(),
            max_authentication_age: record.max_authentication_age,
            require_second_factor: record.requires_second_factor,
            writable: record.writable,
            created_at: rfc3339(record.created_at),
            updated_at: rfc3339(record.updated_at),
            created_by: seen.created_by(),
            handed_over_to: record.handed_over.as_ref().map(|_| seen.owner_name.as_str()),
            handed_over_at: record.handed_over.as_ref().map(|handover| rfc3339(handover.at)),
        }
    }
}

/// The value of an option: a string, or the object of a declaration.
#[derive(Serialize)]
#[serde(untagged)]
enum OptionResponse<'a> {
    Text(&'a str),
    Object(Json),
}

fn response<'a>(store: Option<&DataStore>, key: &str, value: &'a str) -> OptionResponse<'a> {
    let option = store.and_then(|store| store.option(key));
    let is_declaration = option.is_some_and(OptionSchema::is_declaration);
    match parse(value.as_bytes()) {
        Ok(json @ Json::Object(_)) if is_declaration => OptionResponse::Object(json),
        _ => OptionResponse::Text(value),
    }
}

/// The document of a model, for those who manage the data source, and a summary of the compiled model.
#[derive(Serialize)]
pub(super) struct ModelResponse<'a> {
    #[serde(flatten)]
    document: Option<&'a ModelDocument>,
    #[serde(flatten)]
    compiled: Option<CompiledResponse<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CompiledResponse<'a> {
    version: String,
    entity_sets: Vec<&'a str>,
    findings: Vec<FindingResponse<'a>>,
}

/// The findings of a model.
#[derive(Serialize)]
pub(super) struct FindingsResponse<'a> {
    findings: Vec<FindingResponse<'a>>,
}

impl<'a> From<&'a Model> for FindingsResponse<'a> {
    fn from(model: &'a Model) -> Self {
        Self { findings: model.findings.iter().map(FindingResponse::from).collect() }
    }
}

#[derive(Serialize)]
struct FindingResponse<'a> {
    subject: &'a str,
    message: &'a str,
}

impl<'a> From<&'a Finding> for FindingResponse<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self { subject: &finding.subject, message: &finding.message }
    }
}

impl<'a> From<&'a SeenModel> for ModelResponse<'a> {
    fn from(seen: &'a SeenModel) -> Self {
        let document = seen.document.as_ref();
        // Findings name what is hidden from everybody else.
        let compiled = |model: &'a Model| CompiledResponse {
            version: format!("{:016x}", model.version),
            entity_sets: model.entity_types.iter().map(|entity| entity.name.as_str()).collect(),
            findings: model
                .findings
                .iter()
                .filter(|_| document.is_some())
                .map(FindingResponse::from)
                .collect(),
        };
        Self { document, compiled: seen.compiled.as_deref().map(compiled) }
    }
}

/// The result of a test.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestResponse<'a> {
    ok: bool,
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tables: Option<usize>,
    findings: Vec<FindingResponse<'a>>,
}

impl<'a> From<&'a SourceTest> for TestResponse<'a> {
    fn from(test: &'a SourceTest) -> Self {
        Self {
            ok: test.code == TestCode::Usable,
            code: test.code.as_str(),
            message: &test.message,
            server: test.product.as_deref(),
            tables: test.tables,
            findings: test.findings.iter().map(FindingResponse::from).collect(),
        }
    }
}

/// A user with whom a source is shared.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserResponse {
    user_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    permissions: [i64; 2],
}

impl From<SharedUser> for UserResponse {
    fn from((id, user_name): SharedUser) -> Self {
        let permissions = [Permission::ViewDataSource.id(), Permission::UseDataSourceWithOData.id()];
        Self { user_id: id.get(), user_name, permissions }
    }
}
