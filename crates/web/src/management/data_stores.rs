//! `/api/mgmt/datastores`: the kinds of database.

use app::management::data_sources::DataSourceService;
use axum::response::Response;
use http::StatusCode;

use self::answer::{DataStoreList, StoreResponse};
use super::list;
use crate::extract::{Authenticated, Path, QueryParameters, Use};
use crate::respond::management::{ManagementProblem, json};

mod answer;

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
