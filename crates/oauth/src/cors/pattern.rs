//! The entries of the list of trusted origins: one origin, or all hosts below a domain.

use std::fmt;
use std::str::FromStr;

use url::Host;

use super::WebOrigin;

/// `https://app.example.com`, `https://*.example.com`.
///
/// The star stands for one or more labels at the start of a host; it is not allowed elsewhere. Without a
/// port, the default port of the scheme is used. This type parses the list of trusted origins and an
/// application's `corsOrigins`, which allows no star. Its text is the shortest equivalent form, in lower
/// case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    /// The origin, with the text after the star as its host.
    base: WebOrigin,
    is_below: bool,
}

/// Why a text names no origins; the message follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum PatternFault {
    #[error("must not be empty")]
    Empty,
    #[error("is null, which any page can have as its origin; it is never trusted")]
    Null,
    #[error("must begin with https:// or http://, or with the scheme of an app's web view")]
    Scheme,
    #[error("has a * that is not at the start of the host; write it as in https://*.example.com")]
    StarElsewhere,
    #[error(
        "names every host below a public suffix, where anybody can have one; name a domain of your own. Limit 5 \
         (CORSBehavior) set to 1 trusts every origin"
    )]
    TooWide,
    #[error("has a *, which only the list of trusted origins may have; name each origin")]
    Star,
    #[error(
        "must be an origin such as https://app.example.com: a scheme, a host and perhaps a port, without a path"
    )]
    NotAnOrigin,
}

impl OriginPattern {
    /// Whether the pattern names the origin.
    pub fn matches(&self, origin: &WebOrigin) -> bool {
        let same_host = if self.is_below {
            let label = origin.host.strip_suffix(&*self.base.host).and_then(|rest| rest.strip_suffix('.'));
            label.is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()))
        } else {
            origin.host == self.base.host
        };
        same_host && origin.scheme == self.base.scheme && origin.port == self.base.port
    }

    /// Returns the origin, if the pattern names exactly one.
    ///
    /// # Errors
    /// [`PatternFault::Star`] if it contains a star.
    pub fn single(self) -> Result<WebOrigin, PatternFault> {
        if self.is_below { Err(PatternFault::Star) } else { Ok(self.base) }
    }
}

impl FromStr for OriginPattern {
    type Err = PatternFault;

    fn from_str(text: &str) -> Result<Self, PatternFault> {
        match text {
            "" => return Err(PatternFault::Empty),
            "null" => return Err(PatternFault::Null),
            _ => {}
        }
        let (scheme, rest) = text.split_once("://").ok_or(PatternFault::Scheme)?;
        if !may_be_trusted(scheme) {
            return Err(PatternFault::Scheme);
        }
        let (is_below, host) = rest.strip_prefix("*.").map_or((false, rest), |host| (true, host));
        if host.contains('*') {
            return Err(PatternFault::StarElsewhere);
        }
        let base =
            format!("{scheme}://{host}").parse::<WebOrigin>().map_err(|_| PatternFault::NotAnOrigin)?;
        let is_address = !matches!(Host::parse(&base.host), Ok(Host::Domain(_)));
        if is_below && is_address {
            return Err(PatternFault::NotAnOrigin);
        }
        if is_below && is_public_suffix(&base.host) {
            return Err(PatternFault::TooWide);
        }
        Ok(Self { base, is_below })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_below { "*." } else { "" };
        write!(f, "{}://{star}{}", self.base.scheme, self.base.host)?;
        self.base.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Pages are loaded over `http` and `https`; the web view of an app has its own scheme. Browsers never load a
/// page with an origin from the other well-known schemes.
fn may_be_trusted(scheme: &str) -> bool {
    !matches!(scheme.to_ascii_lowercase().as_str(), "" | "ftp" | "ws" | "wss")
}

/// Whether anybody can register hosts below the domain: a host below it is a public suffix itself, or is
/// directly below one ([the list](https://publicsuffix.org)). A single label always counts as a suffix.
fn is_public_suffix(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    let below = format!("a.{domain}");
    psl::domain_str(&below).is_none_or(|registered| registered.len() > domain.len())
}
