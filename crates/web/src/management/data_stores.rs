//! `/api/mgmt/datastores`: the kinds of database.

use app::management::data_sources::{DATA_STORES, DataStore};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::list;
use crate::extract::{Authenticated, Path, QueryParameters};
use crate::respond::management::{ManagementProblem, json};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataStoreList {
    data_stores: Vec<StoreResponse>,
}

#[derive(Serialize)]
struct StoreResponse {
    id: i64,
    name: &'static str,
    options: &'static [&'static str],
    declarations: &'static [&'static str],
}

fn response(store: &DataStore) -> StoreResponse {
    StoreResponse { id: store.id, name: store.name, options: store.options, declarations: store.declarations }
}

/// Every kind of database.
pub(crate) async fn list(
    Authenticated(_): Authenticated,
    query: QueryParameters,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let stores = list::part(&request, DATA_STORES, |store| store.id, |store| vec![store.name.to_owned()]);
    Ok(json(StatusCode::OK, &DataStoreList { data_stores: stores.into_iter().map(response).collect() }))
}

/// One kind of database.
pub(crate) async fn get(
    Authenticated(_): Authenticated,
    Path((id,)): Path<(i64,)>,
) -> Result<Response, ManagementProblem> {
    let store = DATA_STORES.iter().find(|store| store.id == id).ok_or_else(ManagementProblem::not_found)?;
    Ok(json(StatusCode::OK, &response(store)))
}
