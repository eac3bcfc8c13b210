//! The parameters of an authorization request, none of which is validated yet.

use crate::parameters::{CLIENT_ID, Name, Parameters, REDIRECT_URI, SCOPE};
use crate::refusal::Refusal;
use domain::id::ClientId;

pub(super) const RESPONSE_TYPE: Name = Name::new("response_type", 128);
pub(super) const RESPONSE_MODE: Name = Name::new("response_mode", 128);
pub(super) const STATE: Name = Name::new("state", 8192);
pub(super) const CODE_CHALLENGE: Name = Name::new("code_challenge", 256);
pub(super) const CODE_CHALLENGE_METHOD: Name = Name::new("code_challenge_method", 64);
pub(super) const PROMPT: Name = Name::new("prompt", 128);
const REQUEST: Name = Name::new("request", 65_536);
const REQUEST_URI: Name = Name::new("request_uri", 2048);

/// An unvalidated authorization request. A client secret in it is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The id, if it has the form of one of ours.
    pub client_id: Option<ClientId>,
    /// The address to which the browser should return, exactly as sent.
    pub redirect_uri: Option<String>,
    pub(super) response_type: Option<String>,
    pub(super) response_mode: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) state: Option<String>,
    pub(super) code_challenge: Option<String>,
    pub(super) code_challenge_method: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) has_request: bool,
    pub(super) has_request_uri: bool,
}

impl AuthorizeRequest {
    /// The parameters that are read; a client secret is not among them.
    pub const KNOWN: [Name; 11] = [
        CLIENT_ID,
        REDIRECT_URI,
        RESPONSE_TYPE,
        RESPONSE_MODE,
        SCOPE,
        STATE,
        CODE_CHALLENGE,
        CODE_CHALLENGE_METHOD,
        PROMPT,
        REQUEST,
        REQUEST_URI,
    ];

    /// Reads the parameters that this endpoint knows, each at most once; others are ignored ([RFC 6749
    /// §3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)).
    ///
    /// # Errors
    /// [`Refusal::Parameter`], to be shown as a page, because no redirect target is validated yet.
    pub fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        let owned = |name| parameters.one(name).map(|value| value.map(str::to_owned));
        let client_id = parameters.required(CLIENT_ID)?;
        Ok(Self {
            client_id: client_id.parse().ok(),
            redirect_uri: owned(REDIRECT_URI)?,
            response_type: owned(RESPONSE_TYPE)?,
            response_mode: owned(RESPONSE_MODE)?,
            scope: owned(SCOPE)?,
            state: owned(STATE)?,
            code_challenge: owned(CODE_CHALLENGE)?,
            code_challenge_method: owned(CODE_CHALLENGE_METHOD)?,
            prompt: owned(PROMPT)?,
            has_request: parameters.one(REQUEST)?.is_some(),
            has_request_uri: parameters.one(REQUEST_URI)?.is_some(),
        })
    }
}
