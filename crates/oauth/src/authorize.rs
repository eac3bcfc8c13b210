//! The authorize endpoint ([RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1)).
//!
//! Whether an error may be sent to the client by redirect is in its type: [`Refused::Page`] until client and redirect
//! URL are proved, [`Refused::Redirect`] with the proved [`RedirectTarget`] afterwards.
//!
//! In order: [`AuthorizeRequest::parse`], [`check`], [`next_step`], and at last [`issue_code`] or [`ValidRequest::deny`].

use crate::application::Application;
use crate::refusal::Refusal;

mod approval;
mod query;
mod request;
mod rules;
mod target;

pub use approval::{Approval, CODE_LIFETIME_SECS, NextStep, SignedIn, approve, issue_code, next_step};
pub use request::AuthorizeRequest;
pub use rules::ValidRequest;
pub use target::{Destination, RedirectTarget};

/// A refused authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Client or redirect URL are not proved: the person reads it, the client never does.
    Page(Refusal),
    /// The client is told by redirect.
    Redirect(Box<RefusedRedirect>),
}

/// A refusal that goes to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRedirect {
    /// Where it goes.
    pub target: RedirectTarget,
    /// Why it was refused.
    pub refusal: Refusal,
    /// The client's own `state`, to be given back.
    pub state: Option<String>,
}

impl RefusedRedirect {
    /// The address to which the browser is sent; `issuer` is the public URL without a trailing slash.
    pub fn location(&self, issuer: &str) -> String {
        self.target.with_error(self.refusal, self.state.as_deref(), issuer)
    }
}

impl Refused {
    /// Why, whichever way it is told.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Page(refusal) => *refusal,
            Self::Redirect(redirect) => redirect.refusal,
        }
    }
}

/// Holds the request against the application that it names, in the order of
/// [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1): first what must never be redirected.
///
/// # Errors
/// [`Refused`], by page or by redirect.
pub fn check(request: &AuthorizeRequest, found: Option<&Application>) -> Result<ValidRequest, Refused> {
    let application = rules::client_is_known(request, found).map_err(Refused::Page)?;
    let target = rules::redirect_url_is_registered(request, application).map_err(Refused::Page)?;
    rules::decide(request, application, target.clone()).map_err(|refusal| {
        Refused::Redirect(Box::new(RefusedRedirect { target, refusal, state: request.state.clone() }))
    })
}

#[cfg(test)]
mod tests;
