//! Operations 1 to 6, and the two for secrets: registered applications.

use std::sync::Arc;

use app::Fault;
use app::identity::acting::Actor;
use app::management::applications::{
    ApplicationError, ApplicationService, RegisteredApplication, RegistrationRules, UpdatedApplication,
};
use app::management::scopes::ScopeService;
use axum::response::Response;
use domain::id::{ApplicationId, SecretId};
use domain::secret::ClientSecret;
use domain::time::Timestamp;
use http::StatusCode;
use oauth::application::Application;
use oauth::registration::{InvalidField, Warning};
use oauth::scope::ScopeRegistry;

use self::answer::{AddedSecret, Listed, ResponseParts};
use self::payload::{Nothing, Registration, Update};
use super::acting::ActingRequest;
use super::list;
use crate::errors::ManagementErrorCode;
use crate::extract::{JsonBody, Path, Use};
use crate::respond::management::{Detail, ManagementProblem, created, json, no_content};

pub use openid::parse_openid_members;

mod answer;
mod openid;
mod payload;
mod requests;

/// An application as JSON with the members of the management API, for other ways to show it.
pub fn application_in_json(
    application: &Application,
    now: Timestamp,
    registry: Arc<ScopeRegistry>,
) -> serde_json::Value {
    let parts = ResponseParts { secret: None, warnings: Vec::new(), now, registry };
    serde_json::json!(parts.application(application))
}

/// Operation 1: the applications that the caller may see.
pub(crate) async fn list(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Use(scopes): Use<ScopeService>,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&acting.query, &["user"])?;
    let actor = acting.actor(ManagementErrorCode::ListFailed).await?;
    let rows = applications.rows(&actor, request, &acting.origin);
    let failed = |fault: &Fault| ManagementProblem::server(fault, ManagementErrorCode::ListFailed);
    let registry = scopes.registry().await.map_err(|fault| failed(&fault))?;
    let response = move |application| Listed { application, registry: Arc::clone(&registry) };
    list::answer("applications", rows, response, failed).await
}

/// Operation 2: registers an application.
pub(crate) async fn register(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Use(scopes): Use<ScopeService>,
    body: JsonBody<Registration>,
) -> Result<Response, ManagementProblem> {
    let actor = acting.actor(ManagementErrorCode::RegisterFailed).await?;
    let rules = rules(&applications, &actor).await?;
    let accept = |Registration(payload): &Registration| rules.accept_registration(payload);
    let accepted = judged(&acting, &applications, &actor, body, accept).await?;
    let warnings = in_words(accepted.warnings());
    let registered = applications.register(&actor, accepted, &acting.origin).await;
    let RegisteredApplication { application, secret } =
        registered.map_err(|refused| problem(refused, ManagementErrorCode::RegisterFailed))?;
    let path = format!("/api/mgmt/oauth/client/applications/{}", application.id);
    let registry = registry(&scopes, ManagementErrorCode::RegisterFailed).await?;
    let shown = ResponseParts { secret: secret.as_ref(), warnings, now: applications.now(), registry };
    Ok(created(&path, &shown.application(&application)))
}

/// Operation 3: one application.
pub(crate) async fn get(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Use(scopes): Use<ScopeService>,
    Path((id,)): Path<(ApplicationId,)>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::ListFailed;
    let actor = acting.actor(failed).await?;
    let application =
        applications.find(&actor, id, &acting.origin).await.map_err(|refused| problem(refused, failed))?;
    let secret = applications
        .revealed_secret(&application)
        .map_err(|fault| ManagementProblem::server(&fault, failed))?;
    let registry = registry(&scopes, failed).await?;
    Ok(ok(&applications, registry, &application, secret.as_ref(), Vec::new()))
}

/// Operation 4: replaces the name, the description and the redirect URLs of an application.
pub(crate) async fn update(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Use(scopes): Use<ScopeService>,
    Path((id,)): Path<(ApplicationId,)>,
    body: JsonBody<Update>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::RegisterFailed;
    let actor = acting.actor(failed).await?;
    let current =
        applications.find(&actor, id, &acting.origin).await.map_err(|refused| problem(refused, failed))?;
    // Checked here to report all faults; the check is repeated when the settings are written.
    let rules = rules(&applications, &actor).await?;
    let accept = |Update(payload): &Update| rules.accept_update(&current, payload).map(|_| payload.clone());
    let payload = judged(&acting, &applications, &actor, body, accept).await?;
    let updated = applications.update(&actor, &current, payload, &acting.origin).await;
    let UpdatedApplication { application, warnings, secret } =
        updated.map_err(|refused| problem(refused, failed))?;
    let registry = registry(&scopes, failed).await?;
    Ok(ok(&applications, registry, &application, secret.as_ref(), in_words(&warnings)))
}

/// Operation 5: deletes an application with all access that was granted to it.
pub(crate) async fn delete(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Path((id,)): Path<(ApplicationId,)>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::DeleteFailed;
    let actor = acting.actor(failed).await?;
    let deleted = applications.delete(&actor, id, &acting.origin).await;
    deleted.map_err(|refused| problem(refused, failed))?;
    Ok(no_content())
}

/// Operation 6: replaces all secrets by a new one, and revokes all access that was granted to the
/// application.
pub(crate) async fn reset(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Use(scopes): Use<ScopeService>,
    Path((id,)): Path<(ApplicationId,)>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::ResetFailed;
    let actor = acting.actor(failed).await?;
    let reset = applications.reset_secret(&actor, id, &acting.origin).await;
    let (application, secret) = reset.map_err(|refused| problem(refused, failed))?;
    let registry = registry(&scopes, failed).await?;
    Ok(ok(&applications, registry, &application, Some(&secret), Vec::new()))
}

/// Adds a second live secret.
pub(crate) async fn add_secret(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Path((id,)): Path<(ApplicationId,)>,
    body: Option<JsonBody<Nothing>>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::RegisterFailed;
    let actor = acting.actor(failed).await?;
    body.map(JsonBody::valid).transpose()?;
    let added = applications
        .add_secret(&actor, id, &acting.origin)
        .await
        .map_err(|refused| problem(refused, failed))?;
    let path = format!("/api/mgmt/oauth/client/applications/{id}/secrets/{}", added.stored.id);
    Ok(created(&path, &AddedSecret::from(&added)))
}

/// Revokes one of two live secrets.
pub(crate) async fn end_secret(
    acting: ActingRequest,
    Use(applications): Use<ApplicationService>,
    Path((id, secret)): Path<(ApplicationId, SecretId)>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::DeleteFailed;
    let actor = acting.actor(failed).await?;
    let ended = applications.end_secret(&actor, id, secret, &acting.origin).await;
    ended.map_err(|refused| problem(refused, failed))?;
    Ok(no_content())
}

fn ok(
    applications: &ApplicationService,
    registry: Arc<ScopeRegistry>,
    application: &oauth::application::Application,
    secret: Option<&ClientSecret>,
    warnings: Vec<String>,
) -> Response {
    let shown = ResponseParts { secret, warnings, now: applications.now(), registry };
    json(StatusCode::OK, &shown.application(application))
}

/// The scopes that exist, for their names.
async fn registry(
    scopes: &ScopeService,
    failed: ManagementErrorCode,
) -> Result<Arc<ScopeRegistry>, ManagementProblem> {
    scopes.registry().await.map_err(|fault| ManagementProblem::server(&fault, failed))
}

/// The rules for the payload of a registration or an update.
async fn rules(
    applications: &ApplicationService,
    actor: &Actor,
) -> Result<RegistrationRules, ManagementProblem> {
    let rules = applications.rules(actor).await;
    rules.map_err(|fault| ManagementProblem::server(&fault, ManagementErrorCode::RegisterFailed))
}

/// A refusal in the envelope; `failed` is the error code of the operation for a server failure.
fn problem(refused: ApplicationError, failed: ManagementErrorCode) -> ManagementProblem {
    let message = format!("It cannot be done: {refused}.");
    match refused {
        ApplicationError::Unknown => ManagementProblem::not_found(),
        ApplicationError::TwoLiveSecrets => {
            ManagementProblem::new(StatusCode::CONFLICT, ManagementErrorCode::TwoLiveSecrets, message)
        }
        ApplicationError::LastSecret => {
            ManagementProblem::new(StatusCode::CONFLICT, ManagementErrorCode::LastSecret, message)
        }
        ApplicationError::Public => {
            ManagementProblem::new(StatusCode::BAD_REQUEST, ManagementErrorCode::PublicApplication, message)
        }
        ApplicationError::RightsChanged => ManagementProblem::rights_changed(),
        ApplicationError::ActsAsOwner => {
            ManagementProblem::new(StatusCode::FORBIDDEN, ManagementErrorCode::PermissionMissing, message)
        }
        ApplicationError::ScopeDeleted => ManagementProblem::payload(vec![Detail {
            field: "scopes".to_owned(),
            message: "names a scope that was deleted meanwhile".to_owned(),
        }]),
        ApplicationError::Invalid(faults) => ManagementProblem::payload(details(faults)),
        ApplicationError::Fault(fault) => ManagementProblem::server(&fault, failed),
    }
}

/// Judges a payload. A scope that the caller may not assign is also recorded.
async fn judged<T, R>(
    acting: &ActingRequest,
    applications: &ApplicationService,
    actor: &Actor,
    body: JsonBody<T>,
    judge: impl FnOnce(&T) -> Result<R, Vec<InvalidField>>,
) -> Result<R, ManagementProblem> {
    let mut found = Vec::new();
    let judged = body.judged(|payload| {
        judge(payload).map_err(|faults| {
            found.clone_from(&faults);
            details(faults)
        })
    });
    applications.note_forbidden_scopes(actor, &found, &acting.origin).await;
    judged
}

fn details(faults: Vec<InvalidField>) -> Vec<Detail> {
    faults.into_iter().map(|fault| Detail { field: fault.field, message: fault.message }).collect()
}

fn in_words(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(Warning::to_string).collect()
}
