//! The initiator of a browser's request.
//!
//! A cookie and remembered Basic credentials are *ambient*: a browser sends them whoever initiated the
//! request. One rule says what they may be used for; see `docs/decisions/ambient-credentials.md`.

use http::header::{HOST, HeaderValue, ORIGIN};
use http::{HeaderMap, Method, Uri};
use url::Url;

/// Who initiated the request, according to `Sec-Fetch-Site` ([Fetch Metadata
/// §2.3](https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header)) or, if the browser does not send that,
/// `Origin` ([Fetch §3.2](https://fetch.spec.whatwg.org/#origin-header)). No page can set either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// A page of this server.
    Ours,
    /// The user, by the address bar or a bookmark, or another program on the device that opened a link.
    Person,
    /// A page of another origin, even of the same site.
    Another,
    /// A page that hides its origin: `Origin: null`. Our own forms do this too, because our pages send no
    /// referrer.
    Hidden,
    /// Unknown: a program, or a browser from before 2020 that follows a link.
    Unsaid,
}

/// Where browsers find this server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicSite<'a> {
    /// Whether users connect over TLS.
    pub(crate) tls: bool,
    /// The public URL.
    pub(crate) public_url: &'a str,
}

impl Initiator {
    /// The initiator of a request with these headers.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap, site: PublicSite<'_>) -> Self {
        match only(headers, "sec-fetch-site") {
            Found::One(site) if site == "same-origin" => Self::Ours,
            Found::One(site) if site == "none" => Self::Person,
            Found::One(_) | Found::Several => Self::Another,
            Found::None => match only(headers, ORIGIN.as_str()) {
                Found::None => Self::Unsaid,
                Found::One(origin) if origin == "null" => Self::Hidden,
                Found::One(origin) if is_this_server(origin, uri, headers, site) => Self::Ours,
                Found::One(_) | Found::Several => Self::Another,
            },
        }
    }

    /// Whether a cookie may change something, together with its CSRF token.
    pub fn may_change_by_cookie(self) -> bool {
        self != Self::Another
    }

    /// Whether Basic credentials may change something; they have no CSRF token.
    pub fn may_change_by_basic(self) -> bool {
        matches!(self, Self::Ours | Self::Person | Self::Unsaid)
    }

    /// Whether Basic credentials may open a session in this browser. A link in a message can contain a name
    /// and a password of its sender, so it is not enough that the user opened the link.
    pub fn may_open_session_by_basic(self) -> bool {
        matches!(self, Self::Ours | Self::Unsaid)
    }

    /// Whether the browser withheld our cookies, which are `SameSite=Lax`, so that it may have cookies that
    /// we do not see ([RFC 6265bis
    /// §5.8.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.8.3)).
    pub(crate) fn withholds_cookies(self, method: &Method, headers: &HeaderMap) -> bool {
        let leads_the_window =
            |name, value| !matches!(only(headers, name), Found::One(given) if given != value);
        let is_navigation = method.is_safe()
            && leads_the_window("sec-fetch-mode", "navigate")
            && leads_the_window("sec-fetch-dest", "document");
        matches!(self, Self::Another | Self::Hidden) && !is_navigation
    }
}

/// The values of a header.
enum Found<'a> {
    None,
    One(&'a HeaderValue),
    Several,
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Found::None,
        (Some(value), None) => Found::One(value),
        (Some(_), Some(_)) => Found::Several,
    }
}

/// Whether the origin is that of the public URL, or that under which the request was sent.
fn is_this_server(origin: &HeaderValue, uri: &Uri, headers: &HeaderMap, site: PublicSite<'_>) -> bool {
    let Some((origin, (scheme, authority))) =
        origin.to_str().ok().and_then(|origin| Some((origin, origin.split_once("://")?)))
    else {
        return false;
    };
    let asked = uri.authority().map(http::uri::Authority::as_str);
    let asked = asked.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    // If users connect over TLS, anybody may have written a page that came without it.
    let scheme_fits = scheme == "https" || (scheme == "http" && !site.tls);
    if scheme_fits && asked.is_some_and(|asked| asked.eq_ignore_ascii_case(authority)) {
        return true;
    }
    let configured = Url::parse(site.public_url);
    configured.is_ok_and(|url| url.origin().ascii_serialization() == origin)
}
