//! The browser that brings an authorization request.

use oauth::oidc::session_state::BrowserState;

use crate::identity::caller::LiveSession;

/// A browser in which somebody may be signed in.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestingBrowser<'a> {
    /// The session of the user, if somebody is signed in.
    pub session: Option<&'a LiveSession>,
    /// The state that the browser keeps, if it has one.
    pub state: Option<&'a BrowserState>,
}

/// A browser in which somebody is signed in.
#[derive(Debug, Clone, Copy)]
pub struct SignedInBrowser<'a> {
    /// The session of the user.
    pub session: &'a LiveSession,
    /// The state that the browser keeps, if it has one.
    pub state: Option<&'a BrowserState>,
}

impl<'a> From<SignedInBrowser<'a>> for RequestingBrowser<'a> {
    fn from(browser: SignedInBrowser<'a>) -> Self {
        Self { session: Some(browser.session), state: browser.state }
    }
}
