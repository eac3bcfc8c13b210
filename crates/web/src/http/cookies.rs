//! The session cookie of our pages, and the token that proves that a request comes from one of them.

use std::fmt::Write as _;

use domain::secret::SessionCookie;
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

use crate::WebSettings;

/// The header in which a script sends the CSRF token of its session.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The name of the session cookie. Because of its prefix, browsers refuse it without TLS and from other hosts
/// ([RFC 6265bis
/// §4.1.3.2](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2)).
pub const fn name(settings: &WebSettings) -> &'static str {
    if settings.tls { "__Host-sluicegate" } else { "sluicegate" }
}

/// The session cookie of a request; `None` also if it appears twice, because then one of them is not ours.
pub fn session(headers: &HeaderMap, settings: &WebSettings) -> Option<SessionCookie> {
    value(headers, name(settings)).map(SessionCookie::new)
}

/// The value of the cookie with that name, if it appears exactly once in the request.
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// Whether a cookie with that name appears in the request, even twice.
pub fn is_there(headers: &HeaderMap, name: &str) -> bool {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.any(|(given, _)| given == name)
}

/// `Set-Cookie` for an opened session; the cookie lives as long as the browser or the session, whichever ends
/// first.
pub fn open(cookie: &SessionCookie, settings: &WebSettings) -> Option<HeaderValue> {
    set(name(settings), cookie.expose(), None, settings)
}

/// `Set-Cookie` for a closed session.
pub fn close(settings: &WebSettings) -> Option<HeaderValue> {
    set(name(settings), "", Some(0), settings)
}

/// `Set-Cookie` with the attributes of all our cookies: only for this host, unreadable for scripts, and not
/// sent with requests from other sites unless they navigate the whole window here. `None` if the value has
/// characters that are not allowed in cookies.
pub fn set(
    name: &str,
    value: &str,
    max_age_secs: Option<u32>,
    settings: &WebSettings,
) -> Option<HeaderValue> {
    let mut text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    if let Some(secs) = max_age_secs {
        // Writing into a string cannot fail.
        let _ = write!(text, "; Max-Age={secs}");
    }
    if settings.tls {
        text.push_str("; Secure");
    }
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let lines = lines.iter().map(|line| (COOKIE, line.parse().unwrap()));
        lines.collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(value(&headers(&["a=1; sluicegate=x=y", "b=2"]), "sluicegate"), Some("x=y"));
        assert_eq!(value(&headers(&["xsluicegate=1"]), "sluicegate"), None);
    }

    #[test]
    fn a_repeated_cookie_is_ignored() {
        assert_eq!(value(&headers(&["sluicegate=a; sluicegate=b"]), "sluicegate"), None);
        assert_eq!(value(&headers(&["sluicegate=a", "sluicegate=b"]), "sluicegate"), None);
    }

    #[test]
    fn under_tls_the_cookie_is_bound_to_host_and_tls() {
        let settings = WebSettings { tls: true, ..WebSettings::default() };
        let header = open(&SessionCookie::new("v"), &settings).unwrap();
        assert_eq!(header, "__Host-sluicegate=v; Path=/; HttpOnly; SameSite=Lax; Secure");
    }
}
