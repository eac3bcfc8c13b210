//! The one way to a redirect.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Position, Url};

use crate::refusal::Refusal;
use crate::secret::CodeText;

/// Everything but the unreserved characters of RFC 3986; readable by every decoder of forms and of URLs alike.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A redirect URL that was proved to belong to the application. Only the authorize rules create one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    url: Url,
}

impl RedirectTarget {
    /// For the rule that has matched it.
    pub(super) fn proved(url: Url) -> Self {
        Self { url }
    }

    /// The address that gives the client its code
    /// ([RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2),
    /// [RFC 9207 §2](https://www.rfc-editor.org/rfc/rfc9207#section-2)).
    pub fn with_code(&self, code: &CodeText, state: Option<&str>, issuer: &str) -> String {
        self.with(&[("code", Some(code.expose())), ("state", state), ("iss", Some(issuer))])
    }

    /// The address that tells the client why not
    /// ([RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1)).
    pub fn with_error(&self, refusal: Refusal, state: Option<&str>, issuer: &str) -> String {
        let description = refusal.description();
        let (code, description) = (Some(refusal.code().as_str()), Some(description.as_str()));
        self.with(&[
            ("error", code),
            ("error_description", description),
            ("state", state),
            ("iss", Some(issuer)),
        ])
    }

    /// The source that a page's `form-action` must name so that the answer to its form may redirect there.
    pub fn form_action_origin(&self) -> String {
        // A policy cannot name an IPv6 address
        // ([CSP3 §2.3.1](https://www.w3.org/TR/CSP3/#framework-directive-source-list)).
        let host = self.url.host_str().filter(|host| !host.starts_with('['));
        match (self.url.scheme(), host, self.url.port()) {
            (scheme @ ("http" | "https"), Some(host), Some(port)) => format!("{scheme}://{host}:{port}"),
            (scheme @ ("http" | "https"), Some(host), None) => format!("{scheme}://{host}"),
            (scheme, ..) => format!("{scheme}:"),
        }
    }

    /// Where the browser goes next, in words for the person: the host, or the scheme of an installed application.
    pub fn destination(&self) -> &str {
        self.url.host_str().unwrap_or_else(|| self.url.scheme())
    }

    /// "The endpoint URI MAY include a query component, which MUST be retained when adding additional query
    /// parameters" ([RFC 6749 §3.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2)).
    fn with(&self, parameters: &[(&str, Option<&str>)]) -> String {
        let mut location = self.url[..Position::AfterPath].to_owned();
        let mut separator = '?';
        if let Some(query) = self.url.query().filter(|query| !query.is_empty()) {
            location.push('?');
            location.push_str(query);
            separator = '&';
        }
        for (name, value) in parameters {
            let Some(value) = value else { continue };
            location.push(separator);
            location.push_str(name);
            location.push('=');
            location.extend(utf8_percent_encode(value, RESERVED));
            separator = '&';
        }
        location
    }
}
