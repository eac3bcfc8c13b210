//! A request for data of a known caller, as it is answered alone and within a batch.

use app::data::{DataRequest, DataService, SERVICE_PATH};
use app::identity::caller::{Caller, RequestOrigin};
use app::identity::refusals::RefusalService;
use app::node::refusal_reason::RefusalReason;
use axum::body::{Body, HttpBody};
use axum::response::Response;
use domain::time::Timestamp;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use oauth::resource::DataEndpoint;

use super::answer::{ODATA_VERSION, respond};
use super::caller::{DataChallenger, Requester};
use super::headers::{self, Preferred, Version};
use super::posted::{self, Posted};
use super::{address, catalogue};
use crate::http::gzip;
use crate::respond::odata::ODataProblem;

/// An authenticated caller, and how refused requests are challenged.
pub(super) struct DataCaller {
    data: DataService,
    caller: Caller,
    origin: RequestOrigin,
    challenge: DataChallenger,
    /// When the caller was authenticated.
    since: Timestamp,
    /// Where refusals are recorded.
    refusals: RefusalService,
    /// Whether a page of another origin made the request, to which the browser attached remembered credentials.
    is_led_astray: bool,
}

/// A request without a caller, and how it is challenged.
pub(super) struct Refused {
    problem: ODataProblem,
    challenge: DataChallenger,
}

impl Refused {
    /// The response.
    pub(super) fn answer(self, parts: &Parts) -> Response {
        let version = Version::of(&parts.headers).unwrap_or(Version::V4_0);
        finish(Err(self.problem), version, &self.challenge, parts)
    }
}

impl DataCaller {
    /// The caller with the service that answers.
    pub(super) fn of(requester: Requester, data: DataService) -> Result<Self, Refused> {
        let Requester { origin, caller, challenge, since, refusals, is_led_astray } = requester;
        match caller {
            Ok(caller) => Ok(Self { data, caller, origin, challenge, since, refusals, is_led_astray }),
            Err(problem) => Err(Refused { problem, challenge }),
        }
    }

    /// The service that answers.
    pub(super) fn data(&self) -> &DataService {
        &self.data
    }

    /// The origin of the request.
    pub(super) fn origin(&self) -> &RequestOrigin {
        &self.origin
    }

    /// When the caller was authenticated.
    pub(super) fn since(&self) -> Timestamp {
        self.since
    }

    /// The caller of a change, unless a page of another origin made the request with remembered credentials.
    pub(super) async fn changing(&self) -> Result<&Caller, ODataProblem> {
        if !self.is_led_astray {
            return Ok(&self.caller);
        }
        let reason = RefusalReason::AnotherOrigin;
        self.refusals.note_request(reason, Some(&self.caller), &self.origin).await;
        let message = "a page of another origin made this request: with the credentials of a browser only pages of this server \
                       change anything; nothing was changed";
        Err(ODataProblem::new(StatusCode::FORBIDDEN, "CrossSite", message))
    }

    /// The response in the coding that the client accepts. A page of another origin could see from its length what it has beside a text
    /// that the page chose, so it is as it is then.
    pub(super) fn coded(&self, response: Response, asked: &HeaderMap) -> Response {
        if gzip::is_welcome(asked) && !self.is_led_astray { gzip::coded(response) } else { response }
    }

    /// The response with the version that the client accepts.
    pub(super) fn versioned(mut response: Response, parts: &Parts) -> Response {
        let version = Version::of(&parts.headers).unwrap_or(Version::V4_0);
        response.headers_mut().insert(ODATA_VERSION, HeaderValue::from_static(version.as_str()));
        response
    }

    /// The response to a request; `body` is that of a POST or another change, which may refer to `earlier` entities.
    pub(super) async fn answer(&self, parts: &Parts, body: &[u8], earlier: &[(&str, &str)]) -> Response {
        let rest = address::split(&parts.uri).map(|address| address.rest).unwrap_or_default();
        let is_read = matches!(parts.method, Method::GET | Method::HEAD);
        let path_and_query = match Posted::of(rest) {
            Posted::Change if is_read => Ok(None),
            Posted::Change => return self.answer_change(parts, body, earlier).await,
            Posted::Query(path)
                if parts.method == Method::POST && !parts.headers.contains_key("x-http-method") =>
            {
                posted::query(path, rest, &parts.headers, body).map(Some)
            }
            _ => return posted::wrong_method(&parts.method, &parts.headers, rest),
        };
        let mut response = self.read(parts, path_and_query).await;
        if parts.method == Method::HEAD {
            Self::behead(&mut response);
        }
        response
    }

    /// Takes the body of a response, of which only its length is left.
    pub(super) fn behead(response: &mut Response) {
        let body = std::mem::replace(response.body_mut(), Body::empty());
        if let Some(length) = body.size_hint().exact() {
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
    }

    /// Reads the resource at the address, or at this path and query below its source.
    pub(super) async fn read(
        &self,
        parts: &Parts,
        path_and_query: Result<Option<String>, ODataProblem>,
    ) -> Response {
        let version = Version::of(&parts.headers);
        let highest = *version.as_ref().unwrap_or(&Version::V4_0);
        let answer = match (version, path_and_query) {
            (Ok(_), Ok(other)) => self.find(parts, other.as_deref()).await,
            (Err(problem), _) | (_, Err(problem)) => Err(problem),
        };
        finish(answer, highest, &self.challenge, parts)
    }

    async fn find(&self, parts: &Parts, path_and_query: Option<&str>) -> Result<Response, ODataProblem> {
        let Self { data, caller, origin, since, .. } = self;
        if parts.uri.path().trim_end_matches('/') == SERVICE_PATH {
            return catalogue::list(data, caller, origin, parts).await;
        }
        let address = address::split(&parts.uri).ok_or_else(unknown)?;
        let source = address.source()?;
        let accept = headers::accept(&parts.headers)?;
        let preferred = Preferred::of(&parts.headers);
        let request = DataRequest {
            endpoint: DataEndpoint::OData,
            source: &source,
            path_and_query: path_and_query.unwrap_or(address.rest),
            accept: &accept,
            page_size: preferred.page_size.map(|preferred| preferred.rows),
            omits_nulls: preferred.omits.is_some(),
            origin,
            since: *since,
        };
        let answer = data.read(caller, &request).await?;
        respond(answer, preferred, &parts.headers)
    }

    /// The response to a request that is refused because of its form.
    pub(super) fn refuse(&self, problem: ODataProblem, parts: &Parts) -> Response {
        let version = Version::of(&parts.headers).unwrap_or(Version::V4_0);
        finish(Err(problem), version, &self.challenge, parts)
    }
}

/// Adds the version to every response, once, and refers a refused client to the metadata of the resource.
fn finish(
    answer: Result<Response, ODataProblem>,
    version: Version,
    challenge: &DataChallenger,
    parts: &Parts,
) -> Response {
    let mut response = answer.unwrap_or_else(|problem| challenge.refuse(problem, parts));
    response.headers_mut().insert(ODATA_VERSION, HeaderValue::from_static(version.as_str()));
    response
}

/// Nothing is at that address.
pub(super) fn unknown() -> ODataProblem {
    ODataProblem::new(StatusCode::NOT_FOUND, "NotFound", "there is nothing at this address")
}
