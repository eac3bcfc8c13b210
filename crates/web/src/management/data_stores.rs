//! `/api/mgmt/datastores`: the kinds of database.

use app::management::data_sources::{DataSourceService, DataStore, OptionSchema, ValueKind};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::list;
use crate::extract::{Authenticated, Path, QueryParameters, Use};
use crate::respond::management::{ManagementProblem, json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataStoreList {
    data_stores: Vec<StoreResponse>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoreResponse {
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
            ValueKind::Text { longest } | ValueKind::Declaration { longest, .. } => {
                (Some(longest), None, None, None)
            }
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

/// Every kind of database.
pub(crate) async fn list(
    Use(sources): Use<DataSourceService>,
    Authenticated(_): Authenticated,
    query: QueryParameters,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let stores = sources.data_stores().stores();
    let stores = list::part(&request, &stores, |store| store.id, |store| vec![store.name.to_owned()]);
    Ok(json(
        StatusCode::OK,
        &DataStoreList { data_stores: stores.into_iter().map(|store| (*store).into()).collect() },
    ))
}

/// One kind of database.
pub(crate) async fn get(
    Use(sources): Use<DataSourceService>,
    Authenticated(_): Authenticated,
    Path((id,)): Path<(i64,)>,
) -> Result<Response, ManagementProblem> {
    let store = sources.data_stores().store(id).ok_or_else(ManagementProblem::not_found)?;
    Ok(json(StatusCode::OK, &StoreResponse::from(store)))
}
