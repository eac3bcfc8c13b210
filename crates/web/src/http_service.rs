//! What happens to every request before and after its route: the path of the public URL, a request id, the length of
//! its address, the body that a proof names, a guard against panics, error pages, security headers, a line in the access
//! log, and the counters.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use app::node::NodeService;
use app::node::access_note::{self, AccessNote};
use app::node::metrics::{RequestLabels, Word};
use axum::Router;
use axum::body::HttpBody as _;
use axum::body::{Body, Bytes};
use axum::response::Response;
use domain::time::Timestamp;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue, ORIGIN};
use http::{Method, Request, StatusCode};
use http_body::Frame;
use tower::Service;

use crate::http::authorization::Authorization;
use crate::http::base_path::BasePath;
use crate::http::client_certificate;
use crate::http::faults::{SHORTLY, set_retry_after};
use crate::http::host;
use crate::http::leftover::Leftover;
use crate::http::origin::{self, RequestId};
use crate::http::{body, proof};
use crate::respond::{Area, page, text};
use crate::trace::OpenSpan;
use crate::{WebState, odata};
use cors::CrossOrigin;

mod access;
mod cors;
pub(crate) mod loggable;
mod request_ids;

use request_ids::RequestIds;

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const ATTESTATION_CHALLENGE: HeaderName = HeaderName::from_static("oauth-client-attestation-challenge");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The server as a service.
#[derive(Clone)]
pub struct HttpService {
    state: WebState,
    router: Router,
    ids: Arc<RequestIds>,
}

impl HttpService {
    pub(crate) fn new(state: WebState, router: Router) -> Self {
        let ids = Arc::new(RequestIds::new(state.node().random_number()));
        Self { state, router, ids }
    }

    /// The node on which the service runs.
    pub fn node(&self) -> &NodeService {
        self.state.node()
    }

    /// Responds to a request from a connection; it must first name exactly one host.
    pub fn answer_from_network(self, mut request: Request<Body>) -> impl Future<Output = Response> + Send {
        let fault = host::is_named_once(&request).err().map(|fault| (StatusCode::BAD_REQUEST, fault));
        let fault =
            fault.or_else(|| self.is_too_long(&request)).or_else(|| self.certificate_fault(&mut request));
        self.answer_or_refuse(request, fault)
    }

    /// Responds to a request.
    pub fn answer(self, mut request: Request<Body>) -> impl Future<Output = Response> + Send {
        let fault = self.is_too_long(&request).or_else(|| self.certificate_fault(&mut request));
        self.answer_or_refuse(request, fault)
    }

    /// Takes the certificate that a proxy passes on.
    fn certificate_fault(&self, request: &mut Request<Body>) -> Option<(StatusCode, &'static str)> {
        let taken = client_certificate::take_from_proxy(request, self.state.settings());
        taken.err().map(|fault| (StatusCode::BAD_REQUEST, fault))
    }

    fn is_too_long(&self, request: &Request<Body>) -> Option<(StatusCode, &'static str)> {
        let is_too_long = uri_length(request) > self.state.settings().max_uri_bytes;
        is_too_long.then_some((StatusCode::URI_TOO_LONG, "the address of the request is too long"))
    }

    async fn answer_or_refuse(
        mut self,
        mut request: Request<Body>,
        refused: Option<(StatusCode, &'static str)>,
    ) -> Response {
        let began = self.state.node().now();
        let id = self.ids.next();
        let is_head = request.method() == Method::HEAD;
        let is_outside = self.state.base().take_from(request.uri_mut()).is_err();
        request.extensions_mut().insert(RequestId(id.clone()));
        let area = if is_outside { Area::Page } else { Area::of(request.uri().path()) };
        let seen = Seen {
            area,
            used_basic: area == Area::Page && !matches!(Authorization::find(request.headers()), Ok(None)),
            method: loggable::method(request.method()),
            address: origin::address(request.extensions(), request.headers(), self.state.settings()),
            id,
            began,
            span: self.begin_span(&request, began),
        };
        let uri = request.uri().clone();
        let cross_origin = if request.headers().contains_key(ORIGIN) {
            let (method, headers) = (request.method(), request.headers());
            // Boxed, so that other requests do not carry the state that only this one needs.
            Box::pin(CrossOrigin::of(method, uri.path(), headers, area, &self.state)).await
        } else {
            None
        };
        let leftover = Leftover::watch(&mut request);
        let mut refused = refused
            .or_else(|| body_fault(&request))
            .map(|(status, message)| (status, Cow::Borrowed(message)));
        if refused.is_none() && !is_outside && proof::may_name_body(&request) {
            // Boxed, for the same reason.
            refused = Box::pin(self.read_proved_body(&mut request, area)).await;
        }
        let mut known = AccessNote::default();
        let response = if let Some((status, message)) = refused {
            drop(request);
            refuse(area, status, &message)
        } else if is_outside {
            drop(request);
            outside(self.state.base())
        } else {
            let answering = pin!(self.router.call(request));
            let answered = Guarded { answering, access_note: &mut known }.await;
            answered.unwrap_or_else(|_| area.refuse(StatusCode::INTERNAL_SERVER_ERROR, "the server failed"))
        };
        let mut response = page::complete(response, self.state.base());
        if let Some(leftover) = leftover {
            // Boxed, so that requests without a body do not carry the state that only this one needs.
            Box::pin(leftover.settle(&mut response)).await;
        }
        if is_head {
            withhold_body(&mut response);
        }
        if known.offers_nonce {
            self.tell_nonce(&mut response, DPOP_NONCE);
        }
        if known.offers_challenge {
            self.tell_nonce(&mut response, ATTESTATION_CHALLENGE);
        }
        if let Some(cross_origin) = cross_origin {
            cross_origin.finish(&mut response);
        }
        self.add_headers(&mut response, &seen);
        self.record(response, seen, known, uri.path())
    }

    /// Begins the span of a request, if there is a collector.
    fn begin_span(&self, request: &Request<Body>, began: Timestamp) -> Option<Box<OpenSpan>> {
        let spans = self.state.settings().spans.as_ref()?;
        OpenSpan::begin(spans, request.headers(), self.state.node(), began)
    }

    /// Reads a body that a proof may name, before the route does; returns why it cannot be read. Its sender is not
    /// authenticated yet, so only the management API may get more than a form.
    async fn read_proved_body(
        &self,
        request: &mut Request<Body>,
        area: Area,
    ) -> Option<(StatusCode, Cow<'static, str>)> {
        let longest = self.state.settings().max_body_bytes;
        let most = if area == Area::Management { longest } else { body::MOST_OF_FORM.min(longest) };
        let unread = proof::read_body(request, most, self.state.node()).await.err()?;
        Some((unread.status(), unread.to_string().into()))
    }

    /// Tells the nonce for the next proof ([RFC 9449 §8.2](https://www.rfc-editor.org/rfc/rfc9449#section-8.2)), which is also
    /// the challenge for the next proof of an attestation.
    fn tell_nonce(&self, response: &mut Response, header: HeaderName) {
        if let Ok(nonce) = HeaderValue::from_str(&self.state.node().dpop_nonce()) {
            response.headers_mut().insert(header, nonce);
        }
    }

    fn add_headers(&self, response: &mut Response, seen: &Seen) {
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            set_retry_after(response, Some(SHORTLY));
        }
        let unauthenticated = response.status() == StatusCode::UNAUTHORIZED;
        let is_unmodified = response.status() == StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        if is_unmodified {
            // The router sets the length of the body that is not sent, not of the one that the client has.
            headers.remove(CONTENT_LENGTH);
        }
        if let Some(location) = headers.get_mut(http::header::LOCATION) {
            self.state.base().put_before(location);
        }
        if unauthenticated && !headers.contains_key(http::header::WWW_AUTHENTICATE) {
            let challenge = HeaderValue::from_static(seen.area.challenge(seen.used_basic));
            headers.insert(http::header::WWW_AUTHENTICATE, challenge);
        }
        headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(&seen.id) {
            headers.insert(X_REQUEST_ID, id);
        }
        if self.state.settings().tls {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.insert(http::header::STRICT_TRANSPORT_SECURITY, year);
        }
    }

    fn record(&self, response: Response, seen: Seen, access_note: AccessNote, path: &str) -> Response {
        let node = self.state.node();
        let status = response.status();
        let micros = node.now().as_micros().saturating_sub(seen.began.as_micros()).max(0);
        let labels = RequestLabels { area: Word(seen.area.as_str()), status: Word(class_of(status)) };
        node.metrics().requests.inc(labels);
        #[expect(clippy::cast_precision_loss, reason = "a request does not take 285 years")]
        node.metrics().request_seconds.of(seen.area.as_str()).observe(micros as f64 / 1e6);
        let line = access::AccessLine {
            request_id: seen.id,
            address: seen.address,
            method: seen.method,
            path: loggable::path(path),
            status,
            micros,
            access_note,
            area: seen.area.as_str(),
            span: seen.span,
        };
        response.map(|body| line.write_after(body))
    }
}

/// What is wrong with the description of the body, if there is one.
fn body_fault(request: &Request<Body>) -> Option<(StatusCode, &'static str)> {
    if request.body().is_end_stream() { None } else { body::is_described_plainly(request.headers()).err() }
}

/// Refuses a request because of its form. If the coding of its body is not supported, "the `Accept-Encoding` response header
/// field ought to be used to indicate what (if any) content codings would have been accepted" ([RFC 9110
/// §15.5.16](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16)).
fn refuse(area: Area, status: StatusCode, message: &str) -> Response {
    let mut response = area.refuse(status, message);
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    response
}

impl Service<Request<Body>> for HttpService {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answering = self.clone().answer(request);
        Box::pin(async { Ok(answering.await) })
    }
}

/// The facts about a request when its response is sent.
struct Seen {
    area: Area,
    /// Whether a browser sent credentials in a header to a page.
    used_basic: bool,
    method: &'static str,
    address: Option<std::net::IpAddr>,
    id: Arc<str>,
    began: Timestamp,
    span: Option<Box<OpenSpan>>,
}

/// A future whose panic becomes a response instead of a broken connection, and whose notes are collected.
struct Guarded<'a, F> {
    answering: Pin<&'a mut F>,
    access_note: &'a mut AccessNote,
}

/// It panicked; the panic hook has logged the location.
struct Panicked;

impl<F: Future<Output = Result<Response, Infallible>>> Future for Guarded<'_, F> {
    type Output = Result<Response, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { answering, access_note } = &mut *self;
        let step = || std::panic::catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(context)));
        match access_note::step(access_note, step) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(response)),
            Ok(Poll::Ready(Err(never))) => match never {},
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}

/// Responds to HEAD like GET, without the body: HTTP/2 would send it. The router has removed the body that it responds
/// with, and set the length if it knew it.
fn withhold_body(response: &mut Response) {
    if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    let is_unknown = !response.headers().contains_key(CONTENT_LENGTH);
    let has_body =
        response.status() != StatusCode::NO_CONTENT && response.status() != StatusCode::NOT_MODIFIED;
    // The length of an empty body would be set as the length of the body that GET gets.
    *response.body_mut() = if is_unknown && has_body { Body::new(Withheld) } else { Body::empty() };
}

/// A body of unknown length, of which nothing is sent.
struct Withheld;

impl axum::body::HttpBody for Withheld {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

fn uri_length<B>(request: &Request<B>) -> usize {
    request.uri().path_and_query().map_or(0, |address| address.as_str().len())
}

fn class_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Responds to a request for an address that is not below the public URL. It is not a redirect: a proxy that removes the path
/// would come back to the same address.
fn outside(base: &BasePath) -> Response {
    let message = format!(
        "There is nothing at this address: everything here is below {base}\n\
         If you asked for an address below it, a proxy removes {base} on the way; it must pass paths on unchanged.\n"
    );
    text::plain(StatusCode::NOT_FOUND, message)
}

/// Responds to a path without a route, in the format of its area.
pub(crate) async fn unknown_path(request: Request<Body>) -> Response {
    Area::of(request.uri().path()).refuse(StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// Responds to a method that the route does not have, in the format of its area; the router adds `Allow`.
pub(crate) async fn wrong_method(request: Request<Body>) -> Response {
    let area = Area::of(request.uri().path());
    if area == Area::OData {
        return odata::without_route(&request);
    }
    let message = format!("{} is not supported at this address", request.method());
    area.refuse(StatusCode::METHOD_NOT_ALLOWED, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_area_responds_in_its_own_format() {
        assert!(matches!(Area::of("/api/odata4/crm"), Area::OData));
        assert!(matches!(Area::of("/oauth2/token"), Area::OAuth));
        assert!(matches!(Area::of("/api/mgmt/oauth2/token"), Area::OAuth));
        assert!(matches!(Area::of("/oauth2/authorize"), Area::Page));
        assert!(matches!(Area::of("/api/mgmt/oauth/client/applications"), Area::Management));
        assert!(matches!(Area::of("/login"), Area::Page));
    }
}
