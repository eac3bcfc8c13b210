//! Every route, on one screen.

use axum::Router;
use axum::routing::get;

use crate::{Gate, assets, front, observation, reference};

/// All routes with their handlers.
#[rustfmt::skip]
pub fn router(gate: Gate) -> Router {
    Router::new()
        .route("/healthz",          get(observation::health))
        .route("/readyz",           get(observation::readiness))
        .route("/metrics",          get(observation::metrics))
        .route("/openapi.json",     get(reference::openapi))
        .route("/docs",             get(reference::page))
        .route("/assets/style.css", get(assets::style))
        .fallback(front::unknown_path)
        .method_not_allowed_fallback(front::wrong_method)
        .with_state(gate)
}
