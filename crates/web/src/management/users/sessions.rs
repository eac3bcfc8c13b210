//! `/api/admin/users/{id}/sessions`: the browsers in which a user is signed in.

use app::management::sessions::UserSessionService;
use axum::response::Response;
use domain::account::Session;
use domain::id::{SessionId, UserId};
use http::StatusCode;
use serde::Serialize;

use crate::extract::{Authenticated, Path, QueryParameters, Use};
use crate::http::origin::ClientOrigin;
use crate::management::list;
use crate::management::refusal::problem;
use crate::respond::management::{ManagementProblem, json, no_content, rfc3339};

/// A session.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionResponse {
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    second_factor: bool,
    signed_in_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    expires_at: String,
}

impl From<Session> for SessionResponse {
    fn from(session: Session) -> Self {
        Self {
            id: session.id.get(),
            device: session.origin.device,
            address: session.origin.address,
            second_factor: session.second_factor,
            signed_in_at: rfc3339(session.auth_time),
            last_used_at: session.last_used_at.map(rfc3339),
            expires_at: rfc3339(session.expires_at),
        }
    }
}

/// A list of sessions.
#[derive(Serialize)]
struct SessionList {
    sessions: Vec<SessionResponse>,
}

/// Lists the valid sessions of a user, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(sessions): Use<UserSessionService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let all = sessions.list(&caller, id, &origin).await.map_err(problem)?;
    let texts =
        |one: &Session| [&one.origin.device, &one.origin.address].into_iter().flatten().cloned().collect();
    let part = list::part(&request, all, |one| one.id.get(), texts);
    let sessions = part.into_iter().map(SessionResponse::from).collect();
    Ok(json(StatusCode::OK, &SessionList { sessions }))
}

/// Ends every session of a user.
pub(crate) async fn end_all(
    Use(sessions): Use<UserSessionService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    sessions.end_all(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}

/// Ends one session of a user.
pub(crate) async fn end(
    Use(sessions): Use<UserSessionService>,
    Authenticated(caller): Authenticated,
    Path((id, session)): Path<(UserId, SessionId)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    sessions.end(&caller, id, session, &origin).await.map_err(problem)?;
    Ok(no_content())
}
