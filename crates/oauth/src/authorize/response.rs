//! The response to the client: what it contains, and how it gets there.

use domain::id::ClientId;
use domain::secret::CodeText;

use super::target::RedirectTarget;
use crate::refusal::Refusal;

/// How the parameters of a response travel ([OAuth 2.0 Multiple Response Type Encoding Practices
/// §2.1](https://openid.net/specs/oauth-v2-multiple-response-types-1_0.html#ResponseModes), [OAuth 2.0 Form Post
/// Response Mode](https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URL; the default for a code.
    Query,
    /// In its fragment, which the browser does not send to the client's server.
    Fragment,
    /// In the body of a form that the browser posts to it.
    FormPost,
}

impl ResponseMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    /// The mode with this name.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// Where the response goes, and how. Its target is validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseRoute {
    pub(super) target: RedirectTarget,
    pub(super) mode: ResponseMode,
    pub(super) client_id: ClientId,
    pub(super) state: Option<String>,
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

impl AuthorizationResponse {
    /// What the browser gets.
    pub fn deliver(self) -> Delivery {
        let (target, members) = (&self.route.target, self.members);
        match self.route.mode {
            ResponseMode::Query => Delivery::Redirect(target.with_query(&members)),
            ResponseMode::Fragment => Delivery::Redirect(target.with_fragment(&members)),
            ResponseMode::FormPost => {
                Delivery::Form(ResponseForm { action: target.as_str().to_owned(), fields: members })
            }
        }
    }
}

/// How the browser carries a response to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// By a redirect to this address.
    Redirect(String),
    /// By a form that it posts.
    Form(ResponseForm),
}

/// The form that posts a response to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseForm {
    /// The redirect URL.
    pub action: String,
    /// The parameters of the response, in order.
    pub fields: Vec<(&'static str, String)>,
}
