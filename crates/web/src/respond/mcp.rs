//! Errors in the format of [JSON-RPC 2.0 §5.1](https://www.jsonrpc.org/specification#error_object).

use app::Fault;
use app::data::DataRefusal;
use app::identity::addresses::AddressRefusal;
use app::identity::authentication::BearerRefusal;
use app::identity::personal_access::PersonalAccessRefusal;
use axum::response::Response;
use http::StatusCode;
use oauth::profile::ProfileRules;
use oauth::proof::TokenType;
use oauth::protected_resource::ChallengingResource;
use oauth::resource::DataEndpoint;
use oauth::step_up::StepUp;
use serde_json::{Value, json};

use crate::http::faults::{HttpFailure, set_retry_after};
use crate::respond::challenge::{self, Challenge, Challenged};
use crate::respond::oauth::json as no_store_json;
use crate::respond::odata::ODataProblem;

/// The message is no JSON.
pub(crate) const PARSE_ERROR: i64 = -32_700;
/// The message is no request of JSON-RPC.
pub(crate) const INVALID_REQUEST: i64 = -32_600;
/// There is no such method.
pub(crate) const METHOD_NOT_FOUND: i64 = -32_601;
/// The parameters of the method are invalid.
pub(crate) const INVALID_PARAMS: i64 = -32_602;
/// The server failed.
pub(crate) const INTERNAL_ERROR: i64 = -32_603;
/// A header differs from the message ([MCP, Error
/// Codes](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-codes)).
pub(crate) const HEADER_MISMATCH: i64 = -32_020;
/// The revision of the protocol is not supported.
pub(crate) const UNSUPPORTED_VERSION: i64 = -32_022;

/// Why a request is refused before, or instead of, the answer of a method.
#[derive(Debug)]
pub(crate) struct McpProblem {
    status: StatusCode,
    code: i64,
    message: String,
    data: Option<Value>,
    retry_after_secs: Option<u32>,
    challenges: &'static [Challenge],
    /// What the resource demands of the sign-in.
    step_up: StepUp,
}

impl McpProblem {
    /// A problem with the code of JSON-RPC and a message for people.
    pub(crate) fn new(status: StatusCode, code: i64, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
            data: None,
            retry_after_secs: None,
            challenges: &[],
            step_up: StepUp::default(),
        }
    }

    /// A problem with the HTTP form of a request. Errors that JSON-RPC does not know have the number of the status as their
    /// code, outside of what is reserved.
    pub(crate) fn of_status(status: StatusCode, message: impl Into<String>) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => INVALID_REQUEST,
            status if status.is_server_error() => INTERNAL_ERROR,
            status => i64::from(status.as_u16()),
        };
        Self::new(status, code, message)
    }

    /// The request has no access token.
    pub(crate) fn unauthenticated() -> Self {
        let message = "send one Authorization header with an access token";
        let problem = Self::of_status(StatusCode::UNAUTHORIZED, message);
        Self { challenges: challenge::FOR_A_TOKEN, ..problem }
    }

    /// The request names no caller, because of its form ([RFC 6750
    /// §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    pub(crate) fn malformed(message: &str) -> Self {
        Self { challenges: challenge::MALFORMED, ..Self::of_status(StatusCode::BAD_REQUEST, message) }
    }

    /// There is no such data source, or the caller does not reach it.
    pub(crate) fn unknown_source() -> Self {
        Self::of_status(StatusCode::NOT_FOUND, DataRefusal::UnknownSource.to_string())
    }

    /// The same problem with details for programs.
    pub(crate) fn with(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// The response to a request with this id, at the resource whose metadata is at this URL, with a token of this type if
    /// it has one. An error without an id has no such member.
    pub(crate) fn at(
        self,
        id: Option<&Value>,
        metadata_url: impl FnOnce() -> String,
        rules: &ProfileRules,
        presented: Option<TokenType>,
    ) -> Response {
        let mut response = error(self.status, id, self.code, &self.message, self.data);
        if !self.challenges.is_empty() {
            let metadata_url = metadata_url();
            let resource = ChallengingResource::of_data(DataEndpoint::Mcp, &metadata_url, rules.algorithms);
            let facts = Challenged { resource, presented, step_up: self.step_up };
            facts.add(self.challenges, response.headers_mut());
        }
        set_retry_after(&mut response, self.retry_after_secs);
        response
    }
}

impl From<BearerRefusal> for McpProblem {
    fn from(refusal: BearerRefusal) -> Self {
        match refusal {
            BearerRefusal::Dead | BearerRefusal::DeadBound | BearerRefusal::Unproved(_) => {
                let problem = Self::of_status(StatusCode::UNAUTHORIZED, refusal.to_string());
                Self { challenges: Challenge::after(&refusal), ..problem }
            }
            BearerRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<AddressRefusal> for McpProblem {
    fn from(refusal: AddressRefusal) -> Self {
        match refusal {
            AddressRefusal::NotAllowed => Self::of_status(StatusCode::FORBIDDEN, refusal.to_string()),
            AddressRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<PersonalAccessRefusal> for McpProblem {
    fn from(refusal: PersonalAccessRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            PersonalAccessRefusal::Dead | PersonalAccessRefusal::SwitchedOff => {
                Self { challenges: challenge::DEAD, ..Self::of_status(StatusCode::UNAUTHORIZED, message) }
            }
            PersonalAccessRefusal::TooOften { retry_after_secs } => {
                let problem = Self::of_status(StatusCode::TOO_MANY_REQUESTS, message);
                Self { retry_after_secs: Some(retry_after_secs), ..problem }
            }
            PersonalAccessRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<Fault> for McpProblem {
    fn from(fault: Fault) -> Self {
        fault.note("a request of an agent failed");
        let HttpFailure { status, retry_after_secs } = HttpFailure::from(&fault);
        Self { retry_after_secs, ..Self::of_status(status, fault.to_string()) }
    }
}

/// What a refusal means for the whole request. A data source that the access does not reach is unknown.
impl From<DataRefusal> for McpProblem {
    fn from(refusal: DataRefusal) -> Self {
        match refusal {
            DataRefusal::NotGranted | DataRefusal::UnknownSource => Self::unknown_source(),
            DataRefusal::Fault(fault) => fault.into(),
            refusal => {
                let step_up = refusal.step_up();
                let challenges: &'static [Challenge] = match &refusal {
                    DataRefusal::MissingScope(_) => challenge::NARROW,
                    DataRefusal::SignInTooOld { .. } | DataRefusal::SecondFactorMissing { .. } => {
                        challenge::SIGN_IN_TOO_WEAK
                    }
                    DataRefusal::AccessEnded | DataRefusal::OtherResources => challenge::DEAD,
                    _ => &[],
                };
                let problem = ODataProblem::from(refusal);
                let (status, _, message) = problem.parts();
                let retry_after_secs = problem.retry_after_secs();
                Self { retry_after_secs, challenges, step_up, ..Self::of_status(status, message) }
            }
        }
    }
}

fn error(status: StatusCode, id: Option<&Value>, code: i64, message: &str, data: Option<Value>) -> Response {
    let mut body = json!({"jsonrpc": "2.0", "error": {"code": code, "message": message}});
    if let Some(id) = id {
        body["id"] = id.clone();
    }
    if let Some(data) = data {
        body["error"]["data"] = data;
    }
    no_store_json(status, &body)
}

/// Refuses a request because of its HTTP form, before any use case has seen it.
pub(crate) fn refuse(status: StatusCode, message: &str) -> Response {
    let McpProblem { status, code, message, .. } = McpProblem::of_status(status, message);
    error(status, None, code, &message, None)
}
