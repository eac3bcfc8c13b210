//! `/api/admin/limits`: the numbered limits of the system.

use app::management::limits::LimitService;
use axum::response::Response;
use domain::limit::Limit;
use http::StatusCode;

use self::answer::{LimitDescription, LimitList, LimitValue};
use self::payload::LimitPayload;
use super::list;
use super::refusal::problem;
use crate::extract::Use;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, json, no_content};

mod answer;
mod payload;

/// Lists every limit with its default and its range.
pub(crate) async fn describe(
    Use(limits): Use<LimitService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    limits.may_see(&caller, &origin).await.map_err(problem)?;
    let limits = list::part(
        &request,
        Limit::ALL.iter().copied(),
        |limit| limit.id(),
        |limit| vec![limit.as_str().to_owned()],
    );
    Ok(json(StatusCode::OK, &LimitList { limits: limits.into_iter().map(LimitDescription::from).collect() }))
}

/// Lists every limit with its current value.
pub(crate) async fn list(
    Use(limits): Use<LimitService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let limits = limits.list(&caller, &origin).await.map_err(problem)?;
    let name = |(limit, _): &(Limit, i64)| vec![limit.as_str().to_owned()];
    let limits = list::part(&request, limits, |(limit, _)| limit.id(), name);
    Ok(json(StatusCode::OK, &LimitList { limits: limits.into_iter().map(LimitValue::from).collect() }))
}

/// The value of one limit, or its default.
pub(crate) async fn get(
    Use(limits): Use<LimitService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(i64,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let limit = limits.find(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &LimitValue::from(limit)))
}

/// Sets a limit, by POST or by PUT.
pub(crate) async fn set(
    Use(limits): Use<LimitService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(i64,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<LimitPayload>,
) -> Result<Response, ManagementProblem> {
    limits.find(&caller, id, &origin).await.map_err(problem)?;
    let LimitPayload(value) = body.valid()?;
    let set = limits.set(&caller, id, value.unwrap_or_default(), &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &LimitValue::from(set)))
}

/// Resets a limit to its default.
pub(crate) async fn reset(
    Use(limits): Use<LimitService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(i64,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    limits.reset(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
