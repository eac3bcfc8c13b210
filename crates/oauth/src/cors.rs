//! Web pages of other origins that may read responses ([Fetch Standard, CORS
//! protocol](https://fetch.spec.whatwg.org/#http-cors-protocol)): origins that an administrator trusts, and
//! origins of registered applications.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use url::Url;

use domain::characters::{self, CharacterFault};
use domain::id::TrustedOriginId;
use domain::time::Timestamp;

use crate::application::ApplicationSettings;
use crate::redirect::RegisteredRedirect;

mod pattern;

pub use pattern::{OriginPattern, PatternFault};

/// The maximum length of an origin in bytes: a host name, a scheme and a port.
pub const LONGEST_ORIGIN: usize = 300;
/// The maximum number of entries in the list of trusted origins.
pub const MOST_TRUSTED: usize = 1_000;
/// The maximum number of characters in the description of a trusted origin.
pub const LONGEST_DESCRIPTION: usize = 256;

/// Schemes of addresses whose pages have no origin of their own.
const PAGELESS: [&str; 5] = ["file", "data", "blob", "about", "javascript"];

/// An origin ([RFC 6454 §6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2)): scheme, host and port, in
/// lower case and without the default port. `null` is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebOrigin {
    scheme: Box<str>,
    host: Box<str>,
    port: Option<u16>,
}

/// The text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an origin, such as https://app.example.com: a scheme, a host and perhaps a port, without a path"
)]
pub struct NotAnOrigin;

impl WebOrigin {
    /// Whether the page was loaded over plain `http` from another machine, so that an attacker on the network
    /// may have written it.
    pub fn is_plain_http(&self) -> bool {
        &*self.scheme == "http" && !matches!(&*self.host, "localhost" | "127.0.0.1" | "[::1]")
    }

    fn of(url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(Self { scheme: url.scheme().into(), host: host.to_ascii_lowercase().into(), port: url.port() })
    }
}

impl FromStr for WebOrigin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let host_like = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        };
        let (scheme, rest) = text.split_once("://").ok_or(NotAnOrigin)?;
        let is_plain = text.len() <= LONGEST_ORIGIN && !rest.is_empty() && rest.bytes().all(host_like);
        if !is_plain || PAGELESS.iter().any(|pageless| scheme.eq_ignore_ascii_case(pageless)) {
            return Err(NotAnOrigin);
        }
        let url = Url::parse(text).ok().filter(|url| url.scheme().eq_ignore_ascii_case(scheme));
        url.as_ref().and_then(Self::of).ok_or(NotAnOrigin)
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The origins of an application's web pages, without repetition: those of its redirect URLs and those of
/// `cors_origins`.
pub fn of_application(settings: &ApplicationSettings) -> BTreeSet<String> {
    let of_redirects = settings.redirect_urls.iter().filter_map(|url| of_redirect_url(url));
    of_redirects.map(|origin| origin.to_string()).chain(settings.cors_origins.iter().cloned()).collect()
}

/// The origin of a page at a redirect URL; `None` if no web page can have that URL.
fn of_redirect_url(text: &str) -> Option<WebOrigin> {
    match RegisteredRedirect::parse(text).ok()? {
        RegisteredRedirect::Full(url) if matches!(url.scheme(), "http" | "https") => WebOrigin::of(&url),
        RegisteredRedirect::BareHost { host, port: false } => {
            Some(WebOrigin { scheme: "https".into(), host: host.into(), port: None })
        }
        RegisteredRedirect::Full(_) | RegisteredRedirect::BareHost { port: true, .. } => None,
    }
}

/// An entry of the list of trusted origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedOrigin {
    /// Assigned in order, never reused.
    pub id: TrustedOriginId,
    /// The origins that it names; unique.
    pub domain: String,
    /// A description for people; may be empty.
    pub description: String,
    /// The name of the user who last changed it.
    pub modified_by: String,
    /// The time of that change.
    pub modified_at: Timestamp,
}

/// The desired content of an entry in the list of trusted origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrustedOrigin {
    /// The origins that it names, in the form that [`OriginPattern`] parses, in lower case.
    pub domain: String,
    /// A description for people; may be empty.
    pub description: String,
    /// The name of the user who makes the change.
    pub modified_by: String,
    /// The time of the change.
    pub at: Timestamp,
}

/// Why a description is refused; the message follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum DescriptionFault {
    #[error("is {0} characters long; at most 256 are allowed")]
    TooLong(usize),
    #[error(transparent)]
    Character(#[from] CharacterFault),
}

/// Checks the description of a trusted origin against the rules.
///
/// # Errors
/// [`DescriptionFault`].
pub fn check_description(text: &str) -> Result<(), DescriptionFault> {
    let length = text.chars().count();
    match () {
        () if length > LONGEST_DESCRIPTION => Err(DescriptionFault::TooLong(length)),
        () => Ok(characters::check(text)?),
    }
}

#[cfg(test)]
mod tests;
