//! Ids in the path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::WebState;
use crate::respond::management::ManagementProblem;

/// A trait for the parameters in a route's path: one id, or several in order.
pub trait FromPath: Sized {
    /// Parses the segments; `None` if one of them is not an id.
    fn from_path(segments: &mut dyn Iterator<Item = &str>) -> Option<Self>;
}

impl<T: FromStr> FromPath for (T,) {
    fn from_path(segments: &mut dyn Iterator<Item = &str>) -> Option<Self> {
        Some((segments.next()?.parse().ok()?,))
    }
}

impl<A: FromStr, B: FromStr> FromPath for (A, B) {
    fn from_path(segments: &mut dyn Iterator<Item = &str>) -> Option<Self> {
        Some((segments.next()?.parse().ok()?, segments.next()?.parse().ok()?))
    }
}

impl<A: FromStr, B: FromStr, C: FromStr> FromPath for (A, B, C) {
    fn from_path(segments: &mut dyn Iterator<Item = &str>) -> Option<Self> {
        Some((segments.next()?.parse().ok()?, segments.next()?.parse().ok()?, segments.next()?.parse().ok()?))
    }
}

/// The ids in the path as a tuple, such as `Path((id,)): Path<(ApplicationId,)>`. A segment that is not an
/// id, or is too large for one, gets the same 404 as an unknown id.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: FromPath> FromRequestParts<WebState> for Path<T> {
    type Rejection = ManagementProblem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, ManagementProblem> {
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else {
            return Err(ManagementProblem::not_found());
        };
        let mut segments = params.iter().map(|(_, segment)| segment);
        T::from_path(&mut segments).map(Self).ok_or_else(ManagementProblem::not_found)
    }
}
