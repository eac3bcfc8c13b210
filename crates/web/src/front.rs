//! What every request passes before and after its route: a request id, the length of its address, a guard against
//! panics, headers for safety, one line in the log, and the counters.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use app::metrics::{RequestLabels, Word};
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{HeaderName, HeaderValue};
use http::{Request, StatusCode};
use oauth::time::Timestamp;
use tower::Service;

use crate::origin::RequestId;
use crate::respond::Area;
use crate::{Gate, odata};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The server as a service.
#[derive(Clone)]
pub struct Front {
    gate: Gate,
    router: Router,
    ids: Arc<RequestIds>,
}

impl Front {
    pub(crate) fn new(gate: Gate, router: Router) -> Self {
        let ids = Arc::new(RequestIds { start: gate.app().random_number(), next: AtomicU64::new(0) });
        Self { gate, router, ids }
    }

    /// Answers one request.
    pub async fn answer(mut self, mut request: Request<Body>) -> Response {
        let began = self.gate.app().now();
        let id = self.ids.next();
        request.extensions_mut().insert(RequestId(id.clone()));
        let seen = Seen { area: Area::of(request.uri().path()), method: request.method().clone(), id, began };
        let uri = request.uri().clone();
        let path = loggable_path(uri.path());
        let mut response = if uri_length(&request) > self.gate.settings().max_uri_bytes {
            seen.area.refuse(StatusCode::URI_TOO_LONG, "the address of the request is too long")
        } else {
            let answering = pin!(self.router.call(request));
            Guarded(answering)
                .await
                .unwrap_or_else(|_| seen.area.refuse(StatusCode::INTERNAL_SERVER_ERROR, "the server failed"))
        };
        self.add_headers(&mut response, &seen);
        self.record(&response, &seen, &path);
        response
    }

    fn add_headers(&self, response: &mut Response, seen: &Seen) {
        let unavailable = response.status() == StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        if unavailable && !headers.contains_key(http::header::RETRY_AFTER) {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
        }
        headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(&seen.id) {
            headers.insert(X_REQUEST_ID, id);
        }
        if self.gate.settings().tls {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.insert(http::header::STRICT_TRANSPORT_SECURITY, year);
        }
    }

    fn record(&self, response: &Response, seen: &Seen, path: &str) {
        let app = self.gate.app();
        let status = response.status();
        let micros = app.now().as_micros().saturating_sub(seen.began.as_micros()).max(0);
        let labels = RequestLabels { area: Word(seen.area.as_str()), status: Word(class_of(status)) };
        app.metrics().requests.get_or_create(&labels).inc();
        #[expect(clippy::cast_precision_loss, reason = "a request does not take 285 years")]
        app.metrics().request_seconds.observe(micros as f64 / 1e6);
        let noted = response.extensions().get::<Noted>();
        tracing::info!(
            target: "access",
            request_id = &*seen.id,
            method = seen.method.as_str(),
            path,
            status = status.as_u16(),
            micros,
            what = noted.map(|noted| noted.what),
            application = noted.map(|noted| noted.application),
        );
    }
}

impl Service<Request<Body>> for Front {
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

/// When to come back to a server that cannot work at present, where nothing better is known.
const RETRY_AFTER_SECS: &str = "2";

/// What a handler wants said in the line of the log; it puts this into the extensions of its response.
#[derive(Debug, Clone, Copy)]
pub struct Noted {
    /// What was done, in a word.
    pub what: &'static str,
    /// For which application.
    pub application: i64,
}

/// What is known of a request when its answer goes out.
struct Seen {
    area: Area,
    method: http::Method,
    id: Arc<str>,
    began: Timestamp,
}

/// Request ids: unique in this process by a counter, and across restarts by a random start.
struct RequestIds {
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    fn next(&self) -> Arc<str> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{number:x}", self.start).into()
    }
}

/// A future whose panic becomes an answer instead of a broken connection.
struct Guarded<'a, F>(Pin<&'a mut F>);

/// It panicked; the panic hook has logged where.
struct Panicked;

impl<F: Future<Output = Result<Response, Infallible>>> Future for Guarded<'_, F> {
    type Output = Result<Response, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = self.0.as_mut();
        match std::panic::catch_unwind(AssertUnwindSafe(|| inner.poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(response)),
            Ok(Poll::Ready(Err(never))) => match never {},
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}

fn uri_length<B>(request: &Request<B>) -> usize {
    request.uri().path_and_query().map_or(0, |address| address.as_str().len())
}

/// The path without what stands in parentheses: keys of entities are people's data. Queries are never logged at all.
fn loggable_path(path: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| !matches!(byte, b'(' | b'%') && !byte.is_ascii_control();
    if path.len() <= MOST_LOGGED && path.bytes().all(is_plain) {
        return Cow::Borrowed(path);
    }
    // Searching costs more than all the rest, and few paths have anything encoded.
    let path = if path.contains('%') {
        Cow::Owned(path.replace("%28", "(").replace("%29", ")"))
    } else {
        Cow::Borrowed(path)
    };
    let mut shown = String::with_capacity(path.len().min(MOST_LOGGED));
    let mut depth = 0_usize;
    shown.extend(path.chars().take(MOST_LOGGED).filter_map(|character| {
        let is_shown = match character {
            '(' => {
                depth += 1;
                depth == 1
            }
            ')' => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            _ => depth == 0,
        };
        is_shown.then_some(if character.is_control() { '?' } else { character })
    }));
    Cow::Owned(shown)
}

/// Longer paths are cut in the log.
const MOST_LOGGED: usize = 200;

fn class_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Answers a path that no route has, in the form of its area.
pub(crate) async fn unknown_path(request: Request<Body>) -> Response {
    Area::of(request.uri().path()).refuse(StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// Answers a method that the route does not have, in the form of its area; the router adds `Allow`.
pub(crate) async fn wrong_method(request: Request<Body>) -> Response {
    let area = Area::of(request.uri().path());
    if let (Area::OData, Some(known)) = (area, odata::unsupported::named(&request)) {
        return area.refuse(StatusCode::NOT_IMPLEMENTED, &format!("{known} is not supported"));
    }
    let message = format!("{} is not supported at this address", request.method());
    area.refuse(StatusCode::METHOD_NOT_ALLOWED, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_entities_are_not_logged() {
        assert_eq!(loggable_path("/api/odata4/crm/People('Ada')/Name"), "/api/odata4/crm/People()/Name");
        assert_eq!(
            loggable_path("/api/odata4/crm/People%28%27Ada%27%29/Name"),
            "/api/odata4/crm/People()/Name"
        );
        assert_eq!(loggable_path("/api/odata4/crm/People('(')"), "/api/odata4/crm/People(");
        assert_eq!(loggable_path("/a\u{7}b"), "/a?b");
    }

    #[test]
    fn an_area_answers_in_its_own_form() {
        assert!(matches!(Area::of("/api/odata4/crm"), Area::OData));
        assert!(matches!(Area::of("/oauth2/token"), Area::OAuth));
        assert!(matches!(Area::of("/api/mgmt/oauth2/token"), Area::OAuth));
        assert!(matches!(Area::of("/oauth2/authorize"), Area::Page));
        assert!(matches!(Area::of("/api/mgmt/oauth/client/applications"), Area::Management));
        assert!(matches!(Area::of("/login"), Area::Page));
    }
}
