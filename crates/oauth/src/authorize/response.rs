//! The response to the client: what it contains, and how it gets there.

use domain::id::ClientId;
use domain::secret::CodeText;
use domain::time::Timestamp;
use serde_json::{Map, Value};

use super::target::RedirectTarget;
use crate::destination::Destination;
use crate::oidc::session_state::{Observer, SESSION_STATE, SessionState};
use crate::refusal::Refusal;
use crate::signing::SigningAlgorithm;

/// How the parameters of a response travel ([OAuth 2.0 Multiple Response Type Encoding Practices
/// §2.1](https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes), [OAuth 2.0 Form Post
/// Response Mode](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html), [JARM
/// §2.3](https://openid.net/specs/oauth-v2-jarm-final.html#section-2.3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URL; the default for a code.
    Query,
    /// In its fragment, which the browser does not send to the client's server.
    Fragment,
    /// In the body of a form that the browser posts to it.
    FormPost,
    /// Signed, in the way that is the default for a code: in the query.
    Jwt,
    /// Signed, in the query.
    QueryJwt,
    /// Signed, in the fragment.
    FragmentJwt,
    /// Signed, in the body of a form.
    FormPostJwt,
}

/// Where the parameters of a response are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Query,
    Fragment,
    Form,
}

impl ResponseMode {
    /// Every mode.
    pub const ALL: [Self; 7] = [
        Self::Query,
        Self::Fragment,
        Self::FormPost,
        Self::Jwt,
        Self::QueryJwt,
        Self::FragmentJwt,
        Self::FormPostJwt,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
            Self::Jwt => "jwt",
            Self::QueryJwt => "query.jwt",
            Self::FragmentJwt => "fragment.jwt",
            Self::FormPostJwt => "form_post.jwt",
        }
    }

    /// The mode with this name.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// Whether the parameters are in a JWT that the server signs.
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Jwt | Self::QueryJwt | Self::FragmentJwt | Self::FormPostJwt)
    }

    /// Whether the browser posts a form.
    pub(super) fn needs_a_form(self) -> bool {
        self.carrier() == Carrier::Form
    }

    const fn carrier(self) -> Carrier {
        match self {
            Self::Query | Self::Jwt | Self::QueryJwt => Carrier::Query,
            Self::Fragment | Self::FragmentJwt => Carrier::Fragment,
            Self::FormPost | Self::FormPostJwt => Carrier::Form,
        }
    }
}

/// Where the response goes, and how. Its target is validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseRoute {
    pub(super) target: RedirectTarget,
    pub(super) mode: ResponseMode,
    pub(super) client_id: ClientId,
    /// The name of the application, for the page with a form.
    pub(super) application: String,
    pub(super) state: Option<String>,
    /// Whether the request is one of OpenID Connect, so that the response tells the session state.
    pub(super) is_openid: bool,
    /// The algorithm of a signed response.
    pub(super) algorithm: SigningAlgorithm,
}

impl ResponseRoute {
    /// The response with the code ([RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2), [RFC 9207
    /// §2](https://www.rfc-editor.org/rfc/rfc9207#section-2)). `issuer` is the public URL without a trailing slash.
    pub fn with_code(&self, code: &CodeText, issuer: &str) -> AuthorizationResponse {
        self.respond([("code", code.expose().to_owned())], issuer)
    }

    /// The response with an error ([RFC 6749
    /// §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1)).
    pub fn with_error(&self, refusal: Refusal, issuer: &str) -> AuthorizationResponse {
        let code = refusal.code().as_str().to_owned();
        self.respond([("error", code), ("error_description", refusal.description())], issuer)
    }

    /// Every response has the client's `state` and the issuer.
    fn respond<const N: usize>(
        &self,
        members: [(&'static str, String); N],
        issuer: &str,
    ) -> AuthorizationResponse {
        let state = self.state.clone().map(|state| ("state", state));
        let issuer = ("iss", issuer.to_owned());
        AuthorizationResponse {
            route: self.clone(),
            members: members.into_iter().chain(state).chain([issuer]).collect(),
        }
    }
}

/// A response to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    route: ResponseRoute,
    members: Vec<(&'static str, String)>,
}

/// How long a signed response is valid, in seconds: "A maximum JWT lifetime of 10 minutes is RECOMMENDED" ([JARM
/// §2.1](https://openid.net/specs/oauth-v2-jarm-final.html#section-2.1)).
const SIGNED_LIFETIME_SECS: i64 = 600;

impl AuthorizationResponse {
    /// The client that learns the state of the browser. `session_state` is "REQUIRED if session management is supported"
    /// ([OpenID Connect Session Management
    /// §2](https://openid.net/specs/openid-connect-session-1_0.html#CreatingUpdatingSessions)), but it is bound to an
    /// origin: `None` without one, and if the request is not one of OpenID Connect.
    pub fn observer(&self) -> Option<Observer> {
        let origin = self.route.target.origin().filter(|_| self.route.is_openid)?;
        Some(Observer::new(self.route.client_id.clone(), origin))
    }

    /// The same response with the session state of its [observer](Self::observer).
    #[must_use]
    pub fn with_session_state(mut self, state: SessionState) -> Self {
        self.members.push((SESSION_STATE, state.into_text()));
        self
    }

    /// What the browser gets, or what must be signed before.
    pub fn deliver(self, now: Timestamp) -> Deliverable {
        if self.route.mode.is_signed() {
            let claims = self.claims(now);
            return Deliverable::Unsigned(UnsignedResponse { route: self.route, claims });
        }
        Deliverable::Ready(self.route.carry(self.members))
    }

    /// The claims of a signed response: `iss`, `aud`, `exp`, and the parameters ([JARM
    /// §2.1](https://openid.net/specs/oauth-v2-jarm-final.html#section-2.1)).
    fn claims(&self, now: Timestamp) -> Vec<u8> {
        let text = |(name, value): &(&'static str, String)| ((*name).to_owned(), Value::from(value.as_str()));
        let mut claims: Map<String, Value> = self.members.iter().map(text).collect();
        claims.insert("aud".to_owned(), self.route.client_id.as_str().into());
        claims.insert("exp".to_owned(), now.plus_secs(SIGNED_LIFETIME_SECS).as_secs().into());
        Value::from(claims).to_string().into_bytes()
    }
}

impl ResponseRoute {
    fn carry(self, members: Vec<(&'static str, String)>) -> Delivery {
        let target = &self.target;
        match self.mode.carrier() {
            Carrier::Query => Delivery::Redirect(target.with_query(&members)),
            Carrier::Fragment => Delivery::Redirect(target.with_fragment(&members)),
            Carrier::Form => Delivery::Form(Box::new(ResponseForm {
                action: target.as_str().to_owned(),
                fields: members,
                destination: target.destination(),
                application: self.application,
            })),
        }
    }
}

/// A response on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deliverable {
    /// It is complete.
    Ready(Delivery),
    /// The client asked for a signed response.
    Unsigned(UnsignedResponse),
}

/// A response that lacks its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsignedResponse {
    route: ResponseRoute,
    claims: Vec<u8>,
}

impl UnsignedResponse {
    /// The algorithm of the signature.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.route.algorithm
    }

    /// What must be signed: the claims of a JWT.
    pub fn claims(&self) -> &[u8] {
        &self.claims
    }

    /// What the browser gets with the JWT of the claims.
    pub fn signed(self, jwt: String) -> Delivery {
        self.route.carry(vec![("response", jwt)])
    }
}

/// How the browser carries a response to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// By a redirect to this address.
    Redirect(String),
    /// By a form that it posts.
    Form(Box<ResponseForm>),
}

/// The form that posts a response to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseForm {
    /// The redirect URL.
    pub action: String,
    /// The parameters of the response, in order.
    pub fields: Vec<(&'static str, String)>,
    /// Where it goes, to be shown to the user.
    pub destination: Destination,
    /// The name of the application.
    pub application: String,
}
