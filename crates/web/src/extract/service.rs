//! The service that a handler uses.

use std::convert::Infallible;

use app::App;
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::WebState;

/// The service of one subject. A handler lists the services that it uses, and reaches no other.
#[derive(Debug, Clone)]
pub struct Use<S>(pub S);

impl<S: for<'a> From<&'a App>> FromRequestParts<WebState> for Use<S> {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        Ok(Self(state.service()))
    }
}
