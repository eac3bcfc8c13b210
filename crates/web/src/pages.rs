//! The pages for people: plain HTML forms that work without scripts.
//!
//! Every form contains a value that is bound to the browser's cookie; a form from a page of another origin is
//! refused even before that ([`form::OwnForm`]). Pages that need a session show the sign-in page instead, and
//! return afterwards.

use std::convert::Infallible;

use app::Fault;
use app::identity::addresses::{AddressRefusal, AddressService};
use app::identity::authentication::AuthenticationService;
use app::identity::caller::{Caller, LiveSession, RequestOrigin};
use app::identity::forgotten::ForgottenPasswordService;
use app::identity::refusals::RefusalService;
use app::node::refusal_reason::RefusalReason;
use app::protocol::authorize::AuthorizationService;
use app::protocol::backchannel::BackchannelService;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::Response;
use domain::account::device as words;
use domain::allow_list::ServerPart;
use domain::secret::{CsrfToken, SessionCookie};
use domain::time::Timestamp;
use http::header::{COOKIE, LOCATION, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp as Moment;
use oauth::application::Application;
use oauth::destination::Destination;
use oauth::oidc::session_state::BrowserState;
use oauth::parameters::{Name, Parameters};

use crate::WebState;
use crate::errors::PageError;
use crate::http::faults::{HttpFailure, set_retry_after};
use crate::http::initiator::Initiator;
use crate::http::{cookies, origin};
use crate::respond::page::{self, PageContext, sentence};

pub(crate) mod about_application;
pub mod account;
mod account_frame;
pub mod activity;
pub(crate) mod data_choice;
pub mod demo;
pub mod device;
pub(crate) mod ended;
pub mod forgot;
pub mod form;
pub mod login;
pub mod logins;
pub mod logout;
pub mod password;
pub mod profile;
pub mod reference;
pub mod requests;
pub mod reset;
pub mod security;
pub mod sessions;
pub mod start;
pub mod tokens;

/// A browser that requests a page; every handler of a page starts with one.
pub struct Visit {
    /// The settings.
    pub state: WebState,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The origin of the request.
    pub origin: RequestOrigin,
    /// The initiator of the request.
    pub initiator: Initiator,
    method: Method,
    authentication: AuthenticationService,
    addresses: AddressService,
    refusals: RefusalService,
    authorization: AuthorizationService,
    backchannel: BackchannelService,
    forgotten: ForgottenPasswordService,
}

impl FromRequestParts<WebState> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        Ok(Self {
            state: state.clone(),
            headers: parts.headers.clone(),
            origin: origin::of(&parts.extensions, &parts.headers, state.settings()),
            initiator: Initiator::of(&parts.uri, &parts.headers, state.site()),
            method: parts.method.clone(),
            authentication: state.service(),
            addresses: state.service(),
            refusals: state.service(),
            authorization: state.service(),
            backchannel: state.service(),
            forgotten: state.service(),
        })
    }
}

impl Visit {
    /// A page, with the headers that its context needs.
    pub fn page(&self, status: StatusCode, page: &impl Template, place: PageContext) -> Response {
        page::html(status, page, place, self.state.base())
    }

    /// The valid session of the browser, with its cookie, if the allow-lists admit the request.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn session(&self) -> Result<Option<(LiveSession, SessionCookie)>, Fault> {
        let Some(cookie) = cookies::session(&self.headers, self.state.cookie_scope()) else {
            return Ok(None);
        };
        let Some(live) = self.authentication.caller_by_session(&cookie).await? else { return Ok(None) };
        match self.addresses.demand(&live.caller, ServerPart::WebUi, &self.origin).await {
            Ok(()) => Ok(Some((live, cookie))),
            // The sign-in page says why.
            Err(AddressRefusal::NotAllowed) => Ok(None),
            Err(AddressRefusal::Fault(fault)) => Err(fault),
        }
    }

    /// The browser and its system in words, from what it says about itself.
    pub fn device(&self) -> Option<String> {
        words::in_words(self.headers.get(USER_AGENT)?.to_str().ok()?)
    }

    /// The valid session, for a page that needs one.
    ///
    /// # Errors
    /// What the browser gets instead: the sign-in page that returns to `here`, or an error page.
    pub async fn signed_in(&self, here: &str) -> Result<(LiveSession, SessionCookie), Response> {
        match self.session().await {
            Ok(Some((live, cookie)))
                if live.must_set_up_second_factor() && !here.starts_with(security::PATH) =>
            {
                Err(security::lead(self, &live, &cookie, here).await)
            }
            Ok(Some(found)) => Ok(found),
            Ok(None) => {
                let prompt = login::SignInPrompt { continue_to: here, ..login::SignInPrompt::default() };
                Err(self.ask_to_sign_in(StatusCode::OK, &prompt).await)
            }
            Err(cause) => Err(fault(&cause)),
        }
    }

    /// The CSRF token for the forms of the browser with this cookie.
    pub fn csrf_token(&self, cookie: &str) -> CsrfToken {
        self.authentication.csrf_token(cookie)
    }

    /// Whether this is the CSRF token of the browser with this cookie; in constant time.
    pub fn csrf_is_valid(&self, cookie: &str, token: &CsrfToken) -> bool {
        self.authentication.csrf_is_valid(cookie, token)
    }

    /// The visitor's cookie, and whether it is new and must be set.
    fn visitor(&self) -> (String, bool) {
        match cookies::value(&self.headers, self.state.cookie_scope().visitor_name()) {
            Some(value) if value.len() == 22 => (value.to_owned(), false),
            _ => (self.authentication.new_visitor(), true),
        }
    }

    /// Requires a form that was rendered for this browser; any other form is recorded. `caller` is the
    /// signed-in user.
    ///
    /// # Errors
    /// What the browser gets instead.
    pub async fn demand_own_form(
        &self,
        cookie: &str,
        csrf: &str,
        caller: Option<&Caller>,
    ) -> Result<(), Response> {
        if self.csrf_is_valid(cookie, &CsrfToken::new(csrf)) {
            return Ok(());
        }
        self.refusals.note_request(RefusalReason::ForgedForm, caller, &self.origin).await;
        Err(stale_form())
    }

    /// Whether the response may set a cookie: not if the browser withheld ours, because a new one would
    /// replace a cookie that we do not see, and with it a session or a pending sign-in in another tab.
    pub fn may_set_cookies(&self) -> bool {
        let names = self.state.cookie_scope().names();
        names.iter().any(|name| cookies::is_there(&self.headers, name))
            || !self.initiator.withholds_cookies(&self.method, &self.headers)
    }

    /// The response to a `POST` that a page of another site sent: the browser withheld our cookies, and sends them when it
    /// repeats the request with `GET`. `None` if it withheld none, or if a parameter cannot be repeated.
    pub fn repeat_with_get(&self, path: &str, parameters: &Parameters, known: &[Name]) -> Option<Response> {
        if self.may_set_cookies() {
            return None;
        }
        parameters.encoded(known).map(|query| go_to(&format!("{path}?{query}")))
    }

    /// Adds a cookie to a response that may set one.
    pub fn with_cookie(&self, mut response: Response, cookie: Option<HeaderValue>) -> Response {
        if let Some(cookie) = cookie.filter(|_| self.may_set_cookies()) {
            response.headers_mut().append(SET_COOKIE, cookie);
            response.headers_mut().insert(http::header::VARY, HeaderValue::from_name(COOKIE));
        }
        response
    }

    /// The state that the browser keeps, if it has one.
    pub fn browser_state(&self) -> Option<BrowserState> {
        cookies::browser_state(&self.headers, self.state.cookie_scope())
    }

    /// Creates another state.
    pub fn new_browser_state(&self) -> BrowserState {
        self.authentication.new_browser_state()
    }

    /// Sets the cookie of a session that was opened, and replaces the state of the browser.
    pub fn with_session(&self, response: Response, cookie: &SessionCookie, state: &BrowserState) -> Response {
        let scope = self.state.cookie_scope();
        let response = self.with_cookie(response, cookies::open(cookie, scope));
        self.with_cookie(response, cookies::keep_state(state, scope))
    }

    /// Deletes the session cookie of a browser that sent one, and replaces the state of the browser. The state is not deleted,
    /// so that the session frame can tell a sign-out from a cookie that it cannot see.
    pub fn without_session(&self, response: Response) -> Response {
        let scope = self.state.cookie_scope();
        if !cookies::is_there(&self.headers, scope.session_name()) {
            return response;
        }
        let response = self.with_cookie(response, cookies::close(scope));
        self.with_cookie(response, cookies::keep_state(&self.new_browser_state(), scope))
    }
}

/// Where the browser goes with the response to an application, in words.
#[derive(Debug, Clone)]
pub struct DestinationInWords {
    /// What is there, to be shown before its address.
    pub what: &'static str,
    /// The part of the address that identifies the receiver of the response.
    pub address: String,
    /// What the user should know about it.
    pub caution: Option<&'static str>,
}

impl DestinationInWords {
    /// Describes the destination in words.
    pub fn of(destination: &Destination) -> Self {
        let (what, address, caution) = match destination {
            Destination::Site { origin } => ("the web site", origin.clone(), None),
            Destination::UnencryptedSite { origin } => ("the web site", origin.clone(), Some(NOT_ENCRYPTED)),
            Destination::ThisDevice { origin } => {
                ("an app on this device, at", origin.clone(), Some(ANY_PROGRAM))
            }
            Destination::Application { scheme } => {
                ("an app on this device that answers to", format!("{scheme}:"), Some(ANY_APPLICATION))
            }
        };
        Self { what, address, caution }
    }

    /// A sample with all parts.
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Self { what: "the web site", address: tests::HOSTILE.to_owned(), caution: Some(NOT_ENCRYPTED) }
    }
}

const NOT_ENCRYPTED: &str =
    "This address is not encrypted: an attacker on the network can read the data and take over the access.";
const ANY_PROGRAM: &str = "Any program on this device can listen on this address. Continue only if you started from an app on this device that you know.";
const ANY_APPLICATION: &str =
    "Any app on this device can claim this name. Continue only if you started from an app that you know.";

/// A redirect to a page of this server, by its path below the public URL, or to a client address that was validated.
pub fn go_to(address: &str) -> Response {
    let Ok(value) = HeaderValue::from_str(address) else {
        return page::refuse(StatusCode::BAD_REQUEST, "the address to continue to is malformed");
    };
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, value);
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The page for a server failure.
pub fn fault(fault: &Fault) -> Response {
    fault.note("a page cannot be shown");
    let HttpFailure { status, retry_after_secs } = HttpFailure::from(fault);
    let mut response = page::refuse(status, &sentence(&fault.to_string()));
    set_retry_after(&mut response, retry_after_secs);
    response
}

/// The page for a form from a page of another origin.
pub fn cross_origin_form() -> Response {
    let message = "A page of another site sent this form. Nothing was changed. If you want to do what it is for, open the \
                   page here and press the button yourself.";
    page::error(StatusCode::FORBIDDEN, PageError::OtherSite, message)
}

/// The page for a form that was not rendered for this browser.
pub fn stale_form() -> Response {
    let message = "This form is out of date, or your browser does not keep cookies. Go back, reload the page and try again.";
    page::error(StatusCode::FORBIDDEN, PageError::StaleForm, message)
}

/// A time for machines and for people.
#[derive(Debug, Clone)]
pub struct When {
    /// RFC 3339, in UTC.
    pub machine: String,
    /// Day, month, year and time of day, in UTC.
    pub person: String,
}

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        let moment = Moment::from_second(at.as_secs()).unwrap_or_default();
        Self { machine: moment.to_string(), person: moment.strftime("%-d %B %Y, %H:%M UTC").to_string() }
    }
}

/// The user to whom an application was handed over, for a page.
#[derive(Debug, Clone)]
pub struct HandedOver {
    /// The user name of the current owner.
    pub to: String,
    /// The time of the handover.
    pub at: When,
}

impl HandedOver {
    /// To whom the application was handed over, if it was.
    pub fn of(application: &Application) -> Option<Self> {
        let handover = application.handed_over.as_ref()?;
        Some(Self { to: application.owner_name.clone(), at: handover.at.into() })
    }
}

#[cfg(test)]
pub(crate) mod tests;
