//! What the requests of a batch leave for later ones: the addresses of their entities and the tags ([Protocol
//! §11.7.3.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ReferencingNewEntities)).

use std::collections::HashMap;

use app::data::SERVICE_PATH;
use axum::response::Response;
use http::header::{ETAG, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};

use super::part::Part;
use crate::respond::odata::ODataProblem;

/// What answered requests have left, by their ids.
#[derive(Debug, Default)]
pub(super) struct Left(HashMap<String, Entity>);

/// What a request has left.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entity {
    /// Nothing, because it has failed.
    Failed,
    /// The path of its entity, if it has one, and its tag.
    Known { path: Option<String>, tag: Option<HeaderValue> },
}

/// A request to which others may refer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) method: Method,
    /// The path, unless it begins with a reference within its own change set.
    pub(super) path: Option<String>,
}

impl Left {
    /// Notes what the response to a request leaves; there is none if another request of its change set has failed.
    pub(super) fn note(&mut self, head: &Head, response: Option<&Response>) {
        let known = |response: &Response| Entity::Known {
            path: path_of(response.headers(), head),
            tag: response.headers().get(ETAG).cloned(),
        };
        let success = response.filter(|response| is_success(response.status()));
        let entity = success.map_or(Entity::Failed, known);
        self.0.insert(head.id.clone(), entity);
    }

    /// The path of the entity that an earlier request has created or returned; `None` if there is no such request.
    pub(super) fn path(&self, id: &str) -> Result<Option<&str>, ODataProblem> {
        match self.0.get(id) {
            None => Ok(None),
            Some(Entity::Failed) => Err(failed_dependency()),
            Some(Entity::Known { path: Some(path), .. }) => Ok(Some(path)),
            Some(Entity::Known { path: None, .. }) => {
                Err(bad(format!("the request {id} has created or returned no entity")))
            }
        }
    }

    /// The tag that the response to an earlier request had; `None` if there is no such request.
    pub(super) fn tag(&self, id: &str) -> Result<Option<&HeaderValue>, ODataProblem> {
        match self.0.get(id) {
            None => Ok(None),
            Some(Entity::Failed) => Err(failed_dependency()),
            Some(Entity::Known { tag: Some(tag), .. }) => Ok(Some(tag)),
            Some(Entity::Known { tag: None, .. }) => {
                Err(bad(format!("the response to the request {id} has no entity tag")))
            }
        }
    }

    /// The paths of all entities, with the ids of their requests.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(id, entity)| match entity {
            Entity::Known { path: Some(path), .. } => Some((id.as_str(), path.as_str())),
            _ => None,
        })
    }
}

/// Whether a request may refer to another one.
pub(super) fn may_refer(part: &Part) -> bool {
    // JSON may write the sign as an escape.
    let in_body = |body: &Vec<u8>| body.iter().any(|byte| matches!(byte, b'$' | b'\\'));
    part.url.starts_with('$')
        || part.headers.values().any(|value| value.as_bytes().starts_with(b"$"))
        || part.body.as_ref().is_some_and(in_body)
}

/// The path of the entity: of a new one as its `Location` says, otherwise the one that was addressed.
fn path_of(headers: &HeaderMap, head: &Head) -> Option<String> {
    if let Some(location) = headers.get(LOCATION) {
        let location = location.to_str().ok()?;
        return location.rfind(SERVICE_PATH).map(|at| location[at..].to_owned());
    }
    let has_entity = matches!(head.method, Method::GET | Method::HEAD | Method::PATCH | Method::PUT);
    head.path.as_ref().filter(|_| has_entity).map(|path| path.trim_end_matches('/').to_owned())
}

/// Whether a request has succeeded; one whose result the client has already did too.
pub(super) fn is_success(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::NOT_MODIFIED
}

/// A request that this one needs has failed.
pub(super) fn failed_dependency() -> ODataProblem {
    let message = "a request that this one depends on has failed";
    ODataProblem::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", message)
}

fn bad(message: String) -> ODataProblem {
    ODataProblem::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn response(status: u16, headers: &[(http::HeaderName, &'static str)]) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }

    #[test]
    fn later_requests_find_the_entity_and_its_tag() {
        let mut left = Left::default();
        let location = "https://gate.example/gate/api/odata4/crm/Ships(7)";
        let mut note = |id: &str, method, path: &str, response| {
            let path = Some(format!("/api/odata4/crm{path}")).filter(|_| !path.is_empty());
            left.note(&Head { id: id.to_owned(), method, path }, Some(&response));
        };
        note("new", Method::POST, "/Ships", response(201, &[(LOCATION, location), (ETAG, "W/\"a\"")]));
        note("read", Method::GET, "/Ships(1)/", response(200, &[]));
        note("same", Method::GET, "/Ships(2)", response(304, &[(ETAG, "W/\"b\"")]));
        note("gone", Method::DELETE, "/Ships(3)", response(204, &[]));
        note("inner", Method::PATCH, "", response(204, &[]));
        note("failed", Method::GET, "/Ships(9)", response(404, &[]));
        let path = |id: &str| {
            left.path(id).map(|path| path.map(str::to_owned)).map_err(|problem| problem.parts().0.as_u16())
        };
        assert_eq!(path("new"), Ok(Some("/api/odata4/crm/Ships(7)".to_owned())));
        assert_eq!(path("read"), Ok(Some("/api/odata4/crm/Ships(1)".to_owned())));
        assert_eq!((path("gone"), path("inner")), (Err(400), Err(400)));
        assert_eq!((path("failed"), path("other")), (Err(424), Ok(None)));
        let tag = |id: &str| {
            left.tag(id).map(Option::<&HeaderValue>::cloned).map_err(|problem| problem.parts().0.as_u16())
        };
        assert_eq!(tag("new"), Ok(Some(HeaderValue::from_static("W/\"a\""))));
        assert_eq!(tag("same"), Ok(Some(HeaderValue::from_static("W/\"b\""))));
        assert_eq!((tag("read"), tag("failed"), tag("other")), (Err(400), Err(424), Ok(None)));
        assert_eq!(left.paths().count(), 3);
    }
}
