//! The only way to redirect to a client.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Position, Url};

use crate::redirect;
use crate::refusal::Refusal;
use domain::secret::CodeText;

/// Everything except the unreserved characters of RFC 3986; all decoders of forms and of URLs can read it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A redirect URL that was validated as one of the application's. Only the rules of the authorization
/// endpoint create one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    url: Url,
}

/// Where the browser goes with the response. The path is not part of it: it says nothing about the receiver,
/// and the developer chose its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A web site.
    Site {
        /// The scheme, the host in ASCII, and the port unless it is the default.
        origin: String,
    },
    /// A web site over plain `http`.
    UnencryptedSite {
        /// Like that of a site.
        origin: String,
    },
    /// A program on the user's device that listens on loopback.
    ThisDevice {
        /// Like that of a site.
        origin: String,
    },
    /// The application on the device that handles a private-use scheme.
    Application {
        /// The scheme without the colon.
        scheme: String,
    },
}

impl RedirectTarget {
    /// Creates the target; only for the rule that has matched the URL.
    pub(super) fn proved(url: Url) -> Self {
        Self { url }
    }

    /// The address with the code for the client ([RFC 6749
    /// §4.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2), [RFC 9207
    /// §2](https://www.rfc-editor.org/rfc/rfc9207#section-2)).
    pub fn with_code(&self, code: &CodeText, state: Option<&str>, issuer: &str) -> String {
        self.with(&[("code", Some(code.expose())), ("state", state), ("iss", Some(issuer))])
    }

    /// The address with the error for the client ([RFC 6749
    /// §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1)).
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

    /// Where the browser goes next, to be shown to the user.
    pub fn destination(&self) -> Destination {
        let (scheme, host, port) = (self.url.scheme(), self.url.host_str(), self.url.port());
        // The text after a private-use scheme belongs to the application; a host in it means nothing.
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
