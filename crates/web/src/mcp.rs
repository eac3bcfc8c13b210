//! `/mcp`: the data sources as tools of the [Model Context
//! Protocol](https://modelcontextprotocol.io/specification/2026-07-28), over its transport Streamable HTTP.
//!
//! Each message is a POST of its own and is answered with JSON: there are no sessions and no streams, so a GET or DELETE is
//! 405. A handler authenticates the agent, finds the data source, reads the message (`message`), determines how its
//! revision of the protocol is spoken (`revision`), and answers the method (`methods`). The tools (`tools`) translate a
//! call into a request for data, which [`DataService::read`] answers like one over OData.
//!
//! [`DataService::read`]: app::data::DataService::read

mod agent;
mod answer;
pub(crate) mod message;
mod methods;
pub(crate) mod revision;
pub(crate) mod rows;
mod service;
pub(crate) mod tools;

use app::data::{AdmittedSource, DataService};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use oauth::resource::DataEndpoint;
use odata::format;

use crate::WebState;
use crate::extract::Use;
use crate::http::{body, media_type};
use crate::respond::mcp::McpProblem;
use agent::{Agent, Sender};
use service::Service;

/// The maximum length of a message in bytes.
const LONGEST_MESSAGE: usize = 256 * 1024;

/// `POST /mcp` and `POST /mcp/{source}`: a message to all data sources, or to one.
pub async fn post(
    State(state): State<WebState>,
    Use(data): Use<DataService>,
    Sender { agent, challenger }: Sender,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let admitted = match agent {
        Ok(agent) => admit(&data, &agent, &parts).await.map(|source| (agent, source)),
        Err(problem) => Err(problem),
    };
    let (agent, source) = match admitted {
        Ok(admitted) => admitted,
        Err(problem) => {
            // A client comes back with a token on the same connection, which ends if a part of the body is not read.
            let _ = body::read(body, body::MOST_OF_FORM).await;
            return challenger.refuse(None, problem, &parts);
        }
    };
    let most = LONGEST_MESSAGE.min(state.settings().max_body_bytes);
    let bytes = match body::read(body, most).await {
        Ok(bytes) => bytes,
        Err(unread) => {
            let problem = McpProblem::of_status(unread.status(), unread.to_string());
            return challenger.refuse(None, problem, &parts);
        }
    };
    let message = match message::read(&bytes) {
        Ok(message) => message,
        Err(unreadable) => return challenger.refuse(unreadable.id.as_ref(), *unreadable.problem, &parts),
    };
    let service = Service { data: &data, agent: &agent, source: source.as_ref() };
    match service.answer(&parts.headers, &message).await {
        Ok(response) => response,
        Err(problem) => challenger.refuse(message.id.as_ref(), problem, &parts),
    }
}

/// The data source that the address names. Nothing of the message is read before.
async fn admit(
    data: &DataService,
    agent: &Agent,
    parts: &Parts,
) -> Result<Option<AdmittedSource>, McpProblem> {
    let (_, rest) = DataEndpoint::split(parts.uri.path()).ok_or_else(McpProblem::unknown_source)?;
    let name = rest.trim_matches('/');
    let source = if name.is_empty() {
        data.may_read_data(&agent.caller, DataEndpoint::Mcp, &agent.origin).await?;
        None
    } else {
        let name = odata::url::segment(name).map_err(|_| McpProblem::unknown_source())?;
        Some(data.admit(&agent.caller, DataEndpoint::Mcp, &name, &agent.origin).await?)
    };
    is_json(parts)?;
    Ok(source)
}

/// The body must be JSON, and the client must accept it.
fn is_json(parts: &Parts) -> Result<(), McpProblem> {
    let kind = media_type::of_body(&parts.headers).filter(|kind| kind.is(media_type::JSON));
    if !kind.is_some_and(|kind| media_type::is_utf8(&kind)) {
        let message = "the body must be application/json in UTF-8, and Content-Type must say so";
        return Err(McpProblem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let accept = media_type::accept(&parts.headers).unwrap_or_default();
    if !accept.is_empty() && !format::admits(&accept, media_type::JSON) {
        let message = "answers are application/json, which the Accept header does not accept";
        return Err(McpProblem::of_status(StatusCode::NOT_ACCEPTABLE, message));
    }
    Ok(())
}
