//! `/api/odata4`: reading and changing data over OData V4.
//!
//! A handler authenticates the caller, determines the version, splits the address and passes the rest to
//! [`DataService::read`]. The bytes of the response are passed through unchanged.
//!
//! [`DataService::read`]: app::data::DataService::read

pub(crate) mod address;
mod answer;
pub(crate) mod batch;
mod caller;
mod catalogue;
mod change;
mod data_caller;
pub(crate) mod headers;
mod posted;
mod repeatability;
mod rows;

use std::sync::Arc;

use app::data::DataService;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use http::header::HeaderValue;
use http::request::Parts;

use crate::WebState;
use crate::extract::Use;
use crate::respond::odata::ODataProblem;
use answer::ODATA_VERSION;
use caller::Requester;
use data_caller::DataCaller;
use headers::Version;
use posted::Posted;

/// `GET /api/odata4/…`: the sources that the caller may read, or the resource that the rest of the address names.
pub async fn read(Use(data): Use<DataService>, requester: Requester, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let posted = address::split(&parts.uri).map_or(Posted::Change, |address| Posted::of(address.rest));
    if posted != Posted::Change {
        return wrong_method(&parts);
    }
    match DataCaller::of(requester, data) {
        Ok(data_caller) => {
            let response = data_caller.read(&parts, Ok(None)).await;
            data_caller.coded(response, &parts.headers)
        }
        Err(refused) => refused.answer(&parts),
    }
}

/// `POST /api/odata4/{source}/…`: a batch, a read with its options in the body, or a change; with another method a change.
pub async fn post(State(state): State<WebState>, Use(data): Use<DataService>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let posted = address::split(&parts.uri).map_or(Posted::Change, |address| Posted::of(address.rest));
    let is_batch = posted == Posted::Batch;
    let is_post = parts.method == http::Method::POST && !parts.headers.contains_key("x-http-method");
    if posted != Posted::Change && !is_post {
        return wrong_method(&parts);
    }
    let most = if posted == Posted::Change { change::MOST_BYTES } else { odata::url::MAX_LENGTH };
    let Ok(requester) = Requester::from_request_parts(&mut parts, &state).await;
    let data_caller = match DataCaller::of(requester, data) {
        Ok(data_caller) => Arc::new(data_caller),
        Err(refused) => return refused.answer(&parts),
    };
    let answer = match (is_batch, Version::of(&parts.headers)) {
        (_, Err(problem)) => Err(problem),
        (true, Ok(version)) => {
            let answer = batch::answer(&state, &data_caller, &parts, body).await;
            answer.map(|mut response| {
                response.headers_mut().insert(ODATA_VERSION, HeaderValue::from_static(version.as_str()));
                response
            })
        }
        (false, Ok(_)) => match crate::http::body::read(body, most).await {
            Ok(bytes) => Ok(data_caller.answer(&parts, &bytes, &[]).await),
            Err(unread) => Err(ODataProblem::new(unread.status(), "BadRequest", unread.to_string())),
        },
    };
    let response = answer.unwrap_or_else(|problem| data_caller.refuse(problem, &parts));
    data_caller.coded(response, &parts.headers)
}

fn wrong_method(parts: &Parts) -> Response {
    let rest = address::split(&parts.uri).map(|address| address.rest).unwrap_or_default();
    posted::wrong_method(&parts.method, &parts.headers, rest)
}

/// The refusal of a method for which there is no route.
pub(crate) fn without_route<B>(request: &http::Request<B>) -> Response {
    let rest = address::split(request.uri()).map(|address| address.rest).unwrap_or_default();
    posted::wrong_method(request.method(), request.headers(), rest)
}
