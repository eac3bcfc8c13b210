//! What a person sees: plain HTML forms that work without scripts.
//!
//! Every form carries a value bound to the browser's cookie, and a request that says that another site made it is refused
//! before that. Pages that need a session show the sign-in instead, and come back afterwards.

use app::Fault;
use app::caller::{LiveSession, Origin};
use axum::response::Response;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp as Moment;
use oauth::secret::{CsrfToken, SessionCookie};
use oauth::time::Timestamp;

use crate::respond::page;
use crate::{Gate, cookies};

pub mod account;
pub mod form;
pub mod login;
pub mod logout;
pub mod password;

/// A browser that asks for a page.
pub struct Visit<'a> {
    /// What every handler can reach.
    pub gate: &'a Gate,
    /// The headers of the request.
    pub headers: &'a HeaderMap,
    /// Where it comes from.
    pub origin: &'a Origin,
}

/// The name of the cookie of a browser that is not signed in.
fn visitor_name(gate: &Gate) -> &'static str {
    if gate.settings().tls { "__Host-sluicegate-visitor" } else { "sluicegate-visitor" }
}

impl Visit<'_> {
    /// The live session of the browser, with its cookie.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn session(&self) -> Result<Option<(LiveSession, SessionCookie)>, Fault> {
        let Some(cookie) = cookies::session(self.headers, self.gate.settings()) else { return Ok(None) };
        Ok(self.gate.app().caller_by_session(&cookie).await?.map(|live| (live, cookie)))
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
        match cookies::value(self.headers, visitor_name(self.gate)) {
            Some(value) if value.len() == 22 => (value.to_owned(), false),
            _ => (self.gate.app().new_visitor(), true),
        }
    }

    /// Whether a form was rendered for this browser by us.
    pub fn is_ours(&self, cookie: &str, csrf: &str) -> bool {
        !comes_from_elsewhere(self.headers) && self.gate.app().csrf_holds(cookie, &CsrfToken::new(csrf))
    }
}

/// Whether the browser says that another site made the request. Old browsers say nothing; the token decides then.
pub fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

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

/// Adds a cookie to an answer.
pub fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
        response.headers_mut().insert(http::header::VARY, HeaderValue::from_name(COOKIE));
    }
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

#[cfg(test)]
pub(crate) mod tests;
