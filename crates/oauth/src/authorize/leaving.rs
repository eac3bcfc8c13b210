//! When the error of a refused request leaves the server.
//!
//! Anybody can send a browser here with a request that fails, and would get it redirected to an address of a client. So "the
//! authorization server MUST always authenticate the user first and, with the exception of the silent authentication use case,
//! prompt the user for credentials when needed, before redirecting the user", and "SHOULD only automatically redirect the user
//! agent if it trusts the redirection URI" ([RFC 9700 §4.11.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.11.2)).

use domain::id::ApplicationId;

use super::{AuthorizationResponse, AuthorizeRequest, ResponseRoute};
use crate::application::Application;
use crate::destination::Destination;
use crate::refusal::Refusal;

/// A refusal that goes to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRedirect {
    /// Where it goes, and how.
    pub route: ResponseRoute,
    /// Why it was refused.
    pub refusal: Refusal,
    pub(super) sender: Sender,
}

/// What is known of who sent a refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) application: ApplicationId,
    /// Whether nobody here registered the application, so that its addresses are those of a stranger.
    pub(super) is_stranger: bool,
    /// Whether the request is silent: `prompt=none`.
    pub(super) is_silent: bool,
}

impl Sender {
    pub(super) fn of(request: &AuthorizeRequest, application: &Application) -> Self {
        Self {
            application: application.id,
            is_stranger: application.describes_itself(),
            is_silent: request.is_silent(),
        }
    }
}

/// Who is at the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtBrowser {
    /// Nobody is signed in.
    Nobody,
    /// A user is.
    User {
        /// Whether the user allows the application something.
        allows_client: bool,
    },
}

/// How a refusal goes to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// The browser carries it there at once.
    AtOnce,
    /// After somebody has signed in.
    AfterSignIn,
    /// After the user has agreed on a page that names the destination and the error.
    AfterQuestion,
}

impl RefusedRedirect {
    /// The response; `issuer` is the public URL without a trailing slash.
    pub fn response(&self, issuer: &str) -> AuthorizationResponse {
        self.route.with_error(self.refusal, issuer)
    }

    /// The application that sent the request, if its addresses are those of a stranger: then it counts whether the user allows
    /// it something.
    pub fn stranger(&self) -> Option<ApplicationId> {
        self.sender.is_stranger.then_some(self.sender.application)
    }

    /// Where the browser would go.
    pub fn destination(&self) -> Destination {
        self.route.target.destination()
    }

    /// Decides how the refusal goes to the client.
    pub fn leaving(&self, user: AtBrowser) -> Leaving {
        match user {
            AtBrowser::Nobody if !self.sender.is_silent => Leaving::AfterSignIn,
            AtBrowser::Nobody | AtBrowser::User { allows_client: false } if self.sender.is_stranger => {
                Leaving::AfterQuestion
            }
            AtBrowser::Nobody | AtBrowser::User { .. } => Leaving::AtOnce,
        }
    }
}
