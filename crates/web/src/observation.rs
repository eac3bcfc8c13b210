//! What monitoring can see: whether the process is alive, whether it can work, and its counters.

use app::node::NodeService;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

use crate::extract::Use;
use crate::{WebState, http_service};

/// The routes of the metrics listener.
pub fn routes(state: WebState) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .fallback(http_service::unknown_path)
        .method_not_allowed_fallback(http_service::wrong_method)
        .with_state(state)
}

/// `GET /healthz`: the process responds.
pub async fn health() -> Response {
    text(StatusCode::OK, "ok\n".to_owned(), "text/plain; charset=utf-8")
}

/// `GET /readyz`: the database is writable, the change feed is current, and the server is not draining;
/// otherwise 503 with the reason.
pub async fn readiness(Use(node): Use<NodeService>) -> Response {
    if node.is_draining() {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "told to stop\n".to_owned(),
            "text/plain; charset=utf-8",
        );
    }
    match node.readiness().await {
        Ok(()) => text(StatusCode::OK, "ready\n".to_owned(), "text/plain; charset=utf-8"),
        Err(fault) => {
            fault.note("not ready");
            text(StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n"), "text/plain; charset=utf-8")
        }
    }
}

/// `GET /metrics`: counters in the text format of `OpenMetrics`.
pub async fn metrics(Use(node): Use<NodeService>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    text(StatusCode::OK, node.encode_metrics(), kind)
}

pub(crate) fn text(status: StatusCode, body: String, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
