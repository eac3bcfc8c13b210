//! `/api/admin/users`: user accounts.

use app::management::users::UserService;
use app::management::users::{PossessionsAction, UserDraft};
use app::node::NodeService;
use axum::response::Response;
use domain::id::UserId;
use http::StatusCode;

use self::answer::response;
use self::payload::UserPayload;
use super::list;
use super::refusal::{judged, problem, server};
use crate::extract::Use;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{Detail, ManagementProblem, created, json, no_content};

mod answer;
pub(crate) mod links;
mod payload;
pub(crate) mod sessions;

/// Lists users by id.
pub(crate) async fn list(
    Use(users): Use<UserService>,
    Use(node): Use<NodeService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let users = users.rows(&caller, request, &origin).await.map_err(problem)?;
    let now = node.now();
    list::answer("users", users, move |user| response(&user, now), server).await
}

/// One user.
pub(crate) async fn get(
    Use(users): Use<UserService>,
    Use(node): Use<NodeService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let user = users.find(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &response(&user, node.now())))
}

/// Creates a user.
pub(crate) async fn create(
    Use(users): Use<UserService>,
    Use(node): Use<NodeService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<UserPayload>,
) -> Result<Response, ManagementProblem> {
    users.may_create(&caller, &origin).await.map_err(problem)?;
    let draft = body.judged(|payload| {
        let draft = payload.draft(node.now());
        judged(draft.faults_of_new()).map(|()| draft)
    })?;
    let user = users.create(&caller, draft, &origin).await.map_err(problem)?;
    Ok(created(&format!("/api/admin/users/{}", user.id), &response(&user, node.now())))
}

/// Changes a user; omitted members keep their values.
pub(crate) async fn update(
    Use(users): Use<UserService>,
    Use(node): Use<NodeService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<UserPayload>,
) -> Result<Response, ManagementProblem> {
    let user = users.to_change(&caller, id, &origin).await.map_err(problem)?;
    let draft = body.judged(|payload| -> Result<UserDraft, _> {
        let draft = payload.draft(node.now());
        judged(draft.faults_of_change(&user, node.now())).map(|()| draft)
    })?;
    let user = users.update(&caller, id, draft, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &response(&user, node.now())))
}

/// Deletes a user; `transferTo` and `force` say what to do with the user's applications and data sources.
pub(crate) async fn delete(
    Use(users): Use<UserService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let estate = estate(&query)?;
    users.delete(&caller, id, estate, &origin).await.map_err(problem)?;
    Ok(no_content())
}

/// Whether a user has a second factor.
pub(crate) async fn second_factor(
    Use(users): Use<UserService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let found = users.second_factor(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &answer::second_factor(found.as_ref())))
}

/// Removes the second factor of a user who has lost it.
pub(crate) async fn reset_second_factor(
    Use(users): Use<UserService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    users.reset_second_factor(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}

/// What to do with the possessions of a deleted user. A misspelt parameter must not count as an omitted one.
fn estate(query: &QueryParameters) -> Result<PossessionsAction, ManagementProblem> {
    query.only(&["transferTo", "force"])?;
    let force = query.parse::<bool>("force", "true or false")?.unwrap_or(false);
    match query.get("transferTo") {
        Some(_) if force => {
            let message = "cannot be combined with transferTo".to_owned();
            Err(ManagementProblem::parameters(vec![Detail { field: "force".to_owned(), message }]))
        }
        Some(name) => Ok(PossessionsAction::HandOver(name.to_owned())),
        None if force => Ok(PossessionsAction::Delete),
        None => Ok(PossessionsAction::Keep),
    }
}
