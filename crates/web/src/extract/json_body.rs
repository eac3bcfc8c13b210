//! A JSON body.

use std::collections::HashSet;

use axum::body::Body;
use axum::extract::FromRequest;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};

use crate::WebState;
use crate::errors::ManagementErrorCode;
use crate::http::{body, media_type};
use crate::json::{FromJson, Json, PayloadFaults, parse};
use crate::respond::management::{Detail, ManagementProblem};

/// A payload, parsed as far as possible. [`JsonBody::valid`] returns the value, or all faults at once.
///
/// The extractor itself refuses a body that is not JSON: another content type (415), too long a body (413),
/// malformed text (400, 222207007).
#[derive(Debug)]
pub struct JsonBody<T> {
    value: T,
    faults: PayloadFaults,
}

impl<T> JsonBody<T> {
    /// The value.
    ///
    /// # Errors
    /// All faults of its form.
    pub fn valid(self) -> Result<T, ManagementProblem> {
        if self.faults.is_empty() {
            Ok(self.value)
        } else {
            Err(ManagementProblem::payload(self.faults.into_details()))
        }
    }

    /// The result of rules on the value. They check it even if parts of it are missing, and everything is
    /// reported together. A member with a wrong form is not checked by rules, nor is a body that could not be
    /// parsed at all.
    ///
    /// # Errors
    /// All faults of form and of rules.
    pub fn judged<R>(self, judge: impl FnOnce(&T) -> Result<R, Vec<Detail>>) -> Result<R, ManagementProblem> {
        if self.faults.is_unreadable() {
            return Err(ManagementProblem::payload(self.faults.into_details()));
        }
        let judged = judge(&self.value);
        let mut faults = self.faults.into_details();
        match judged {
            Ok(judged) if faults.is_empty() => Ok(judged),
            Ok(_) => Err(ManagementProblem::payload(faults)),
            Err(found) => {
                let of_form: HashSet<String> =
                    faults.iter().map(|fault| member(&fault.field).to_owned()).collect();
                faults.extend(found.into_iter().filter(|fault| !of_form.contains(member(&fault.field))));
                Err(ManagementProblem::payload(faults))
            }
        }
    }
}

/// The member with which a path starts.
fn member(path: &str) -> &str {
    path.split(['[', '.']).next().unwrap_or_default()
}

impl<T: FromJson> FromRequest<WebState> for JsonBody<T> {
    type Rejection = ManagementProblem;

    async fn from_request(request: Request<Body>, state: &WebState) -> Result<Self, ManagementProblem> {
        is_json(request.headers())?;
        let bytes = read(request.into_body(), state.settings().max_body_bytes).await?;
        from_bytes(bytes)
    }
}

/// A body that may be omitted; then it counts as `{}`, and no content type is required.
impl<T: FromJson> axum::extract::OptionalFromRequest<WebState> for JsonBody<T> {
    type Rejection = ManagementProblem;

    async fn from_request(
        request: Request<Body>,
        state: &WebState,
    ) -> Result<Option<Self>, ManagementProblem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, state.settings().max_body_bytes).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        is_json(&parts.headers)?;
        from_bytes(bytes).map(Some)
    }
}

fn from_bytes<T: FromJson>(bytes: Bytes) -> Result<JsonBody<T>, ManagementProblem> {
    let parsed: Result<Json, _> = parse(&bytes);
    body::wipe(bytes);
    let mut json = parsed.map_err(|malformed| {
        let message = format!("Invalid JSON Input: {malformed}");
        ManagementProblem::new(StatusCode::BAD_REQUEST, ManagementErrorCode::InvalidJson, message)
    })?;
    let faults = PayloadFaults::default();
    let value = T::from_json(&json, &faults);
    json.wipe();
    Ok(JsonBody { value, faults })
}

fn is_json(headers: &HeaderMap) -> Result<(), ManagementProblem> {
    let refuse = |message| Err(ManagementProblem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    let Some(kind) = media_type::of_body(headers).filter(|kind| kind.is(media_type::JSON)) else {
        return refuse("the body must be application/json, and Content-Type must say so");
    };
    if media_type::is_utf8(&kind) { Ok(()) } else { refuse("the body must be in UTF-8") }
}

async fn read(body: Body, most: usize) -> Result<Bytes, ManagementProblem> {
    body::read(body, most)
        .await
        .map_err(|unread| ManagementProblem::of_status(unread.status(), unread.to_string()))
}
