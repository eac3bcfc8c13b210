//! What an entry of the list of trusted origins names: one origin, or those of every host below a domain.

use std::str::FromStr;

use url::Host;

use super::WebOrigin;

/// `https://app.example.com`, `https://*.example.com`, `*.example.com`.
///
/// The star stands for one or more labels at the start of a host, and nowhere else. Without a scheme it is `https`; a port
/// that is not written is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    /// The origin, with what follows the star as its host.
    base: WebOrigin,
    is_below: bool,
}

/// Why a text names no origins; to follow the member's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum PatternFault {
    #[error("must not be empty")]
    Empty,
    #[error("must be https or http")]
    Scheme,
    #[error("has a * elsewhere than at the start of the host; write it as in https://*.example.com")]
    StarElsewhere,
    #[error("names every host of a top-level domain; limit 5 (CORSBehavior) set to 1 trusts every origin")]
    TooWide,
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
            label.is_some_and(|label| !label.is_empty())
        } else {
            origin.host == self.base.host
        };
        same_host && origin.scheme == self.base.scheme && origin.port == self.base.port
    }
}

impl FromStr for OriginPattern {
    type Err = PatternFault;

    fn from_str(text: &str) -> Result<Self, PatternFault> {
        if text.is_empty() {
            return Err(PatternFault::Empty);
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
        if !matches!(scheme, "https" | "http") {
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
        if is_below && !base.host.trim_end_matches('.').contains('.') {
            return Err(PatternFault::TooWide);
        }
        Ok(Self { base, is_below })
    }
}
