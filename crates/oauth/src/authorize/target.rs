//! The one way to a redirect.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Position, Url};

use crate::redirect;
use crate::refusal::Refusal;
use crate::secret::CodeText;

/// Everything but the unreserved characters of RFC 3986; readable by every decoder of forms and of URLs alike.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A redirect URL that was proved to belong to the application. Only the authorize rules create one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    url: Url,
}

/// Where the browser goes with the answer. The path is not part of it: it says nothing about who receives the answer, and its
/// text is the developer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A web site.
    Site {
        /// Scheme, host in ASCII, and the port where it is not the scheme's own.
        origin: String,
    },
    /// A web site over plain `http`.
    UnencryptedSite {
        /// As for a site.
        origin: String,
    },
    /// A program on the person's device that listens on loopback.
    ThisDevice {
        /// As for a site.
        origin: String,
    },
    /// Whatever application on the device answers to a private-use scheme.
    Application {
        /// Without the colon.
        scheme: String,
    },
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

    /// Where the browser goes next, for the person to judge.
    pub fn destination(&self) -> Destination {
        let (scheme, host, port) = (self.url.scheme(), self.url.host_str(), self.url.port());
        // What follows a private-use scheme is the application's own text; a host there is none.
        let Some(host) = host.filter(|_| matches!(scheme, "http" | "https")) else {
            return Destination::Application { scheme: scheme.to_owned() };
        };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let origin = format!("{scheme}://{host}{port}");
        match scheme {
            _ if redirect::is_loopback(&self.url) => Destination::ThisDevice { origin },
            "https" => Destination::Site { origin },
            _ => Destination::UnencryptedSite { origin },
        }
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
