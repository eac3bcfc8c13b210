//! Errors in the format of OData ([OData JSON 4.01
//! §21.1](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ErrorResponse)).

use app::Fault;
use app::data::{BrokenRule, DataRefusal, SourceFailure};
use app::identity::addresses::AddressRefusal;
use app::identity::authentication::BearerRefusal;
use app::identity::issued_tokens::IssuedTokenRefusal;
use app::identity::personal_access::PersonalAccessRefusal;
use app::identity::sign_in::SignInRefusal;
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderValue};
use oauth::error::ErrorCode;
use oauth::profile::ProfileRules;
use oauth::proof::TokenType;
use oauth::protected_resource::ChallengingResource;
use oauth::resource::DataEndpoint;
use oauth::step_up::StepUp;
use odata::error::{Error, Kind};
use serde::Serialize;

use crate::http::faults::{HttpFailure, SHORTLY, set_retry_after};
use crate::respond::challenge::{self, Challenge, Challenged};

/// The challenge after a sign-in that is too old. A user name and a password are as good as a new one.
const SIGN_IN_TOO_OLD: &[Challenge] =
    &[Challenge::Presented(ErrorCode::InsufficientUserAuthentication), Challenge::Basic];

/// Why a request for data is refused, on the wire.
#[derive(Debug)]
pub struct ODataProblem {
    status: StatusCode,
    code: &'static str,
    message: String,
    target: Option<&'static str>,
    retry_after_secs: Option<u32>,
    challenges: &'static [Challenge],
    /// What the resource demands of the sign-in.
    step_up: StepUp,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorMembers<'a>,
}

#[derive(Serialize)]
struct ErrorMembers<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

impl ODataProblem {
    /// A problem with its stable code and a message for people.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
            target: None,
            retry_after_secs: None,
            challenges: &[],
            step_up: StepUp::default(),
        }
    }

    /// The caller is not authenticated; either scheme will do.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::UNAUTHORIZED, "NotAuthenticated", message);
        let challenges =
            &[Challenge::Token(TokenType::Bearer), Challenge::Basic, Challenge::Token(TokenType::Dpop)];
        Self { challenges, ..problem }
    }

    /// The request names no caller, because of its form ([RFC 6750
    /// §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    pub fn malformed(message: impl Into<String>) -> Self {
        Self { challenges: challenge::MALFORMED, ..Self::new(StatusCode::BAD_REQUEST, "BadRequest", message) }
    }

    /// The response to a request at the resource whose metadata is at this URL, with a token of this type if it has one
    /// ([RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)). `rules` are those of the minimum profile.
    pub fn at(
        self,
        metadata_url: impl FnOnce() -> String,
        rules: &ProfileRules,
        presented: Option<TokenType>,
    ) -> Response {
        let mut response = error(self.status, self.code, &self.message, self.target);
        if !self.challenges.is_empty() {
            let metadata_url = metadata_url();
            let resource = ChallengingResource::of_data(DataEndpoint::OData, &metadata_url, rules.algorithms);
            let facts = Challenged { resource, presented, step_up: self.step_up };
            let is_open = |one: &&Challenge| rules.passwords_for_data || **one != Challenge::Basic;
            let open: Vec<_> = self.challenges.iter().filter(is_open).copied().collect();
            facts.add(&open, response.headers_mut());
        }
        set_retry_after(&mut response, self.retry_after_secs);
        response
    }

    /// The status, the stable code and the message for people.
    pub(crate) fn parts(&self) -> (StatusCode, &'static str, &str) {
        (self.status, self.code, &self.message)
    }

    /// When to try again, in seconds.
    pub(crate) const fn retry_after_secs(&self) -> Option<u32> {
        self.retry_after_secs
    }

    fn later(self) -> Self {
        Self { retry_after_secs: Some(SHORTLY), ..self }
    }
}

impl From<BearerRefusal> for ODataProblem {
    fn from(refusal: BearerRefusal) -> Self {
        match refusal {
            BearerRefusal::Dead | BearerRefusal::DeadBound | BearerRefusal::Unproved(_) => {
                let problem = Self::new(StatusCode::UNAUTHORIZED, "InvalidToken", refusal.to_string());
                Self { challenges: Challenge::after(&refusal), ..problem }
            }
            BearerRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<AddressRefusal> for ODataProblem {
    fn from(refusal: AddressRefusal) -> Self {
        match refusal {
            AddressRefusal::NotAllowed => {
                Self::new(StatusCode::FORBIDDEN, "AddressNotAllowed", refusal.to_string())
            }
            AddressRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<IssuedTokenRefusal> for ODataProblem {
    fn from(refusal: IssuedTokenRefusal) -> Self {
        let message = refusal.to_string();
        let code = match refusal {
            IssuedTokenRefusal::ServiceUnknown | IssuedTokenRefusal::ServiceUnnamed => "UnknownService",
            IssuedTokenRefusal::Dead | IssuedTokenRefusal::Unbound => "InvalidToken",
            IssuedTokenRefusal::Fault(fault) => return fault.into(),
        };
        Self { challenges: challenge::DEAD, ..Self::new(StatusCode::UNAUTHORIZED, code, message) }
    }
}

impl From<PersonalAccessRefusal> for ODataProblem {
    fn from(refusal: PersonalAccessRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            PersonalAccessRefusal::Dead | PersonalAccessRefusal::SwitchedOff => {
                let challenges = &[Challenge::Presented(ErrorCode::InvalidToken), Challenge::Basic];
                Self { challenges, ..Self::new(StatusCode::UNAUTHORIZED, "InvalidToken", message) }
            }
            PersonalAccessRefusal::TooOften { retry_after_secs } => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
                Self { retry_after_secs: Some(retry_after_secs), ..problem }
            }
            PersonalAccessRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<SignInRefusal> for ODataProblem {
    fn from(refusal: SignInRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            SignInRefusal::Refused
            | SignInRefusal::Locked { .. }
            | SignInRefusal::PasswordExpired
            | SignInRefusal::SecondFactorNeeded
            | SignInRefusal::AddressNotAllowed
            | SignInRefusal::WrongCode
            | SignInRefusal::StepExpired => Self::unauthenticated(message),
            SignInRefusal::TooOften { retry_after_secs } => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
                Self { retry_after_secs: Some(retry_after_secs), ..problem }
            }
            SignInRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<Fault> for ODataProblem {
    fn from(fault: Fault) -> Self {
        fault.note("a request for data failed");
        let HttpFailure { status, retry_after_secs } = HttpFailure::from(&fault);
        Self { retry_after_secs, ..Self::new(status, code_of(status), fault.to_string()) }
    }
}

impl From<DataRefusal> for ODataProblem {
    fn from(refusal: DataRefusal) -> Self {
        let (message, step_up) = (refusal.to_string(), refusal.step_up());
        match refusal {
            DataRefusal::MissingScope(_) => {
                let problem = Self::new(StatusCode::FORBIDDEN, "InsufficientScope", message);
                Self { challenges: challenge::NARROW, ..problem }
            }
            DataRefusal::NotGranted => Self::new(StatusCode::FORBIDDEN, "AccessNotGranted", message),
            DataRefusal::MissingPermission => Self::new(StatusCode::FORBIDDEN, "PermissionMissing", message),
            DataRefusal::SignInTooOld { .. } => {
                let problem = Self::new(StatusCode::UNAUTHORIZED, "SignInTooOld", message);
                Self { challenges: SIGN_IN_TOO_OLD, step_up, ..problem }
            }
            DataRefusal::SecondFactorMissing { .. } => {
                let problem = Self::new(StatusCode::UNAUTHORIZED, "SecondFactorMissing", message);
                Self { challenges: challenge::SIGN_IN_TOO_WEAK, step_up, ..problem }
            }
            DataRefusal::AccessEnded | DataRefusal::OtherResources => {
                let challenges = &[Challenge::Presented(ErrorCode::InvalidToken), Challenge::Basic];
                Self { challenges, ..Self::unauthenticated(message) }
            }
            DataRefusal::ReadOnlySource => {
                Self::new(StatusCode::METHOD_NOT_ALLOWED, "DataSourceReadOnly", message)
            }
            DataRefusal::ChangeNotGranted => Self::new(StatusCode::FORBIDDEN, "ChangeNotGranted", message),
            DataRefusal::ChangePrevented => Self::new(StatusCode::FORBIDDEN, "ChangePrevented", message),
            DataRefusal::PreconditionFailed => {
                Self::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message)
            }
            DataRefusal::MalformedRepetition => {
                Self::new(StatusCode::BAD_REQUEST, "RepeatabilityInvalid", message)
            }
            DataRefusal::RepeatedOtherwise => {
                Self::new(StatusCode::BAD_REQUEST, "RepeatabilityMismatch", message)
            }
            DataRefusal::RepeatedTooLate => {
                Self::new(StatusCode::PRECONDITION_FAILED, "RepeatabilityExpired", message)
            }
            DataRefusal::Violation { rule, .. } => {
                let (status, code) = violated(rule);
                Self::new(status, code, message)
            }
            DataRefusal::UnknownSource => Self::new(StatusCode::NOT_FOUND, "DataSourceNotFound", message),
            DataRefusal::NoSuchEntity => Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message),
            DataRefusal::NotAcceptable => Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message),
            DataRefusal::TooManyRequests => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).later()
            }
            DataRefusal::WaitedTooLong => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", message).later()
            }
            DataRefusal::DatabaseLoginNotTaken => {
                Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
            }
            DataRefusal::MalformedDatabaseLogin => {
                Self::new(StatusCode::BAD_REQUEST, "DatabaseLoginInvalid", message)
            }
            DataRefusal::Request(error) => {
                let problem = Self::new(status_of(&error), error.code(), message);
                Self { target: error.target(), ..problem }
            }
            DataRefusal::Source(_) => of_source(refusal.source_failure(), message),
            DataRefusal::Fault(fault) => fault.into(),
        }
    }
}

/// What is answered if the database could not be read or changed.
fn of_source(failure: Option<SourceFailure>, message: String) -> ODataProblem {
    match failure {
        Some(SourceFailure::Transient) => {
            ODataProblem::new(StatusCode::SERVICE_UNAVAILABLE, "DataSourceBusy", message).later()
        }
        Some(SourceFailure::TooSlow) => {
            ODataProblem::new(StatusCode::GATEWAY_TIMEOUT, "QueryTimedOut", message)
        }
        Some(SourceFailure::TooLarge) => ODataProblem::new(StatusCode::BAD_GATEWAY, "RowTooLarge", message),
        Some(SourceFailure::Unsupported) => {
            ODataProblem::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
        }
        Some(SourceFailure::Down) => {
            ODataProblem::new(StatusCode::SERVICE_UNAVAILABLE, "DataSourceUnavailable", message).later()
        }
        Some(SourceFailure::NoRole) => {
            ODataProblem::new(StatusCode::FORBIDDEN, "DatabaseRoleMissing", message)
        }
        Some(SourceFailure::NoLogin) => {
            ODataProblem::new(StatusCode::FORBIDDEN, "DatabaseLoginMissing", message)
        }
        Some(SourceFailure::LoginRefused) => {
            ODataProblem::new(StatusCode::FORBIDDEN, "DatabaseLoginRefused", message)
        }
        Some(SourceFailure::TooManyLogins(seconds)) => ODataProblem {
            retry_after_secs: Some(seconds),
            ..ODataProblem::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
        },
        Some(SourceFailure::Forbidden) => {
            ODataProblem::new(StatusCode::FORBIDDEN, "DatabaseForbids", message)
        }
        Some(SourceFailure::OutcomeUnknown) => {
            ODataProblem::new(StatusCode::BAD_GATEWAY, "OutcomeUnknown", message)
        }
        Some(SourceFailure::Unavailable) | None => {
            ODataProblem::new(StatusCode::BAD_GATEWAY, "DataSourceUnavailable", message)
        }
    }
}

/// The status and the code of a change that breaks a rule of the database.
const fn violated(rule: BrokenRule) -> (StatusCode, &'static str) {
    match rule {
        BrokenRule::Unique => (StatusCode::CONFLICT, "AlreadyExists"),
        BrokenRule::Reference => (StatusCode::CONFLICT, "ReferenceBroken"),
        BrokenRule::Missing => (StatusCode::BAD_REQUEST, "PropertyMissing"),
        BrokenRule::Condition => (StatusCode::BAD_REQUEST, "ConditionBroken"),
        BrokenRule::Value => (StatusCode::BAD_REQUEST, "BadValue"),
        BrokenRule::Fixed => (StatusCode::BAD_REQUEST, "PropertyFixed"),
        BrokenRule::NumbersUsedUp => (StatusCode::INSUFFICIENT_STORAGE, "NumbersUsedUp"),
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error.kind() {
        Kind::BadRequest if error.code() == "UrlTooLong" => StatusCode::URI_TOO_LONG,
        Kind::BadRequest => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::NotImplemented if error.target() == Some("$format") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        Kind::Gone => StatusCode::GONE,
        Kind::NotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
    }
}

/// An error with its stable code; `target` names the part of the request at fault. The version is 4.0, which
/// every client accepts, unless the handler sets another.
pub fn error(status: StatusCode, code: &str, message: &str, target: Option<&str>) -> Response {
    let body = ErrorBody { error: ErrorMembers { code, message, target } };
    let mut response =
        Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_else(|_| b"{}".to_vec())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;odata.metadata=minimal"));
    // The message is for people
    // ([Protocol §9.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ErrorResponseBody)).
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("odata-version", HeaderValue::from_static("4.0"));
    response
}

/// Refuses a request because of its HTTP form.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    error(status, code_of(status), message, None)
}

/// The code for a status without a more specific one.
const fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        StatusCode::URI_TOO_LONG => "UrlTooLong",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        StatusCode::INTERNAL_SERVER_ERROR => "ServerError",
        StatusCode::NOT_IMPLEMENTED => "NotImplemented",
        StatusCode::SERVICE_UNAVAILABLE => "Unavailable",
        _ => "BadRequest",
    }
}
