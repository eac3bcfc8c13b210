//! Errors in the envelope of the management API, and the formats of its responses.

use app::Fault;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::errors::ManagementErrorCode;
use crate::http::faults::{HttpFailure, set_retry_after};
use crate::respond::challenge::{Challenge, Challenged};

/// A fault of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The path of the member, such as `redirectUrls[1]`; empty for the payload itself.
    pub field: String,
    /// What is wrong, and what would be right; it continues after the name of the field.
    pub message: String,
}

/// Why a request of the management API is refused; handlers and extractors return it with `?`.
#[derive(Debug)]
pub struct ManagementProblem {
    status: StatusCode,
    code: ManagementErrorCode,
    message: String,
    details: Vec<Detail>,
    retry_after_secs: Option<u32>,
    challenges: Vec<HeaderValue>,
}

impl ManagementProblem {
    /// An error of the table, with a message for people.
    pub fn new(status: StatusCode, code: ManagementErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code, message, details: Vec::new(), retry_after_secs: None, challenges: Vec::new() }
    }

    /// A refusal because of the HTTP form of the request, with the code of the status.
    pub fn of_status(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, ManagementErrorCode::of_status(status), message)
    }

    /// Faults of single members in the payload.
    pub fn payload(mut details: Vec<Detail>) -> Self {
        shorten(&mut details);
        let message = summary(&details);
        Self { details, ..Self::new(StatusCode::BAD_REQUEST, ManagementErrorCode::InvalidPayload, message) }
    }

    /// The same problem with another number of the table.
    #[must_use]
    pub fn under(self, code: ManagementErrorCode) -> Self {
        Self { code, ..self }
    }

    /// Faults of single parameters in the query.
    pub fn parameters(mut details: Vec<Detail>) -> Self {
        shorten(&mut details);
        let message = summary(&details);
        Self { details, ..Self::new(StatusCode::BAD_REQUEST, ManagementErrorCode::InvalidParameter, message) }
    }

    /// The caller is not authenticated ([RFC 9110
    /// §15.5.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2)).
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::of_status(StatusCode::UNAUTHORIZED, message)
    }

    /// The same problem with these challenges.
    #[must_use]
    pub(crate) fn with(mut self, challenges: &[Challenge], facts: Challenged<'_>) -> Self {
        self.challenges.extend(facts.values(challenges));
        self
    }

    /// The caller is authenticated but lacks the right; in Hybrid Data Pipeline's words.
    pub fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            ManagementErrorCode::PermissionMissing,
            "You lack the permissions to access this url.",
        )
    }

    /// The rights on which the decision rests were withdrawn.
    pub fn rights_changed() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ManagementErrorCode::RightsChanged,
            "Your rights changed while this was being done, so nothing was done. Try again.",
        )
    }

    /// No entry has that id, or it belongs to somebody else: the two cannot be distinguished.
    pub fn not_found() -> Self {
        Self::of_status(StatusCode::NOT_FOUND, "There is nothing with that id.")
    }

    /// Too many attempts.
    pub fn too_often(retry_after_secs: u32) -> Self {
        let message = format!("There were too many attempts; try again in {retry_after_secs} seconds.");
        let problem = Self::of_status(StatusCode::TOO_MANY_REQUESTS, message);
        Self { retry_after_secs: Some(retry_after_secs), ..problem }
    }

    /// The server failed at what `failed` names. The cause is logged, never sent to the caller.
    pub fn server(fault: &Fault, failed: ManagementErrorCode) -> Self {
        fault.note(failed.server_fault());
        let message = format!("{}: {fault}. Please try again at another time.", failed.server_fault());
        let HttpFailure { status, retry_after_secs } = HttpFailure::from(fault);
        Self { retry_after_secs, ..Self::new(status, failed, message) }
    }
}

impl IntoResponse for ManagementProblem {
    fn into_response(self) -> Response {
        let mut response = error(self.status, self.code.number(), &self.message, &self.details);
        let headers = response.headers_mut();
        for challenge in self.challenges {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
        set_retry_after(&mut response, self.retry_after_secs);
        response
    }
}

/// The maximum number of reported faults: nobody reads more, and a response must not be many times as long as
/// its request.
const MOST_DETAILS: usize = 100;

fn shorten(details: &mut Vec<Detail>) {
    let more = details.len().saturating_sub(MOST_DETAILS);
    if more > 0 {
        details.truncate(MOST_DETAILS);
        details.push(Detail { field: String::new(), message: format!("has {more} more faults") });
    }
}

/// The only fault in words, or the number of faults and the first one.
fn summary(details: &[Detail]) -> String {
    let sentence = |detail: &Detail| {
        let subject = if detail.field.is_empty() { "the payload" } else { &detail.field };
        format!("{subject} {}", detail.message)
    };
    match details {
        [] => "the request is at fault".to_owned(),
        [only] => sentence(only),
        several => several.iter().map(sentence).collect::<Vec<_>>().join("; "),
    }
}

/// An error in the envelope. `code` is a stable number from the [error table](crate::errors).
pub fn error(status: StatusCode, code: u32, message: &str, details: &[Detail]) -> Response {
    let mut error = serde_json::json!({ "code": code, "message": { "lang": "en-US", "value": message } });
    if !details.is_empty() {
        error["details"] = serde_json::json!(details);
    }
    json(status, &serde_json::json!({ "error": error }))
}

/// Any body as JSON; responses of the management API contain personal data and are never cached.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_bytes(status, Body::from(serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec())))
}

/// The same for a body that is already JSON.
pub(crate) fn json_bytes(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 201 with the path of the created entity, and the entity.
pub fn created(path: &str, body: &impl Serialize) -> Response {
    let mut response = json(StatusCode::CREATED, body);
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// 204: success without content.
pub fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Refuses a request because of its HTTP form.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    ManagementProblem::of_status(status, message).into_response()
}

/// A time in the format of [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339), in UTC, with microseconds if
/// they are not zero.
pub fn rfc3339(at: domain::time::Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// The time that a text of this format names; `None` for any other text.
pub fn from_rfc3339(text: &str) -> Option<domain::time::Timestamp> {
    let time = text.parse::<jiff::Timestamp>().ok()?;
    Some(domain::time::Timestamp::from_micros(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_to_a_server_failure_does_not_contain_its_cause() {
        let fault = Fault::Broken("row 17 of table secrets".into());
        let problem = ManagementProblem::server(&fault, ManagementErrorCode::ListFailed);
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.message.contains("row 17"), "{}", problem.message);
        assert!(problem.message.ends_with("Please try again at another time."));
    }

    #[test]
    fn times_are_formatted_in_utc() {
        assert_eq!(rfc3339(domain::time::Timestamp::from_secs(0)), "1970-01-01T00:00:00Z");
    }
}
