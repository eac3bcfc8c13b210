//! The parameters of an authorization request, none of which is validated yet.

use crate::authorization_details::AUTHORIZATION_DETAILS;
use crate::oidc::logout::ID_TOKEN_HINT;
use crate::parameters::{CLIENT_ID, Name, Parameters, REDIRECT_URI, RESOURCE, SCOPE};
use crate::refusal::Refusal;
use crate::scope::BuiltInScope;
use domain::id::ClientId;

pub(super) const RESPONSE_TYPE: Name = Name::new("response_type", 128);
const RESPONSE_MODE: Name = Name::new("response_mode", 128);
const STATE: Name = Name::new("state", 8192);
const CODE_CHALLENGE: Name = Name::new("code_challenge", 256);
const CODE_CHALLENGE_METHOD: Name = Name::new("code_challenge_method", 64);
const DPOP_JKT: Name = Name::new("dpop_jkt", 64);
pub(super) const REQUEST: Name = Name::new("request", 65_536);
pub(super) const REQUEST_URI: Name = Name::new("request_uri", 2048);
pub(super) const PROMPT: Name = Name::new("prompt", 128);
const NONCE: Name = Name::new("nonce", 512);
pub(super) const MAX_AGE: Name = Name::new("max_age", 64);
const ACR_VALUES: Name = Name::new("acr_values", 1024);
pub(super) const CLAIMS: Name = Name::new("claims", 4096);
pub(super) const REGISTRATION: Name = Name::new("registration", 8192);
const LOGIN_HINT: Name = Name::new("login_hint", 512);

/// Declares the request from the parameters that occur at most once. A new one is a row here: it is then parsed, kept
/// over a sign-in, and a part of a pushed request.
macro_rules! request_parameters {
    ($($(#[doc = $doc:literal])? $visibility:vis $field:ident: $name:expr;)+) => {
        /// An unvalidated authorization request. A client secret in it is not read.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct AuthorizeRequest {
            /// The id, if it has the form of one of ours.
            pub client_id: Option<ClientId>,
            pub(super) resources: Vec<String>,
            $($(#[doc = $doc])? $visibility $field: Option<String>,)+
        }

        impl AuthorizeRequest {
            /// The parameters that are read; a client secret is not among them.
            pub const KNOWN: &[Name] = &[CLIENT_ID, RESOURCE, REQUEST, REQUEST_URI, $($name),+];

            /// The request of the client with this id.
            pub(super) fn parse_of(
                client_id: Option<ClientId>,
                parameters: &Parameters,
            ) -> Result<Self, Refusal> {
                let owned = |name| parameters.one(name).map(|value| value.map(str::to_owned));
                Ok(Self {
                    client_id,
                    resources: parameters.all(RESOURCE)?.map(str::to_owned).collect(),
                    $($field: owned($name)?,)+
                })
            }

            /// The parameters that occur at most once and are given.
            pub(super) fn single(&self) -> impl Iterator<Item = (Name, &str)> {
                let all = [$(($name, self.$field.as_deref())),+];
                all.into_iter().filter_map(|(name, value)| Some((name, value?)))
            }
        }
    };
}

request_parameters! {
    pub(super) response_type: RESPONSE_TYPE;
    pub(super) response_mode: RESPONSE_MODE;
    /// The address to which the browser should return, exactly as sent.
    pub redirect_uri: REDIRECT_URI;
    pub(super) scope: SCOPE;
    pub(super) state: STATE;
    pub(super) code_challenge: CODE_CHALLENGE;
    pub(super) code_challenge_method: CODE_CHALLENGE_METHOD;
    pub(super) prompt: PROMPT;
    pub(super) nonce: NONCE;
    pub(super) max_age: MAX_AGE;
    pub(super) acr_values: ACR_VALUES;
    pub(super) claims: CLAIMS;
    /// `id_token_hint`, whose signature the caller verifies.
    pub id_token_hint: ID_TOKEN_HINT;
    /// `login_hint`, for the sign-in page.
    pub login_hint: LOGIN_HINT;
    pub(super) registration: REGISTRATION;
    pub(super) dpop_jkt: DPOP_JKT;
    /// `authorization_details`, unparsed.
    pub authorization_details: AUTHORIZATION_DETAILS;
}

impl AuthorizeRequest {
    /// The requested resources, exactly as sent.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(String::as_str)
    }

    /// Whether the client asks that the user sees nothing ([OpenID Connect Core
    /// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)): `prompt` is `none`, and nothing else.
    pub(super) fn is_silent(&self) -> bool {
        let mut words = self.prompt.as_deref().unwrap_or_default().split(' ').filter(|word| !word.is_empty());
        words.next() == Some("none") && words.all(|word| word == "none")
    }

    /// Whether it is a request of OpenID Connect ([OpenID Connect Core
    /// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)), even if its scopes are refused.
    pub(super) fn names_openid(&self) -> bool {
        let mut words = self.scope.as_deref().unwrap_or_default().split(' ');
        words.any(|word| word == BuiltInScope::OpenId.as_str())
    }

    /// Only what says where an answer goes, what it contains, and whether the user may see something, of a request that cannot
    /// be read as a whole. `None` if that cannot be read either: then nothing may be sent to the client.
    pub fn addressed(parameters: &Parameters) -> Option<Self> {
        let owned = |name| parameters.one(name).map(|value| value.map(str::to_owned));
        let client_id = parameters.required(CLIENT_ID).ok()?.parse().ok();
        let nothing = Parameters::new([]).ok()?;
        Some(Self {
            redirect_uri: owned(REDIRECT_URI).ok()?,
            state: owned(STATE).ok()?,
            response_mode: owned(RESPONSE_MODE).ok().flatten(),
            scope: owned(SCOPE).ok().flatten(),
            prompt: owned(PROMPT).ok().flatten(),
            ..Self::parse_of(client_id, &nothing).ok()?
        })
    }

    /// Reads the parameters that this endpoint knows, each at most once except `resource`; others are ignored
    /// ([RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749#section-3.1)).
    ///
    /// # Errors
    /// [`Refusal::Parameter`]. Where it goes is the question of [`Self::addressed`].
    pub fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        Self::parse_of(parameters.required(CLIENT_ID)?.parse().ok(), parameters)
    }
}
