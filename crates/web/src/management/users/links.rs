//! `/api/admin/users/{id}/onetimelinks` and `/api/admin/invitations`: links by which people choose their passwords.

use app::management::users::{MadeLink, Sending, UserService};
use app::node::NodeService;
use axum::response::Response;
use domain::account::one_time_link::{LinkPurpose, OneTimeLink};
use domain::id::UserId;
use http::StatusCode;
use serde::Serialize;

use super::answer::{UserResponse, response};
use super::payload::UserPayload;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters, Use};
use crate::http::origin::ClientOrigin;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::management::list;
use crate::management::refusal::{judged, problem};
use crate::respond::management::{ManagementProblem, created, json, no_content, rfc3339};

/// A link, without its secret.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkResponse {
    id: i64,
    purpose: &'static str,
    /// Absent if it was shown instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_to: Option<String>,
    created_at: String,
    expires_at: String,
}

impl From<OneTimeLink> for LinkResponse {
    fn from(link: OneTimeLink) -> Self {
        Self {
            id: link.id.get(),
            purpose: link.purpose.as_str(),
            sent_to: link.sent_to,
            created_at: rfc3339(link.created_at),
            expires_at: rfc3339(link.expires_at),
        }
    }
}

/// A list of links.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkList {
    one_time_links: Vec<LinkResponse>,
}

/// A link that was made, with its address.
#[derive(Serialize)]
struct MadeResponse {
    #[serde(flatten)]
    stored: LinkResponse,
    /// Absent if it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl From<MadeLink> for MadeResponse {
    fn from(made: MadeLink) -> Self {
        Self { stored: made.stored.into(), link: made.address.map(|address| address.expose().to_owned()) }
    }
}

/// A user who was invited.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvitedResponse {
    user: UserResponse,
    one_time_link: MadeResponse,
}

/// Why a link is made, and how it reaches its user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkPayload {
    purpose: LinkPurpose,
    sending: Sending,
}

impl FromJson for LinkPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        const NAME: &str = "purpose";
        let mut fields = Fields::of(json, "", faults);
        let given = fields.string(NAME);
        let known = |name: &str| LinkPurpose::from_name(name).filter(|one| one.is_of_administrator());
        let purpose = given.map_or(Some(LinkPurpose::Reset), known);
        if purpose.is_none() {
            fields.fault(NAME, "must be reset or invitation");
        }
        let sending = fields.boolean("send");
        fields.finish();
        Self { purpose: purpose.unwrap_or(LinkPurpose::Reset), sending }
    }
}

/// A user who is invited, and how the link reaches the person.
#[derive(Debug)]
pub(crate) struct InvitationPayload {
    user: UserPayload,
    sending: Sending,
}

impl FromJson for InvitationPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let sending = fields.boolean("send");
        Self { user: UserPayload::read(fields), sending }
    }
}

/// Lists the valid links of a user, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(users): Use<UserService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let all = users.links(&caller, id, &origin).await.map_err(problem)?;
    let texts = |link: &OneTimeLink| vec![link.purpose.as_str().to_owned()];
    let part = list::part(&request, all, |link| link.id.get(), texts);
    let one_time_links = part.into_iter().map(LinkResponse::from).collect();
    Ok(json(StatusCode::OK, &LinkList { one_time_links }))
}

/// Makes a link, whose address is shown only now.
pub(crate) async fn create(
    Use(users): Use<UserService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<LinkPayload>,
) -> Result<Response, ManagementProblem> {
    users.to_change(&caller, id, &origin).await.map_err(problem)?;
    let LinkPayload { purpose, sending } = body.judged(|payload| Ok(*payload))?;
    let made = users.make_link(&caller, id, purpose, sending, &origin).await.map_err(problem)?;
    Ok(created(&format!("/api/admin/users/{id}/onetimelinks"), &MadeResponse::from(made)))
}

/// Ends every link of a user.
pub(crate) async fn end_all(
    Use(users): Use<UserService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(UserId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    users.end_links(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}

/// Creates a user who chooses the password by a link.
pub(crate) async fn invite(
    Use(users): Use<UserService>,
    Use(node): Use<NodeService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<InvitationPayload>,
) -> Result<Response, ManagementProblem> {
    users.may_create(&caller, &origin).await.map_err(problem)?;
    let (draft, sending) = body.judged(|payload| {
        let draft = payload.user.draft(node.now());
        judged(draft.faults_of_invitation()).map(|()| (draft, payload.sending))
    })?;
    let (user, made) = users.invite(&caller, draft, sending, &origin).await.map_err(problem)?;
    let place = format!("/api/admin/users/{}", user.id);
    let invited = InvitedResponse { user: response(&user, node.now()), one_time_link: made.into() };
    Ok(created(&place, &invited))
}
