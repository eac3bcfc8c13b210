//! Allow-lists of addresses, at Hybrid Data Pipeline's paths: `/api/admin/security/whitelist/system` for the installation,
//! `/api/mgmt/security/whitelist/user` for the caller or the user in `?user=`; and those of an application.

use app::management::allow_lists::AllowListService;
use axum::response::Response;
use domain::allow_list::AllowLists;
use domain::id::ApplicationId;
use http::StatusCode;

use self::payload::AllowListPayload;
use super::acting::ActingRequest;
use super::refusal::problem;
use crate::errors::ManagementErrorCode;
use crate::extract::{Authenticated, JsonBody, Path, Use};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, json, no_content};

mod answer;
mod payload;

/// The lists of the installation.
pub(crate) async fn of_system(
    Use(lists): Use<AllowListService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let found = lists.of_system(&caller, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &answer::of(&found)))
}

/// Replaces the lists of the installation.
pub(crate) async fn set_of_system(
    Use(lists): Use<AllowListService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<AllowListPayload>,
) -> Result<Response, ManagementProblem> {
    lists.of_system(&caller, &origin).await.map_err(problem)?;
    let AllowListPayload(new) = body.valid()?;
    lists.set_of_system(&caller, new.clone(), &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &answer::of(&new)))
}

/// Deletes the lists of the installation.
pub(crate) async fn delete_of_system(
    Use(lists): Use<AllowListService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    lists.set_of_system(&caller, AllowLists::default(), &origin).await.map_err(problem)?;
    Ok(no_content())
}

/// The lists of a user.
pub(crate) async fn of_user(
    acting: ActingRequest,
    Use(lists): Use<AllowListService>,
) -> Result<Response, ManagementProblem> {
    acting.query.only(&["user"])?;
    let actor = acting.actor(ManagementErrorCode::Unavailable).await?;
    let found = lists.of_user(&actor, &acting.origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &answer::of(&found)))
}

/// Replaces the lists of a user.
pub(crate) async fn set_of_user(
    acting: ActingRequest,
    Use(lists): Use<AllowListService>,
    body: JsonBody<AllowListPayload>,
) -> Result<Response, ManagementProblem> {
    acting.query.only(&["user"])?;
    let actor = acting.actor(ManagementErrorCode::Unavailable).await?;
    lists.of_user(&actor, &acting.origin).await.map_err(problem)?;
    let AllowListPayload(new) = body.valid()?;
    lists.set_of_user(&actor, new.clone(), &acting.origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &answer::of(&new)))
}

/// Deletes the lists of a user.
pub(crate) async fn delete_of_user(
    acting: ActingRequest,
    Use(lists): Use<AllowListService>,
) -> Result<Response, ManagementProblem> {
    acting.query.only(&["user"])?;
    let actor = acting.actor(ManagementErrorCode::DeleteFailed).await?;
    lists.set_of_user(&actor, AllowLists::default(), &acting.origin).await.map_err(problem)?;
    Ok(no_content())
}

/// The lists of an application.
pub(crate) async fn of_application(
    acting: ActingRequest,
    Use(lists): Use<AllowListService>,
    Path((id,)): Path<(ApplicationId,)>,
) -> Result<Response, ManagementProblem> {
    acting.query.only(&["user"])?;
    let actor = acting.actor(ManagementErrorCode::Unavailable).await?;
    let found = lists.of_application(&actor, id, &acting.origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &answer::of(&found)))
}

/// Replaces the lists of an application.
pub(crate) async fn set_of_application(
    acting: ActingRequest,
    Use(lists): Use<AllowListService>,
    Path((id,)): Path<(ApplicationId,)>,
    body: JsonBody<AllowListPayload>,
) -> Result<Response, ManagementProblem> {
    acting.query.only(&["user"])?;
    let actor = acting.actor(ManagementErrorCode::Unavailable).await?;
    lists.of_application(&actor, id, &acting.origin).await.map_err(problem)?;
    let AllowListPayload(new) = body.valid()?;
    lists.set_of_application(&actor, id, new.clone(), &acting.origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &answer::of(&new)))
}

/// Deletes the lists of an application.
pub(crate) async fn delete_of_application(
    acting: ActingRequest,
    Use(lists): Use<AllowListService>,
    Path((id,)): Path<(ApplicationId,)>,
) -> Result<Response, ManagementProblem> {
    acting.query.only(&["user"])?;
    let actor = acting.actor(ManagementErrorCode::DeleteFailed).await?;
    lists.set_of_application(&actor, id, AllowLists::default(), &acting.origin).await.map_err(problem)?;
    Ok(no_content())
}
