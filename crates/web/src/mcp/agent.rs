//! The agent that sends a message: it has an access token or a personal access token, and nothing else counts.

use std::convert::Infallible;

use app::data::ResourcePath;
use app::identity::addresses::AddressService;
use app::identity::authentication::AuthenticationService;
use app::identity::caller::{Caller, RequestOrigin};
use app::identity::personal_access::{PersonalAccessRefusal, PersonalAccessService};
use app::identity::refusals::RefusalService;
use app::management::trusted_origins::Reach;
use app::node::NodeService;
use app::node::refusal_reason::RefusalReason;
use axum::extract::FromRequestParts;
use axum::response::Response;
use domain::allow_list::ServerPart;
use domain::time::Timestamp;
use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use oauth::cors::WebOrigin;
use oauth::proof::TokenType;
use oauth::protected_resource;
use serde_json::Value;

use crate::WebState;
use crate::http::authorization::Authorization;
use crate::http::{database_login, host, origin, proof};
use crate::respond::mcp::McpProblem;

/// Who sent a request: an agent, or why it is none.
pub struct Sender {
    pub(super) agent: Result<Agent, McpProblem>,
    pub(super) challenger: Challenger,
}

impl FromRequestParts<WebState> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        let challenger = Challenger::of(state, parts);
        let agent = match origin_is_allowed(state, &parts.headers).await {
            Ok(()) => match Agent::of(state, parts).await {
                Ok(agent) => agent.admitted(state).await.map(|agent| {
                    let login = database_login::find(&parts.headers);
                    Agent { caller: agent.caller.with_database_login(login), ..agent }
                }),
                refused => refused,
            },
            Err(problem) => Err(problem),
        };
        Ok(Self { agent, challenger })
    }
}

/// An authenticated agent.
pub(super) struct Agent {
    pub(super) caller: Caller,
    pub(super) origin: RequestOrigin,
    /// When it was authenticated.
    pub(super) since: Timestamp,
}

impl Agent {
    /// The agent, if the allow-lists admit its request.
    async fn admitted(self, state: &WebState) -> Result<Self, McpProblem> {
        let addresses = state.service::<AddressService>();
        addresses.demand(&self.caller, ServerPart::DataAccess, &self.origin).await?;
        Ok(self)
    }

    /// The caller with the access token of the request.
    async fn of(state: &WebState, parts: &Parts) -> Result<Self, McpProblem> {
        let origin = origin::of(&parts.extensions, &parts.headers, state.settings());
        let malformed = async || {
            let refusals = state.service::<RefusalService>();
            refusals.note_request(RefusalReason::AuthorizationMalformed, None, &origin).await;
        };
        let sent = match Authorization::find(&parts.headers) {
            Ok(Some(sent)) => sent,
            Ok(None) => return Err(McpProblem::unauthenticated()),
            Err(_) => {
                malformed().await;
                return Err(McpProblem::malformed("send one Authorization header"));
            }
        };
        if let Some(caller) = personal(state, sent, &origin).await {
            return Ok(Self { caller: caller?, origin, since: state.node().now() });
        }
        let Some(presented) = sent.token() else {
            malformed().await;
            return Err(McpProblem::unauthenticated());
        };
        if presented.text.is_empty() {
            malformed().await;
            return Err(McpProblem::malformed("the Authorization header contains no access token"));
        }
        let facts = proof::facts(parts);
        let authentication = state.service::<AuthenticationService>();
        let caller = authentication.caller_by_token(presented, &facts, &origin).await?;
        Ok(Self { caller, origin, since: state.node().now() })
    }
}

/// The caller by a personal access token, alone or as the password of Basic credentials; `None` if the request has none.
async fn personal(
    state: &WebState,
    sent: Authorization<'_>,
    origin: &RequestOrigin,
) -> Option<Result<Caller, PersonalAccessRefusal>> {
    let service = state.service::<PersonalAccessService>();
    if sent.is_bearer() && PersonalAccessService::is_meant(sent.credentials) {
        return Some(service.caller_by_token(sent.credentials, origin).await);
    }
    let credentials = sent.user()?;
    if !PersonalAccessService::is_meant_by(&credentials.password) {
        return None;
    }
    Some(service.caller_by_credentials(&credentials, origin).await)
}

/// How a refused request is challenged.
pub(super) struct Challenger {
    node: NodeService,
    /// The type of the token in the request, if it has one.
    presented: Option<TokenType>,
}

impl Challenger {
    fn of(state: &WebState, parts: &Parts) -> Self {
        let sent = Authorization::find(&parts.headers).ok().flatten();
        let presented = sent.and_then(|sent| sent.token()).map(|token| token.scheme);
        Self { node: state.node().clone(), presented }
    }

    /// The response to a refused request, with the address of the metadata at the host that was asked.
    pub(super) fn refuse(&self, id: Option<&Value>, problem: McpProblem, parts: &Parts) -> Response {
        let settings = self.node.settings();
        let metadata_url = || {
            let address = settings.address_asked(host::named(&parts.uri, &parts.headers));
            protected_resource::metadata_url(address, ResourcePath::of_request(parts.uri.path()).as_str())
        };
        problem.at(id, metadata_url, settings.minimum_profile.rules(), self.presented)
    }
}

/// "Servers MUST validate the `Origin` header on all incoming connections to prevent DNS rebinding attacks" ([Streamable
/// HTTP](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#security-and-endpoint)).
/// A page may send messages if it may read the answers. The host that the request names counts for nothing, because the
/// attack chooses it.
async fn origin_is_allowed(state: &WebState, headers: &HeaderMap) -> Result<(), McpProblem> {
    let mut sent = headers.get_all(ORIGIN).iter();
    let Some(first) = sent.next() else { return Ok(()) };
    let page = first.to_str().ok().and_then(|text| text.parse::<WebOrigin>().ok());
    if let Some(page) = page.filter(|_| sent.next().is_none())
        && (is_ours(state, &page) || is_trusted(state, &page).await?)
    {
        return Ok(());
    }
    Err(McpProblem::of_status(StatusCode::FORBIDDEN, "pages of this origin may not use this server"))
}

fn is_ours(state: &WebState, page: &WebOrigin) -> bool {
    let urls = state.node().settings().urls();
    [Some(urls.public), urls.for_certificates]
        .into_iter()
        .flatten()
        .filter_map(|url| url::Url::parse(url).ok())
        .any(|url| url.origin().ascii_serialization() == page.to_string())
}

async fn is_trusted(state: &WebState, page: &WebOrigin) -> Result<bool, McpProblem> {
    let may_read = state.trusted_origins().page_may_read(page, Reach::Applications).await;
    may_read.map_err(|error| app::Fault::from(error).into())
}
