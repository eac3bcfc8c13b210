//! What monitoring can see: whether the process is alive, whether it can work, and its counters.

use app::node::NodeService;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use crate::extract::Use;
use crate::respond::text;
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
    text::plain(StatusCode::OK, "ok\n".to_owned())
}

/// `GET /readyz`: the database is writable, the change feed is current, and the server is not draining;
/// otherwise 503 with the reason.
pub async fn readiness(Use(node): Use<NodeService>) -> Response {
    if node.is_draining() {
        return text::plain(StatusCode::SERVICE_UNAVAILABLE, "told to stop\n".to_owned());
    }
    match node.readiness().await {
        // What needs no signature of the signer is still served, and every other node may have lost the same signer.
        Ok(()) if node.signer_is_down() => {
            text::plain(StatusCode::OK, "ready, but the signer does not answer\n".to_owned())
        }
        Ok(()) => text::plain(StatusCode::OK, "ready\n".to_owned()),
        Err(fault) => {
            fault.note("not ready");
            text::plain(StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n"))
        }
    }
}

/// `GET /metrics`: counters in the text format of `OpenMetrics`.
pub async fn metrics(Use(node): Use<NodeService>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    text::of_kind(StatusCode::OK, node.encode_metrics(), kind)
}
