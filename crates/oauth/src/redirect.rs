//! Redirect URLs: which may be registered, and which registered URL matches a requested one ([RFC 6749
//! §3.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2), [RFC 9700
//! §2.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1)).
//!
//! URLs are parsed like in a browser, because a browser will follow them.

use url::{Host, Url};

use crate::profile::Profile;

mod private_use;

pub use private_use::{AllowedSchemes, NotAPrivateUseScheme, PrivateUseScheme};

/// The maximum number of characters in a redirect URL.
pub const LONGEST: usize = 2048;

/// Schemes that run code or read files.
const DANGEROUS: [&str; 7] = ["javascript", "data", "vbscript", "file", "blob", "about", "view-source"];

/// Why a text cannot be a redirect URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum RedirectFault {
    #[error("must not be empty")]
    Empty,
    #[error("is longer than 2048 characters")]
    TooLong,
    #[error("contains a space or a control character")]
    ControlCharacter,
    #[error(
        "contains a character that is not printable ASCII; percent-encode it, or write a host in punycode"
    )]
    NotAscii,
    #[error("contains a backslash, which browsers treat as a slash")]
    Backslash,
    #[error("is not an absolute URL, such as https://app.example.com/callback")]
    NotAbsolute,
    #[error("has a scheme that runs code or reads files instead of naming an application")]
    DangerousScheme,
    #[error(
        "has a private-use scheme without a dot; use the reversed name of a domain, such as com.example.app:/callback"
    )]
    SchemeWithoutDot,
    #[error("has a private-use scheme without a dot, which only public applications may use")]
    SchemeOfPublicApplications,
    #[error("must not have a fragment")]
    Fragment,
    #[error("must not have a user name or password")]
    UserInformation,
    #[error("has a host with characters that are not allowed in host names")]
    HostCharacter,
    #[error(
        "has a host that browsers interpret differently; write it in their form, such as 127.0.0.1 for 127.1"
    )]
    HostSpelling,
    #[error(
        "has a parameter in its query that the answer of the server carries (code, state, iss, error and their like), so that \
         the application could not distinguish the two"
    )]
    AnswerParameter,
    #[error("must be https; plain http is for loopback addresses only (127.0.0.1, [::1], localhost)")]
    PlainHttp,
    #[error(
        "is a bare host name, which this profile does not match; write the full URL, such as https://app.example.com/callback"
    )]
    BareHost,
}

/// A warning about a redirect URL that may be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum RedirectWarning {
    #[error("is plain http: an attacker on the network can read the authorization codes")]
    PlainHttp,
    #[error(
        "is a bare host name: codes may go to every https page of that host; register the full URL instead"
    )]
    BareHost,
    #[error(
        "is a bare host name with a port, which no redirect_uri ever matches; register the full URL instead"
    )]
    BareHostWithPort,
}

/// A redirect URL as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisteredRedirect {
    /// A full URL.
    Full(Url),
    /// A bare host in lower case, with or without a port.
    BareHost {
        /// The host without the port.
        host: String,
        /// Whether there is a port; if so, nothing matches.
        port: bool,
    },
}

impl RegisteredRedirect {
    /// Parses a registered text, for any profile.
    ///
    /// # Errors
    /// [`RedirectFault`], the first in reading order.
    pub fn parse(text: &str) -> Result<Self, RedirectFault> {
        text_is_plain(text)?;
        if let Some(bare) = bare_host(text) {
            return Ok(bare);
        }
        full_url(text).map(Self::Full)
    }
}

/// Checks whether the text may be registered under the profile, and returns warnings about it.
///
/// # Errors
/// [`RedirectFault`].
pub fn may_be_registered(
    text: &str,
    profile: Profile,
    schemes: AllowedSchemes<'_>,
) -> Result<Option<RedirectWarning>, RedirectFault> {
    let registered = RegisteredRedirect::parse(text)?;
    if let RegisteredRedirect::Full(url) = &registered {
        schemes.include(url)?;
    }
    is_usable(text, &registered, profile)
}

/// Whether the text may be registered under the profile by some application at some server.
pub(crate) fn may_be_registered_somewhere(text: &str, profile: Profile) -> bool {
    RegisteredRedirect::parse(text).is_ok_and(|registered| is_usable(text, &registered, profile).is_ok())
}

/// Whether a browser may go there after a logout: a private-use scheme without a dot must be that of a redirect URL.
pub(crate) fn may_follow(text: &str, redirect_urls: &[String]) -> bool {
    let Ok(RegisteredRedirect::Full(url)) = RegisteredRedirect::parse(text) else { return false };
    let mut registered = redirect_urls.iter().filter_map(|other| Url::parse(other).ok());
    let is_own = !private_use::lacks_owner(&url) || registered.any(|other| other.scheme() == url.scheme());
    is_own && may_be_registered_somewhere(text, Profile::OAuth21)
}

/// Everything but the scheme.
fn is_usable(
    text: &str,
    registered: &RegisteredRedirect,
    profile: Profile,
) -> Result<Option<RedirectWarning>, RedirectFault> {
    if let RegisteredRedirect::Full(url) = registered {
        host_is_spelled_as_browsers_interpret_it(text, url)?;
        query_has_no_response_parameter(url)?;
    }
    fits(registered, profile)
}

/// Checks whether the profile allows it, and returns warnings about it.
fn fits(registered: &RegisteredRedirect, profile: Profile) -> Result<Option<RedirectWarning>, RedirectFault> {
    let rules = profile.rules();
    match registered {
        RegisteredRedirect::BareHost { .. } if !rules.bare_host_redirects => Err(RedirectFault::BareHost),
        RegisteredRedirect::BareHost { port: true, .. } => Ok(Some(RedirectWarning::BareHostWithPort)),
        RegisteredRedirect::BareHost { port: false, .. } => Ok(Some(RedirectWarning::BareHost)),
        RegisteredRedirect::Full(url) if url.scheme() != "http" || is_loopback(url) => Ok(None),
        RegisteredRedirect::Full(_) if !rules.plain_http => Err(RedirectFault::PlainHttp),
        RegisteredRedirect::Full(_) => Ok(Some(RedirectWarning::PlainHttp)),
    }
}

/// The URL for the redirect, if the requested text matches a registered one under the profile.
pub(crate) fn matching(requested: &str, registered: &[String], profile: Profile) -> Option<Url> {
    let Ok(RegisteredRedirect::Full(url)) = RegisteredRedirect::parse(requested) else { return None };
    let matches = |text: &String| {
        is_exactly(requested, text)
            || is_another_port(requested, text)
            || is_on_host(requested, &url, text, profile)
    };
    registered.iter().filter(|text| is_allowed(text, profile)).any(matches).then_some(url)
}

/// The default for an omitted `redirect_uri`: the only full URL that is registered.
pub(crate) fn only_full(registered: &[String], profile: Profile) -> Option<Url> {
    let allowed = registered.iter().filter(|text| is_allowed(text, profile));
    let mut full = allowed.filter_map(|text| match RegisteredRedirect::parse(text) {
        Ok(RegisteredRedirect::Full(url)) => Some(url),
        _ => None,
    });
    let only = full.next()?;
    full.next().is_none().then_some(only)
}

fn is_allowed(registered: &str, profile: Profile) -> bool {
    RegisteredRedirect::parse(registered).is_ok_and(|registered| fits(&registered, profile).is_ok())
}

/// Simple string comparison ([RFC 9700 §2.1](https://www.rfc-editor.org/rfc/rfc9700#section-2.1)).
fn is_exactly(requested: &str, registered: &str) -> bool {
    requested == registered
}

/// "The authorization server MUST allow any port to be specified at the time of the request for loopback IP
/// redirect URIs" ([RFC 8252 §7.3](https://www.rfc-editor.org/rfc/rfc8252#section-7.3)). Everything except
/// the port is compared as text.
fn is_another_port(requested: &str, registered: &str) -> bool {
    let requested = without_loopback_port(requested);
    requested.is_some() && requested == without_loopback_port(registered)
}

/// The loopback host and everything after its port, as written.
fn without_loopback_port(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = rest.get(host.len()..)?;
    let Some(port_and_path) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest));
    };
    let path = port_and_path.trim_start_matches(|c: char| c.is_ascii_digit());
    (path.is_empty() || path.starts_with(['/', '?'])).then_some((host, path))
}

/// A registered bare host matches every `https` page of that host, on the default port, that could be
/// registered in full.
fn is_on_host(text: &str, requested: &Url, registered: &str, profile: Profile) -> bool {
    let Ok(RegisteredRedirect::BareHost { host, port: false }) = RegisteredRedirect::parse(registered) else {
        return false;
    };
    profile.rules().bare_host_redirects
        && requested.scheme() == "https"
        && requested.port().is_none()
        && requested.host_str() == Some(host.as_str())
        && may_be_registered_somewhere(text, profile)
}

/// Browsers interpret `127.1`, `2130706433` and `%6cocalhost` as other hosts, and so would any comparison.
fn host_is_spelled_as_browsers_interpret_it(text: &str, url: &Url) -> Result<(), RedirectFault> {
    let Some(read) = url.host_str() else { return Ok(()) };
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = authority.get(..read.len()).filter(|written| written.eq_ignore_ascii_case(read));
    let port = rest.and_then(|_| authority.get(read.len()..)).unwrap_or("x");
    if port.is_empty() || port.starts_with(':') { Ok(()) } else { Err(RedirectFault::HostSpelling) }
}

/// The query parameters of responses in this and other flows ([OAuth
/// Parameters](https://www.iana.org/assignments/oauth-parameters/oauth-parameters.xhtml), location
/// "authorization response").
const ANSWER_PARAMETERS: [&str; 15] = [
    "access_token",
    "code",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "id_token",
    "iss",
    "refresh_token",
    "response",
    "scope",
    "session_state",
    "state",
    "token_type",
    "vp_token",
];

/// A second `state` or `code` beside ours is dangerous, because the application's framework decides which of
/// the two it uses. Frameworks also ignore the case of names, accept `;` as a separator, read `code[]` as
/// `code`, and a dot or a space as an underscore.
fn query_has_no_response_parameter(url: &Url) -> Result<(), RedirectFault> {
    let separated = url.query().unwrap_or_default().replace(';', "&");
    let is_of_answer = |name: &str| {
        let name = name.split('[').next().unwrap_or_default().trim().to_ascii_lowercase();
        ANSWER_PARAMETERS.contains(&name.replace(['.', ' '], "_").as_str())
    };
    let mut pairs = url::form_urlencoded::parse(separated.as_bytes());
    if pairs.any(|(name, _)| is_of_answer(&name)) { Err(RedirectFault::AnswerParameter) } else { Ok(()) }
}

fn text_is_plain(text: &str) -> Result<(), RedirectFault> {
    if text.is_empty() {
        return Err(RedirectFault::Empty);
    }
    if text.chars().nth(LONGEST).is_some() {
        return Err(RedirectFault::TooLong);
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(RedirectFault::ControlCharacter);
    }
    if !text.is_ascii() {
        return Err(RedirectFault::NotAscii);
    }
    if text.contains('\\') {
        return Err(RedirectFault::Backslash);
    }
    Ok(())
}

/// A bare host such as `bedford.progresstest.com`, as in the samples of Hybrid Data Pipeline, with or without
/// a port.
fn bare_host(text: &str) -> Option<RegisteredRedirect> {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, true)
        }
        Some(_) => return None,
        None => (text, false),
    };
    let host_like = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !host.bytes().all(host_like) {
        return None;
    }
    let url = Url::parse(&format!("https://{host}/")).ok()?;
    let host = url.host_str()?.to_owned();
    Some(RegisteredRedirect::BareHost { host, port })
}

fn full_url(text: &str) -> Result<Url, RedirectFault> {
    let url = Url::parse(text).map_err(|_| RedirectFault::NotAbsolute)?;
    match url.scheme() {
        "http" | "https" => web_url_is_plain(text, &url)?,
        scheme if DANGEROUS.contains(&scheme) => return Err(RedirectFault::DangerousScheme),
        _ => {}
    }
    if text.contains('#') {
        return Err(RedirectFault::Fragment);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RedirectFault::UserInformation);
    }
    let host_like = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
    if !url.host_str().unwrap_or_default().chars().all(host_like) {
        return Err(RedirectFault::HostCharacter);
    }
    Ok(url)
}

/// Browsers correct `https:host` and `https:///host`; a URL that needs correction is neither registered nor
/// matched.
fn web_url_is_plain(text: &str, url: &Url) -> Result<(), RedirectFault> {
    let rest = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
    if rest.is_none_or(|rest| rest.starts_with('/')) {
        return Err(RedirectFault::NotAbsolute);
    }
    if rest.is_some_and(|rest| {
        rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    }) {
        return Err(RedirectFault::UserInformation);
    }
    Ok(())
}

/// Whether the URL leads to the device on which the browser runs.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests;
