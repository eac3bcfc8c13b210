//! The authorization endpoint ([RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1)).
//!
//! The type of an error says whether it may be sent to the client by redirect: [`AuthorizeRefusal::Page`] until client
//! and redirect URL are validated, [`AuthorizeRefusal::Redirect`] with the validated [`RedirectTarget`] afterwards.
//!
//! The steps are [`AuthorizeRequest::parse`], [`check`], [`next_step`], and finally [`issue_code`] or
//! [`ValidRequest::deny`].

use crate::application::Application;
use crate::refusal::Refusal;
use crate::scope::ScopeRegistry;

mod approval;
mod query;
mod request;
mod rules;
mod target;

pub use approval::{Approval, NextStep, SignedIn, approve, issue_code, next_step};
pub use request::AuthorizeRequest;
pub use rules::ValidRequest;
pub use target::{Destination, RedirectTarget};

/// A refused authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeRefusal {
    /// Client or redirect URL are not validated: the error is shown to the user, never to the client.
    Page(Refusal),
    /// The client is informed by redirect.
    Redirect(Box<RefusedRedirect>),
}

/// A refusal that goes to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRedirect {
    /// The target of the redirect.
    pub target: RedirectTarget,
    /// Why it was refused.
    pub refusal: Refusal,
    /// The client's own `state`, to be returned.
    pub state: Option<String>,
}

impl RefusedRedirect {
    /// The address to which the browser is redirected; `issuer` is the public URL without a trailing slash.
    pub fn location(&self, issuer: &str) -> String {
        self.target.with_error(self.refusal, self.state.as_deref(), issuer)
    }
}

impl AuthorizeRefusal {
    /// The reason, in both cases.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Page(refusal) => *refusal,
            Self::Redirect(redirect) => redirect.refusal,
        }
    }
}

/// Checks the request against the application that it names, in the order of [RFC 6749
/// §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1): faults that must never be redirected
/// come first.
///
/// # Errors
/// [`AuthorizeRefusal`], by page or by redirect.
pub fn check(
    request: &AuthorizeRequest,
    found: Option<&Application>,
    scopes: &ScopeRegistry,
) -> Result<ValidRequest, AuthorizeRefusal> {
    let application = rules::client_is_known(request, found).map_err(AuthorizeRefusal::Page)?;
    let target = rules::redirect_url_is_registered(request, application).map_err(AuthorizeRefusal::Page)?;
    rules::decide(request, application, target.clone(), scopes).map_err(|refusal| {
        AuthorizeRefusal::Redirect(Box::new(RefusedRedirect {
            target,
            refusal,
            state: request.state.clone(),
        }))
    })
}

#[cfg(test)]
mod tests;
