//! `GET /oauth2/jwks`: the public keys for signatures of the server ([RFC 7517
//! §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).

use app::node::signing_keys::SigningKeyService;
use axum::body::Body;
use axum::response::Response;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::faulty;
use crate::extract::Use;

use crate::http::conditional::none_match_fails;
use crate::http::origin::ClientOrigin;

/// Shorter than the time in which a new key is published and does not sign yet.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The keys; public, so any origin may read them.
pub async fn show(
    Use(keys): Use<SigningKeyService>,
    ClientOrigin(origin): ClientOrigin,
    asked: HeaderMap,
) -> Response {
    let keys = match keys.published(&origin).await {
        Ok(keys) => keys,
        Err(fault) => return faulty(&fault),
    };
    let mut response = Response::new(Body::empty());
    if none_match_fails(&asked, &keys.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(keys.json.clone());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHED);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Ok(tag) = HeaderValue::from_str(&keys.etag) {
        headers.insert(ETAG, tag);
    }
    response
}
