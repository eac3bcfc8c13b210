//! What a person sees: plain HTML forms that work without scripts.
//!
//! Every form carries a value bound to the browser's cookie, and a form that a page of another origin sent is refused
//! before that ([`form::OwnForm`]). Pages that need a session show the sign-in instead, and come back afterwards.

use std::convert::Infallible;

use app::Fault;
use app::caller::{Caller, LiveSession, Origin};
use app::refusals::Reason;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp as Moment;
use oauth::authorize::Destination;
use oauth::secret::{CsrfToken, SessionCookie};
use oauth::time::Timestamp;

use crate::initiator::Initiator;
use crate::respond::page;
use crate::{Gate, cookies, origin};

pub mod account;
pub mod demo;
pub mod filters;
pub mod form;
pub mod login;
pub mod logout;
pub mod password;
pub mod start;

/// A browser that asks for a page; every handler of a page begins with one.
pub struct Visit {
    /// What every handler can reach.
    pub gate: Gate,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// Where it comes from.
    pub origin: Origin,
    /// Who made the browser send it.
    pub initiator: Initiator,
    method: Method,
}

impl FromRequestParts<Gate> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gate: &Gate) -> Result<Self, Infallible> {
        Ok(Self {
            gate: gate.clone(),
            headers: parts.headers.clone(),
            origin: origin::of(&parts.extensions, &parts.headers, gate.settings()),
            initiator: Initiator::of(&parts.uri, &parts.headers, gate),
            method: parts.method.clone(),
        })
    }
}

/// The name of the cookie of a browser that is not signed in.
fn visitor_name(gate: &Gate) -> &'static str {
    if gate.settings().tls { "__Host-sluicegate-visitor" } else { "sluicegate-visitor" }
}

impl Visit {
    /// The live session of the browser, with its cookie.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn session(&self) -> Result<Option<(LiveSession, SessionCookie)>, Fault> {
        let Some(cookie) = cookies::session(&self.headers, self.gate.settings()) else { return Ok(None) };
        let live = self.gate.app().caller_by_session(&cookie).await?;
        Ok(live.map(|live| (live, cookie)))
    }

    /// The live session, for a page that needs one.
    ///
    /// # Errors
    /// What the browser gets instead: the sign-in page that comes back to `here`, or the page of a fault.
    pub async fn signed_in(&self, here: &str) -> Result<(LiveSession, SessionCookie), Response> {
        match self.session().await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => {
                let asking = login::Asking { continue_to: here, ..login::Asking::default() };
                Err(self.ask_to_sign_in(StatusCode::OK, &asking).await)
            }
            Err(cause) => Err(fault(&cause)),
        }
    }

    /// The visitor's cookie, and whether it is fresh and must be set.
    fn visitor(&self) -> (String, bool) {
        match cookies::value(&self.headers, visitor_name(&self.gate)) {
            Some(value) if value.len() == 22 => (value.to_owned(), false),
            _ => (self.gate.app().new_visitor(), true),
        }
    }

    /// Goes on only with a form that we rendered for this browser; another one is noted. `caller` is who is signed in.
    ///
    /// # Errors
    /// What the browser gets instead.
    pub async fn demand_own_form(
        &self,
        cookie: &str,
        csrf: &str,
        caller: Option<&Caller>,
    ) -> Result<(), Response> {
        let app = self.gate.app();
        if app.csrf_holds(cookie, &CsrfToken::new(csrf)) {
            return Ok(());
        }
        app.note_refused_request(Reason::ForgedForm, caller, &self.origin).await;
        Err(stale_form())
    }

    /// Whether the answer may set a cookie: not where the browser kept ours back, since it would replace one that we do not
    /// see, and with it a session or a sign-in that waits in another tab.
    pub fn may_set_cookies(&self) -> bool {
        let names = [cookies::name(self.gate.settings()), visitor_name(&self.gate)];
        names.iter().any(|name| cookies::is_there(&self.headers, name))
            || !self.initiator.keeps_cookies_back(&self.method, &self.headers)
    }

    /// Adds a cookie to an answer that may set one.
    pub fn with_cookie(&self, mut response: Response, cookie: Option<HeaderValue>) -> Response {
        if let Some(cookie) = cookie.filter(|_| self.may_set_cookies()) {
            response.headers_mut().append(SET_COOKIE, cookie);
            response.headers_mut().insert(http::header::VARY, HeaderValue::from_name(COOKIE));
        }
        response
    }

    /// Takes the session's cookie from a browser that sent one.
    pub fn without_session(&self, response: Response) -> Response {
        let settings = self.gate.settings();
        let sent = cookies::is_there(&self.headers, cookies::name(settings));
        self.with_cookie(response, sent.then(|| cookies::close(settings)).flatten())
    }
}

/// Where the browser goes with the answer to an application, in words.
#[derive(Debug, Clone)]
pub struct Goal {
    /// What is there, before its address.
    pub what: &'static str,
    /// The address as far as it says who receives the answer.
    pub address: String,
    /// What the person should know about it.
    pub caution: Option<&'static str>,
}

impl Goal {
    /// In words.
    pub fn of(destination: &Destination) -> Self {
        let (what, address, caution) = match destination {
            Destination::Site { origin } => ("the web site", origin.clone(), None),
            Destination::UnencryptedSite { origin } => ("the web site", origin.clone(), Some(NOT_ENCRYPTED)),
            Destination::ThisDevice { origin } => ("an app on this device, at", origin.clone(), None),
            Destination::Application { scheme } => {
                ("an app on this device that answers to", format!("{scheme}:"), Some(ANY_APPLICATION))
            }
        };
        Self { what, address, caution }
    }

    /// One with everything that it can hold.
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Self { what: "the web site", address: tests::HOSTILE.to_owned(), caution: Some(NOT_ENCRYPTED) }
    }
}

const NOT_ENCRYPTED: &str =
    "This address is not encrypted: whoever is on the way there can read along and take over the access.";
const ANY_APPLICATION: &str =
    "Any app on this device can claim this name. Go on only if you started from an app that you know.";

/// A page to go to next, on this host or at a client whose address was validated.
pub fn go_to(address: &str) -> Response {
    let Ok(value) = HeaderValue::from_str(address) else {
        return page::refuse(StatusCode::BAD_REQUEST, "the address to go on to is malformed");
    };
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, value);
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The page for a fault of ours.
pub fn fault(fault: &Fault) -> Response {
    let status = match fault {
        Fault::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Fault::Busy | Fault::NotWritable(_) | Fault::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    fault.note("a page cannot be shown");
    let mut response = page::refuse(status, &sentence(&fault.to_string()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

/// The page for a form that a page of another origin sent.
pub fn foreign_form() -> Response {
    let message = "A page of another site sent this form. Nothing was changed. If you want to do what it is for, open the \
                   page here and press the button yourself.";
    page::error(StatusCode::FORBIDDEN, "This did not come from here", message)
}

/// The page for a form that was not rendered for this browser.
pub fn stale_form() -> Response {
    let message = "This form is out of date, or your browser does not keep cookies. Go back, reload the page and try again.";
    page::error(StatusCode::FORBIDDEN, "Please try again", message)
}

/// A message as a sentence: a capital letter in front, a full stop at the end.
pub fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let Some(first) = characters.next() else { return String::new() };
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    first.to_uppercase().chain(characters).collect::<String>() + stop
}

/// A moment for machines and for people.
#[derive(Debug, Clone)]
pub struct When {
    /// RFC 3339, UTC.
    pub machine: String,
    /// Day, month, year and time of day, UTC.
    pub person: String,
}

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        let moment = Moment::from_second(at.as_secs()).unwrap_or_default();
        Self { machine: moment.to_string(), person: moment.strftime("%-d %B %Y, %H:%M UTC").to_string() }
    }
}

/// To whom an application was handed over, for a page.
#[derive(Debug, Clone)]
pub struct HandedOver {
    /// The user name of who has it now.
    pub to: String,
    /// Since when.
    pub at: When,
}

#[cfg(test)]
pub(crate) mod tests;
