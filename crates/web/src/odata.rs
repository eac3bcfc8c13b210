//! `/api/odata4`: reading data over OData V4.
//!
//! A handler authenticates the caller, determines the version, splits the address and passes the rest to
//! [`DataService::read`]. The bytes of the response are passed through unchanged.
//!
//! [`DataService::read`]: app::data::DataService::read

pub(crate) mod address;
mod caller;
mod catalogue;
pub(crate) mod headers;
mod rows;
pub(crate) mod unsupported;

use app::data::{Content, DataAnswer, DataBody, DataRequest, DataService};
use app::identity::caller::{Caller, RequestOrigin};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, VARY};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::extract::Use;
use crate::http::conditional::none_match_fails;
use crate::respond::odata::ODataProblem;
use caller::{DataChallenger, Requester};
use headers::{PageSize, Version};
use rows::Rows;

const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `GET /api/odata4`: the sources that the caller may read, as a service document of service documents.
pub async fn sources(Use(data): Use<DataService>, requester: Requester, request: Request) -> Response {
    let Requester { origin, caller, challenge } = requester;
    let (parts, _) = request.into_parts();
    let version = Version::of(&parts.headers);
    let highest = *version.as_ref().unwrap_or(&Version::V4_0);
    let answer = match (caller, version) {
        (Ok(caller), Ok(_)) => catalogue::list(&data, &caller, &origin, &parts).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    finish(answer, highest, &challenge, &parts)
}

/// `GET /api/odata4/{source}/…`: the resource that the rest of the address names.
pub async fn read(Use(data): Use<DataService>, requester: Requester, request: Request) -> Response {
    let Requester { origin, caller, challenge } = requester;
    let (parts, _) = request.into_parts();
    let version = Version::of(&parts.headers);
    let highest = *version.as_ref().unwrap_or(&Version::V4_0);
    let answer = match (caller, version) {
        (Ok(caller), Ok(_)) => answer(&data, &caller, &origin, &parts).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    finish(answer, highest, &challenge, &parts)
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

async fn answer(
    data: &DataService,
    caller: &Caller,
    origin: &RequestOrigin,
    parts: &Parts,
) -> Result<Response, ODataProblem> {
    let address = address::split(&parts.uri).ok_or_else(unknown)?;
    let source = address.source()?;
    let accept = headers::accept(&parts.headers)?;
    let preferred = PageSize::preferred(&parts.headers);
    let request = DataRequest {
        source: &source,
        path_and_query: address.rest,
        accept: &accept,
        page_size: preferred.map(|preferred| preferred.rows),
        origin,
    };
    let answer = data.read(caller, &request).await?;
    Ok(respond(answer, preferred, &parts.headers))
}

fn unknown() -> ODataProblem {
    ODataProblem::new(StatusCode::NOT_FOUND, "NotFound", "there is nothing at this address")
}

fn respond(answer: DataAnswer, preferred: Option<PageSize>, asked: &HeaderMap) -> Response {
    let body = match answer.body {
        DataBody::Whole(bytes) => Body::from(bytes),
        DataBody::Stream(stream) => Body::new(Rows::new(stream)),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let media_type = match answer.content {
        Content::Page(format, rows) => {
            if let Some(applied) = preferred.and_then(|preferred| preferred.applied(rows)) {
                headers.insert(PREFERENCE_APPLIED, applied);
            }
            format.media_type()
        }
        Content::Json(format) => format.media_type(),
        Content::Value(media_type) => media_type,
        Content::Metadata(tag) => return metadata(response, &tag, asked),
        Content::Null => {
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The metadata document may be cached, but must be revalidated for each use.
fn metadata(mut response: Response, tag: &str, asked: &HeaderMap) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("authorization, accept, odata-maxversion, origin"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    if none_match_fails(asked, tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    }
    response
}
