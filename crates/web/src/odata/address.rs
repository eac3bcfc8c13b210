//! Splitting an OData address, decoding only the name of the source.

use std::borrow::Cow;

use app::data::SERVICE_PATH;
use http::Uri;

use crate::respond::odata::ODataProblem;

/// An address below [`SERVICE_PATH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    source: &'a str,
    /// The path and query below the source with their leading slash, still encoded.
    pub(crate) rest: &'a str,
}

/// Splits the address; `None` if it is elsewhere.
pub(crate) fn split(uri: &Uri) -> Option<Address<'_>> {
    let whole = uri.path_and_query()?.as_str();
    let below = whole.strip_prefix(SERVICE_PATH)?.strip_prefix('/')?;
    let end = below.find(['/', '?']).unwrap_or(below.len());
    let (source, rest) = below.split_at(end);
    Some(Address { source, rest })
}

impl<'a> Address<'a> {
    /// The decoded name of the source.
    pub(crate) fn source(&self) -> Result<Cow<'a, str>, ODataProblem> {
        odata::url::segment(self.source).map_err(|error| app::data::DataRefusal::from(error).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, String)> {
        let uri: Uri = text.parse().unwrap();
        let address = split(&uri)?;
        Some((address.source().unwrap().into_owned(), address.rest.to_owned()))
    }

    #[test]
    fn the_rest_of_an_address_is_not_decoded() {
        for (text, source, rest) in [
            ("/api/odata4/crm", "crm", ""),
            ("/api/odata4/crm/", "crm", "/"),
            ("/api/odata4/crm?$format=json", "crm", "?$format=json"),
            ("/api/odata4/c%72m/A('%2F')?$filter=a+eq+%27b%27", "crm", "/A('%2F')?$filter=a+eq+%27b%27"),
            ("/api/odata4/crm//A", "crm", "//A"),
            ("http://host/api/odata4/crm/A?x=/", "crm", "/A?x=/"),
        ] {
            assert_eq!(parts(text), Some((source.to_owned(), rest.to_owned())), "{text}");
        }
        assert_eq!(parts("/api/odata45/x"), None);
    }
}
