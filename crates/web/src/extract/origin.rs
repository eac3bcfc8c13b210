//! The origin of a request, as an argument of a handler.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::WebState;
use crate::http::origin;

impl FromRequestParts<WebState> for origin::ClientOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        Ok(Self(origin::of(&parts.extensions, &parts.headers, state.settings())))
    }
}
