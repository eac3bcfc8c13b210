//! Changes of data: what a request with `POST`, `PATCH`, `PUT` or `DELETE` asks for, and the response to a change that was made.

use std::borrow::Cow;

use app::data::{
    ChangeAnswer, ChangeRequest, Condition, Content, DataAnswer, DataBody, DataRequest, Done, SERVICE_PATH,
};
use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use oauth::resource::DataEndpoint;
use odata::change::{Payload, References, Verb};
use odata::format::MediaType;

use super::address;
use super::answer::{self, PREFERENCE_APPLIED, media_type};
use super::data_caller::{DataCaller, unknown};
use super::headers::{self, PageSize, Preferred, Return, Version};
use super::posted::{self, Posted};
use super::repeatability;
use crate::http::conditional::{Precondition, PreconditionFault, precondition, unmarked};
use crate::respond::odata::ODataProblem;

/// The maximum length of the body of a change in bytes.
pub(super) const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The methods of an address whose resource cannot be changed.
const READS: HeaderValue = HeaderValue::from_static("GET,HEAD");

const ENTITY_ID: HeaderName = HeaderName::from_static("odata-entityid");

/// What a method asks for; `None` if it asks for no change.
fn verb(method: &Method) -> Option<Verb> {
    match *method {
        Method::POST => Some(Verb::Create),
        Method::PATCH => Some(Verb::Update),
        Method::PUT => Some(Verb::Replace),
        Method::DELETE => Some(Verb::Delete),
        _ => None,
    }
}

/// The method that a `POST` stands for, with the header for clients that cannot send others; `None` if it has no such
/// header.
///
/// # Errors
/// If it names no method that a `POST` can stand for.
fn tunnelled(parts: &Parts) -> Option<Result<Method, ODataProblem>> {
    let name = parts.headers.get("x-http-method")?;
    let method = [Method::PATCH, Method::PUT, Method::DELETE]
        .into_iter()
        .find(|method| name.as_bytes().eq_ignore_ascii_case(method.as_str().as_bytes()));
    let message = "X-HTTP-Method is PATCH, PUT or DELETE";
    Some(method.ok_or_else(|| ODataProblem::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)))
}

/// What a request asks for, by its own method or by the one for which a POST stands; `None` if it asks for no change.
fn asked(parts: &Parts) -> Result<Option<Verb>, ODataProblem> {
    match tunnelled(parts).filter(|_| parts.method == Method::POST) {
        None => Ok(verb(&parts.method)),
        Some(method) => method.map(|method| verb(&method)),
    }
}

/// A request to change something, alone or in a set.
pub(super) struct Change<'p> {
    pub(super) parts: &'p Parts,
    pub(super) body: &'p [u8],
    /// By which later changes of the set refer to this one.
    pub(super) id: Option<&'p str>,
}

/// A change that was not made, and its place in the set.
pub(super) struct Failed<T> {
    pub(super) at: usize,
    pub(super) why: T,
}

/// What is addressed by a change.
struct Target<'p> {
    /// `None` to read.
    verb: Option<Verb>,
    source: Cow<'p, str>,
    rest: Cow<'p, str>,
    accept: Cow<'p, str>,
    page_size: Option<PageSize>,
}

impl<'p> Target<'p> {
    fn of(Change { parts, body, .. }: &Change<'p>) -> Result<Self, ODataProblem> {
        Version::of(&parts.headers)?;
        let address = address::split(&parts.uri).ok_or_else(unknown)?;
        let (source, accept) = (address.source()?, headers::accept(&parts.headers)?);
        if let Some(rest) = read(parts, address.rest, body)? {
            let page_size = PageSize::preferred(&parts.headers);
            return Ok(Self { verb: None, source, rest, accept, page_size });
        }
        let not_allowed = || {
            let message = format!("{} is not supported at this address", parts.method);
            ODataProblem::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
        };
        let verb = Some(asked(parts)?.ok_or_else(not_allowed)?);
        Ok(Self { verb, source, rest: Cow::Borrowed(address.rest), accept, page_size: None })
    }
}

impl DataCaller {
    /// The response to a change, by its own method or by the one for which a POST stands. It may refer to `earlier` entities.
    pub(super) async fn answer_change(
        &self,
        parts: &Parts,
        body: &[u8],
        earlier: &[(&str, &str)],
    ) -> Response {
        if let Err(problem) = Version::of(&parts.headers) {
            return self.refuse(problem, parts);
        }
        match asked(parts) {
            Ok(Some(_)) => {
                let made = Box::pin(self.answer_changes(&[Change { parts, body, id: None }], earlier)).await;
                made.map_or_else(|failed| Some(failed.why), |mut responses| responses.pop())
                    .unwrap_or_default()
            }
            Ok(None) => {
                let rest = address::split(&parts.uri).map(|address| address.rest).unwrap_or_default();
                posted::wrong_method(&parts.method, &parts.headers, rest)
            }
            Err(problem) => self.refuse(problem, parts),
        }
    }

    /// The responses to changes that are made in one transaction, or the response to the one that prevented all of them. `earlier` are
    /// the paths of entities to which they may refer, with the ids that they use.
    pub(super) async fn answer_changes(
        &self,
        changes: &[Change<'_>],
        earlier: &[(&str, &str)],
    ) -> Result<Vec<Response>, Failed<Response>> {
        let of = |change: &Change<'_>, answer: ChangeAnswer| {
            if matches!(answer.done, Done::Read(_)) {
                return self.answered_read(change, answer);
            }
            let mut response = respond(answer, Return::preferred(&change.parts.headers));
            repeatability::note(&mut response, repeatability::result(&change.parts.headers, None));
            Self::versioned(response, change.parts)
        };
        match self.make(changes, earlier).await {
            Ok(answers) => {
                Ok(changes.iter().zip(answers).map(|(change, answer)| of(change, answer)).collect())
            }
            Err(Failed { at, why }) => {
                let Some(change) = changes.get(at) else { return Ok(Vec::new()) };
                let result = repeatability::result(&change.parts.headers, Some(&why));
                let mut response = self.refuse(why, change.parts);
                repeatability::note(&mut response, result);
                if response.status() == StatusCode::METHOD_NOT_ALLOWED {
                    response.headers_mut().insert(ALLOW, READS);
                }
                Err(Failed { at, why: response })
            }
        }
    }

    /// The response to a read in a set.
    fn answered_read(&self, change: &Change<'_>, answer: ChangeAnswer) -> Response {
        let Change { parts, .. } = change;
        let answer = DataAnswer {
            content: answer.content.unwrap_or(Content::Null),
            tag: answer.tag,
            is_identified: answer.is_identified,
            next_link: answer.next_link,
            body: DataBody::Whole(answer.body),
        };
        let preferred = Preferred { page_size: PageSize::preferred(&parts.headers), omits: None };
        let response = answer::respond(answer, preferred, &parts.headers);
        let mut response = response.unwrap_or_else(|problem| self.refuse(problem, parts));
        if parts.method == Method::HEAD {
            DataCaller::behead(&mut response);
        }
        Self::versioned(response, parts)
    }

    async fn make(
        &self,
        changes: &[Change<'_>],
        earlier: &[(&str, &str)],
    ) -> Result<Vec<ChangeAnswer>, Failed<ODataProblem>> {
        let caller = self.changing().await.map_err(|why| Failed { at: 0, why })?;
        let targets = each(changes, |_, change| Target::of(change))?;
        let Some(first) = targets.first() else { return Ok(Vec::new()) };
        each(&targets, |_, target| {
            let is_same = target.source.eq_ignore_ascii_case(&first.source);
            let message = "changes of several data sources in one transaction are not supported";
            let problem = || ODataProblem::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message);
            is_same.then_some(()).ok_or_else(problem)
        })?;
        let source = self.data().changeable(caller, &self.request(first)).await;
        let first_change = targets.iter().position(|target| target.verb.is_some()).unwrap_or_default();
        let source = source.map_err(|refusal| Failed { at: first_change, why: refusal.into() })?;
        let conditions = each(changes, |at, change| match targets[at].verb {
            Some(_) => condition(&change.parts.headers, &changes[..at]),
            None => condition_of_read(&change.parts.headers),
        })?;
        let requests = each(changes, |at, change| {
            let (target, headers) = (&targets[at], &change.parts.headers);
            let has_json = target.verb.is_some_and(|verb| verb != Verb::Delete) && !is_raw(&target.rest);
            let numbers_as_text = has_json && content(headers)?;
            Ok(ChangeRequest {
                request: self.request(target),
                id: change.id,
                verb: target.verb,
                payload: Payload { bytes: change.body, numbers_as_text },
                condition: &conditions[at],
                wants_representation: Return::preferred(headers).map(|preferred| preferred.representation),
                repeatable: repeatability::of(headers),
            })
        })?;
        let made = self.data().change_set(caller, &source, &requests, &references(first, earlier)).await;
        made.map_err(|failed| Failed { at: failed.at, why: failed.refusal.into() })
    }

    fn request<'a>(&'a self, target: &'a Target<'_>) -> DataRequest<'a> {
        DataRequest {
            endpoint: DataEndpoint::OData,
            source: &target.source,
            path_and_query: &target.rest,
            accept: &target.accept,
            page_size: target.page_size.map(|preferred| preferred.rows),
            omits_nulls: false,
            origin: self.origin(),
            since: self.since(),
        }
    }
}

/// The entities of the same data source to which its changes may refer.
fn references(target: &Target<'_>, earlier: &[(&str, &str)]) -> References {
    let mut references = References::default();
    for (id, path) in earlier {
        let inside = path.strip_prefix(SERVICE_PATH).and_then(|path| path.strip_prefix('/'));
        let Some((source, _)) = inside.and_then(|path| path.split_once('/')) else { continue };
        if source.eq_ignore_ascii_case(&target.source) {
            references.add(id, &path[SERVICE_PATH.len() + 1 + source.len()..]);
        }
    }
    references
}

/// What becomes of each item, unless one fails.
fn each<'i, I, T>(
    items: &'i [I],
    become_of: impl Fn(usize, &'i I) -> Result<T, ODataProblem>,
) -> Result<Vec<T>, Failed<ODataProblem>> {
    let each = items.iter().enumerate();
    each.map(|(at, item)| become_of(at, item).map_err(|why| Failed { at, why })).collect()
}

/// Whether the path ends with `/$value`.
fn is_raw(rest: &str) -> bool {
    let path = rest.split('?').next().unwrap_or_default().trim_end_matches('/');
    path.ends_with("/$value") || path.ends_with("/%24value")
}

/// Whether the JSON of a body has large numbers as texts. A body of no declared type is JSON, as in Hybrid Data Pipeline.
fn content(headers: &HeaderMap) -> Result<bool, ODataProblem> {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return Ok(false) };
    let kind = kind.to_str().unwrap_or_default();
    let kind = MediaType::read(kind);
    let is_utf8 = kind.parameter("charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
    if !kind.is("application/json") || !is_utf8 {
        let message = "the body of a change is application/json";
        return Err(ODataProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BadRequest", message));
    }
    Ok(kind.parameter("IEEE754Compatible").is_some_and(|value| value.eq_ignore_ascii_case("true")))
}

/// The path and query that a request reads; `None` if it changes something.
fn read<'p>(parts: &'p Parts, rest: &'p str, body: &[u8]) -> Result<Option<Cow<'p, str>>, ODataProblem> {
    match (&parts.method, Posted::of(rest)) {
        (&Method::GET | &Method::HEAD, _) => Ok(Some(Cow::Borrowed(rest))),
        (&Method::POST, Posted::Query(path)) if !parts.headers.contains_key("x-http-method") => {
            posted::query(path, rest, &parts.headers, body).map(|rest| Some(Cow::Owned(rest)))
        }
        _ => Ok(None),
    }
}

/// A read in a set is part of a transaction that is made or not, whatever its client has.
fn condition_of_read(headers: &HeaderMap) -> Result<Condition, ODataProblem> {
    if headers.contains_key(IF_MATCH) {
        let message = "If-Match of a read among changes is not supported";
        return Err(ODataProblem::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
    }
    Ok(Condition::None)
}

/// `If-Match` or `If-None-Match`. `earlier` are the changes before it in the same set.
fn condition(headers: &HeaderMap, earlier: &[Change<'_>]) -> Result<Condition, ODataProblem> {
    let bad = |message: &str| ODataProblem::new(StatusCode::BAD_REQUEST, "BadRequest", message);
    let named = headers.get(IF_MATCH).and_then(|value| value.to_str().ok()?.trim().strip_prefix('$'));
    if let Some(id) = named.filter(|id| earlier.iter().any(|change| change.id == Some(*id))) {
        return Ok(Condition::TagAfter(id.to_owned()));
    }
    Ok(match precondition(headers) {
        Ok(Precondition::None) => Condition::None,
        Ok(Precondition::Exists) => Condition::Present,
        Ok(Precondition::IsNew) => Condition::Absent,
        Ok(Precondition::Is(tags)) => {
            Condition::Tags(tags.iter().map(|tag| unmarked(tag).to_owned()).collect())
        }
        Err(PreconditionFault::Malformed) => {
            return Err(bad("If-Match and If-None-Match contain entity tags in quotation marks, or *"));
        }
        Err(PreconditionFault::Both) => {
            return Err(bad("a change has If-Match or If-None-Match, not both"));
        }
        Err(PreconditionFault::TagOfOthers) => {
            let message = "If-None-Match with other values than * is not supported for changes";
            return Err(ODataProblem::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message));
        }
    })
}

/// The response to a change that was made ([Protocol
/// §11.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_DataModification)).
fn respond(answer: ChangeAnswer, preferred: Option<Return>) -> Response {
    let ChangeAnswer { done, tag, content, body, .. } = answer;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = match (&content, &done) {
        (None, _) => StatusCode::NO_CONTENT,
        (Some(_), Done::Created(_)) => StatusCode::CREATED,
        (Some(_), _) => StatusCode::OK,
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Done::Created(address) = &done
        && let Ok(address) = HeaderValue::from_str(address)
    {
        if content.is_none() {
            headers.insert(ENTITY_ID, address.clone());
        }
        headers.insert(LOCATION, address);
    }
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag.as_str()).ok()) {
        headers.insert(ETAG, tag);
    }
    // Neither a deletion nor a reference has a representation to choose.
    let is_applied = |preferred: &Return| content.is_some() || !preferred.representation;
    if let Some(preferred) = preferred.filter(is_applied).filter(|_| done != Done::Deleted) {
        headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(preferred.applied()));
    }
    if let Some(media_type) = content.as_ref().and_then(media_type) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}
