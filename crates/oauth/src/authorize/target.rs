//! The only way to redirect to a client.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Position, Url};

use crate::destination::Destination;

/// Everything except the unreserved characters of RFC 3986; all decoders of forms and of URLs can read it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A redirect URL that was validated as one of the application's. Only the rules of the authorization
/// endpoint create one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    url: Url,
}

impl RedirectTarget {
    /// Creates the target; only for the rule that has matched the URL.
    pub(super) fn proved(url: Url) -> Self {
        Self { url }
    }

    /// The URL as it was validated.
    pub(super) fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Whether a form can be posted to it: an application on the device receives only an address.
    pub(super) fn accepts_a_form(&self) -> bool {
        matches!(self.url.scheme(), "http" | "https")
    }

    /// Where the browser goes next, to be shown to the user.
    pub fn destination(&self) -> Destination {
        Destination::of(&self.url)
    }

    /// The origin of the client's pages ([RFC 6454 §4](https://www.rfc-editor.org/rfc/rfc6454#section-4)); `None` for an
    /// application on the device, which has none.
    pub(super) fn origin(&self) -> Option<String> {
        let origin = self.url.origin();
        (origin.is_tuple() && self.accepts_a_form()).then(|| origin.ascii_serialization())
    }

    /// "The endpoint URI MAY include a query component, which MUST be retained when adding additional query
    /// parameters" ([RFC 6749 §3.1.2](https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2)).
    pub(super) fn with_query(&self, members: &[(&'static str, String)]) -> String {
        let mut location = self.url[..Position::AfterPath].to_owned();
        let query = self.url.query().filter(|query| !query.is_empty());
        if let Some(query) = query {
            location.push('?');
            location.push_str(query);
        }
        append(&mut location, if query.is_some() { '&' } else { '?' }, members);
        location
    }

    /// The address with the parameters in its fragment; a redirect URL has no fragment of its own.
    pub(super) fn with_fragment(&self, members: &[(&'static str, String)]) -> String {
        let mut location = self.url[..Position::AfterQuery].to_owned();
        append(&mut location, '#', members);
        location
    }
}

/// Appends the parameters in form encoding, the first after `separator`.
fn append(location: &mut String, mut separator: char, members: &[(&'static str, String)]) {
    for (name, value) in members {
        location.push(separator);
        location.push_str(name);
        location.push('=');
        location.extend(utf8_percent_encode(value, RESERVED));
        separator = '&';
    }
}
