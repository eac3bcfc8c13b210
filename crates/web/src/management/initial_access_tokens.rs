//! `/api/admin/initialaccesstokens`: tokens that allow clients to register themselves.

use app::management::initial_access_tokens::InitialAccessTokenService;
use app::node::NodeService;
use axum::response::Response;
use domain::id::InitialAccessTokenId;
use http::StatusCode;

use self::answer::{CreatedResponse, InitialAccessTokenList, InitialAccessTokenResponse, texts};
use self::payload::InitialAccessTokenPayload;
use super::list;
use super::refusal::problem;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters, Use};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, created, json, no_content};

mod answer;
mod payload;

const PATH: &str = "/api/admin/initialaccesstokens";

/// Lists the tokens, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(tokens): Use<InitialAccessTokenService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let all = tokens.list(&caller, &origin).await.map_err(problem)?;
    let part = list::part(&request, all, |token| token.id.get(), texts);
    let initial_access_tokens = part.into_iter().map(InitialAccessTokenResponse::from).collect();
    Ok(json(StatusCode::OK, &InitialAccessTokenList { initial_access_tokens }))
}

/// One token, without its value.
pub(crate) async fn get(
    Use(tokens): Use<InitialAccessTokenService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(InitialAccessTokenId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let token = tokens.find(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &InitialAccessTokenResponse::from(token)))
}

/// Creates a token, whose value is shown only now.
pub(crate) async fn create(
    Use(tokens): Use<InitialAccessTokenService>,
    Use(node): Use<NodeService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<InitialAccessTokenPayload>,
) -> Result<Response, ManagementProblem> {
    tokens.may_manage(&caller, &origin).await.map_err(problem)?;
    let draft = body.judged(|payload| payload.draft(node.now()))?;
    let made = tokens.create(&caller, &draft, &origin).await.map_err(problem)?;
    Ok(created(&format!("{PATH}/{}", made.stored.id), &CreatedResponse::from(made)))
}

/// Deletes a token.
pub(crate) async fn delete(
    Use(tokens): Use<InitialAccessTokenService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(InitialAccessTokenId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    tokens.delete(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
