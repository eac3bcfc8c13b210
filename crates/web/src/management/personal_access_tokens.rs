//! `/api/mgmt/personalaccesstokens`: the personal access tokens of the caller, or of the user in `?user=`. They are made on
//! the pages of the account only.

use app::Fault;
use app::management::personal_access_tokens::{EndRefusal, PersonalAccessTokenService};
use app::management::scopes::ScopeService;
use axum::response::Response;
use domain::id::PersonalAccessTokenId;
use http::StatusCode;

use self::answer::{PersonalAccessTokenList, PersonalAccessTokenResponse};
use super::acting::ActingRequest;
use super::list;
use crate::errors::ManagementErrorCode;
use crate::extract::{Path, Use};
use crate::respond::management::{ManagementProblem, json, no_content};

mod answer;

/// Lists the tokens, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    acting: ActingRequest,
    Use(tokens): Use<PersonalAccessTokenService>,
    Use(scopes): Use<ScopeService>,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&acting.query, &["user"])?;
    let actor = acting.actor(ManagementErrorCode::Unavailable).await?;
    let failed = |fault: Fault| ManagementProblem::server(&fault, ManagementErrorCode::Unavailable);
    let all = tokens.list(&actor).await.map_err(failed)?;
    let registry = scopes.registry().await.map_err(failed)?;
    let part = list::part(&request, all, |one| one.token.id.get(), |one| vec![one.token.name.clone()]);
    let personal_access_tokens =
        part.into_iter().map(|one| PersonalAccessTokenResponse::new(one, &registry)).collect();
    Ok(json(StatusCode::OK, &PersonalAccessTokenList { personal_access_tokens }))
}

/// One token, without its value.
pub(crate) async fn get(
    acting: ActingRequest,
    Use(tokens): Use<PersonalAccessTokenService>,
    Use(scopes): Use<ScopeService>,
    Path((id,)): Path<(PersonalAccessTokenId,)>,
) -> Result<Response, ManagementProblem> {
    let actor = acting.actor(ManagementErrorCode::Unavailable).await?;
    let failed = |fault: Fault| ManagementProblem::server(&fault, ManagementErrorCode::Unavailable);
    let found = tokens.find(&actor, id).await.map_err(failed)?;
    let found = found.ok_or_else(ManagementProblem::not_found)?;
    let registry = scopes.registry().await.map_err(failed)?;
    Ok(json(StatusCode::OK, &PersonalAccessTokenResponse::new(found, &registry)))
}

/// Ends a token.
pub(crate) async fn end(
    acting: ActingRequest,
    Use(tokens): Use<PersonalAccessTokenService>,
    Path((id,)): Path<(PersonalAccessTokenId,)>,
) -> Result<Response, ManagementProblem> {
    let actor = acting.actor(ManagementErrorCode::DeleteFailed).await?;
    match tokens.end(&actor, id, &acting.origin).await {
        Ok(()) => Ok(no_content()),
        Err(EndRefusal::Unknown) => Err(ManagementProblem::not_found()),
        Err(EndRefusal::RightsChanged) => Err(ManagementProblem::rights_changed()),
        Err(EndRefusal::Fault(fault)) => {
            Err(ManagementProblem::server(&fault, ManagementErrorCode::DeleteFailed))
        }
    }
}
