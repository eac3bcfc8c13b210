//! `/api/admin/trustedissuers`: other servers whose assertions and access tokens are accepted.

use app::management::trusted_issuers::TrustedIssuerService;
use axum::response::Response;
use domain::id::TrustedIssuerId;
use http::StatusCode;
use oauth::trusted_issuer::TrustedIssuer;

use self::answer::{TrustedIssuerList, TrustedIssuerResponse};
use self::payload::TrustedIssuerPayload;
use super::list;
use super::refusal::problem;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters, Use};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, created, json, no_content};

mod answer;
mod payload;

const PATH: &str = "/api/admin/trustedissuers";

/// Lists the trusted issuers, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(issuers): Use<TrustedIssuerService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let all = issuers.list(&caller, &origin).await.map_err(problem)?;
    let texts = |issuer: &TrustedIssuer| vec![issuer.issuer.clone()];
    let part = list::part(&request, all, |issuer| issuer.id.get(), texts);
    let trusted_issuers = part.into_iter().map(TrustedIssuerResponse::from).collect();
    Ok(json(StatusCode::OK, &TrustedIssuerList { trusted_issuers }))
}

/// One trusted issuer.
pub(crate) async fn get(
    Use(issuers): Use<TrustedIssuerService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(TrustedIssuerId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let issuer = issuers.find(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &TrustedIssuerResponse::from(issuer)))
}

/// Adds a trusted issuer.
pub(crate) async fn create(
    Use(issuers): Use<TrustedIssuerService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<TrustedIssuerPayload>,
) -> Result<Response, ManagementProblem> {
    issuers.may_manage(&caller, &origin).await.map_err(problem)?;
    let new = body.judged(TrustedIssuerPayload::content)?;
    let issuer = issuers.create(&caller, new, &origin).await.map_err(problem)?;
    Ok(created(&format!("{PATH}/{}", issuer.id), &TrustedIssuerResponse::from(issuer)))
}

/// Replaces a trusted issuer.
pub(crate) async fn update(
    Use(issuers): Use<TrustedIssuerService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(TrustedIssuerId,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<TrustedIssuerPayload>,
) -> Result<Response, ManagementProblem> {
    issuers.find(&caller, id, &origin).await.map_err(problem)?;
    let new = body.judged(TrustedIssuerPayload::content)?;
    let issuer = issuers.update(&caller, id, new, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &TrustedIssuerResponse::from(issuer)))
}

/// Deletes a trusted issuer.
pub(crate) async fn delete(
    Use(issuers): Use<TrustedIssuerService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(TrustedIssuerId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    issuers.delete(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
