//! The cookies of our pages, and the token that proves that a request comes from one of them.

use std::fmt::Write as _;

use domain::secret::SessionCookie;
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use oauth::oidc::session_state::BrowserState;

use super::base_path::BasePath;

/// The header in which a script sends the CSRF token of its session.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The requests with which browsers send our cookies.
#[derive(Debug, Clone, Copy)]
pub struct CookieScope<'a> {
    /// Whether users connect over TLS.
    pub tls: bool,
    /// The path of the public URL.
    pub base: &'a BasePath,
}

impl CookieScope<'_> {
    /// The name of the session cookie. Because of the prefix `__Host-`, browsers refuse it without TLS and from other hosts
    /// ([RFC 6265bis
    /// §4.1.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3)). That prefix demands the
    /// path `/`, so that below a path it is `__Secure-`, and only TLS is demanded: other programs on the host are not to get
    /// the cookie.
    pub fn session_name(self) -> &'static str {
        match (self.tls, self.base.is_root()) {
            (true, true) => "__Host-sluicegate",
            (true, false) => "__Secure-sluicegate",
            (false, _) => "sluicegate",
        }
    }

    /// The name of the cookie for a browser that is not signed in.
    pub fn visitor_name(self) -> &'static str {
        match (self.tls, self.base.is_root()) {
            (true, true) => "__Host-sluicegate-visitor",
            (true, false) => "__Secure-sluicegate-visitor",
            (false, _) => "sluicegate-visitor",
        }
    }

    /// The name of the cookie with the state of the browser, which the script of the session frame reads.
    pub fn browser_state_name(self) -> &'static str {
        match (self.tls, self.base.is_root()) {
            (true, true) => "__Host-sluicegate-browser-state",
            (true, false) => "__Secure-sluicegate-browser-state",
            (false, _) => "sluicegate-browser-state",
        }
    }

    /// The names of all our cookies.
    pub fn names(self) -> [&'static str; 3] {
        [self.session_name(), self.visitor_name(), self.browser_state_name()]
    }
}

/// The session cookie of a request; `None` also if it appears twice, because then one of them is not ours.
pub fn session(headers: &HeaderMap, scope: CookieScope<'_>) -> Option<SessionCookie> {
    value(headers, scope.session_name()).map(SessionCookie::new)
}

/// The state of the browser that sends a request, if it has one.
pub fn browser_state(headers: &HeaderMap, scope: CookieScope<'_>) -> Option<BrowserState> {
    value(headers, scope.browser_state_name()).and_then(BrowserState::parse)
}

/// The value of the cookie with that name, if it appears exactly once in the request.
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = values(headers, name);
    let value = values.next()?;
    if values.next().is_some() { None } else { std::str::from_utf8(value).ok() }
}

/// Whether a cookie with that name appears in the request, even twice.
pub fn is_there(headers: &HeaderMap, name: &str) -> bool {
    values(headers, name).next().is_some()
}

/// The values of the cookies with that name. Other cookies of the host, which any program on it may have set, can be
/// arbitrary bytes.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// `Set-Cookie` for an opened session; the cookie lives as long as the browser or the session, whichever ends
/// first.
pub fn open(cookie: &SessionCookie, scope: CookieScope<'_>) -> Option<HeaderValue> {
    set(scope.session_name(), cookie.expose(), None, scope)
}

/// `Set-Cookie` for a closed session.
pub fn close(scope: CookieScope<'_>) -> Option<HeaderValue> {
    set(scope.session_name(), "", Some(0), scope)
}

/// `Set-Cookie` with the state of the browser, which our own script reads in the browser. It lasts as long as the browser, like
/// the session cookie.
pub fn keep_state(state: &BrowserState, scope: CookieScope<'_>) -> Option<HeaderValue> {
    line(scope.browser_state_name(), state.as_str(), CookieReader::Script, None, scope)
}

/// `Set-Cookie` for a cookie that only this server reads. `None` if the value has characters that are not allowed in cookies.
pub fn set(
    name: &str,
    value: &str,
    max_age_secs: Option<u32>,
    scope: CookieScope<'_>,
) -> Option<HeaderValue> {
    line(name, value, CookieReader::Server, max_age_secs, scope)
}

/// Who reads a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CookieReader {
    /// Only the server.
    Server,
    /// A script of our pages, too.
    Script,
}

/// `Set-Cookie` with the attributes of all our cookies: only for this host and below the path of the public URL, and not sent
/// with requests from other sites unless they navigate the whole window here. `None` if the value has characters that are not
/// allowed in cookies ([RFC 6265 §4.1.1](https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1)).
fn line(
    name: &str,
    value: &str,
    reader: CookieReader,
    max_age_secs: Option<u32>,
    scope: CookieScope<'_>,
) -> Option<HeaderValue> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
    if !value.bytes().all(is_allowed) {
        return None;
    }
    let path = if scope.base.is_root() { "/" } else { scope.base.as_str() };
    let http_only = if reader == CookieReader::Server { "; HttpOnly" } else { "" };
    let mut text = format!("{name}={value}; Path={path}{http_only}; SameSite=Lax");
    if let Some(secs) = max_age_secs {
        // Writing into a string cannot fail.
        let _ = write!(text, "; Max-Age={secs}");
    }
    if scope.tls {
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
    fn a_cookie_of_another_program_hides_none_of_ours() {
        for other in ["n=M\u{fc}ller", "\u{1f353}", "=", "a", "\u{e9}=sluicegate=2"] {
            for line in [format!("{other}; sluicegate=x"), format!("sluicegate=x;{other}")] {
                let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
                let headers = HeaderMap::from_iter([(COOKIE, line)]);
                assert_eq!(value(&headers, "sluicegate"), Some("x"), "{other}");
                assert!(is_there(&headers, "sluicegate"));
            }
        }
        let bytes = HeaderValue::from_bytes(b"sluicegate=\xff").unwrap();
        let headers = HeaderMap::from_iter([(COOKIE, bytes)]);
        assert_eq!(value(&headers, "sluicegate"), None);
        assert!(is_there(&headers, "sluicegate"));
    }

    #[test]
    fn a_value_that_no_cookie_may_have_is_not_set() {
        let scope = CookieScope { tls: false, base: &BasePath::root() };
        for value in ["a;b", "a; Path=/", "a b", "a,b", "a\"", "a\\b", "\u{e9}", "a\r\nb"] {
            assert_eq!(set("sluicegate", value, None, scope), None, "{value:?}");
        }
    }

    #[test]
    fn a_repeated_cookie_is_ignored() {
        assert_eq!(value(&headers(&["sluicegate=a; sluicegate=b"]), "sluicegate"), None);
        assert_eq!(value(&headers(&["sluicegate=a", "sluicegate=b"]), "sluicegate"), None);
    }

    #[test]
    fn under_tls_the_cookie_is_bound_to_host_and_tls() {
        let scope = CookieScope { tls: true, base: &BasePath::root() };
        let header = open(&SessionCookie::new("v"), scope).unwrap();
        assert_eq!(header, "__Host-sluicegate=v; Path=/; HttpOnly; SameSite=Lax; Secure");
    }

    #[test]
    fn scripts_read_only_the_state_of_the_browser() {
        let (root, below) = (BasePath::root(), BasePath::of("https://gate.example/sluicegate"));
        let state = BrowserState::from_bytes([0; 16]);
        let lasting = format!("-browser-state={}; Path=", state.as_str());
        for (tls, base, expected) in [
            (true, &root, format!("__Host-sluicegate{lasting}/; SameSite=Lax; Secure")),
            (true, &below, format!("__Secure-sluicegate{lasting}/sluicegate; SameSite=Lax; Secure")),
            (false, &root, format!("sluicegate{lasting}/; SameSite=Lax")),
        ] {
            let scope = CookieScope { tls, base };
            assert_eq!(keep_state(&state, scope).unwrap(), expected);
            let [_, visitor, _] = scope.names().map(|name| set(name, "v", None, scope).unwrap());
            assert!(visitor.to_str().unwrap().contains("; HttpOnly;"), "{visitor:?}");
        }
    }

    #[test]
    fn a_state_that_we_did_not_set_is_ignored() {
        let scope = CookieScope { tls: false, base: &BasePath::root() };
        let good = BrowserState::from_bytes([7; 16]);
        let sent = |value: &str| headers(&[&format!("sluicegate-browser-state={value}")]);
        assert_eq!(browser_state(&sent(good.as_str()), scope), Some(good.clone()));
        for bad in ["", "x", "AAAA AAAA", &format!("{0}; sluicegate-browser-state={0}", good.as_str())] {
            assert_eq!(browser_state(&sent(bad), scope), None, "{bad}");
        }
    }

    #[test]
    fn below_a_path_the_cookie_is_sent_nowhere_else() {
        let base = BasePath::of("https://gate.example/sluicegate");
        let header = close(CookieScope { tls: true, base: &base }).unwrap();
        let expected = "__Secure-sluicegate=; Path=/sluicegate; HttpOnly; SameSite=Lax; Max-Age=0; Secure";
        assert_eq!(header, expected);
        let header = open(&SessionCookie::new("v"), CookieScope { tls: false, base: &base }).unwrap();
        assert_eq!(header, "sluicegate=v; Path=/sluicegate; HttpOnly; SameSite=Lax");
    }
}
